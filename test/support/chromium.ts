/** The Chromium of Debian, which tests of pages drive. */
import { existsSync } from "node:fs"
import type { Browser } from "playwright-core"
import { chromium } from "playwright-core"

const executablePath = "/usr/bin/chromium"

export const isMissing = !existsSync(executablePath)

/** The note in the name of a skipped suite. */
export const unlessThere = isMissing ? " (the Debian package chromium is missing)" : ""

/** Playwright switches off the cache in which a page that is left stays alive, unless it is asked for. */
export const launch = ({ hasPageCache = false }: { readonly hasPageCache?: boolean } = {}): Promise<Browser> =>
  chromium.launch({
    ignoreDefaultArgs: hasPageCache ? ["--disable-back-forward-cache"] : [],
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync"
    ]
  })

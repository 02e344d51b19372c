/** The Chromium of Debian, which tests of pages drive. */
import { existsSync } from "node:fs"
import type { Browser } from "playwright-core"
import { chromium } from "playwright-core"

const executablePath = "/usr/bin/chromium"

export const isMissing = !existsSync(executablePath)

/** The note in the name of a skipped suite. */
export const unlessThere = isMissing ? " (the Debian package chromium is missing)" : ""

export const launch = (): Promise<Browser> =>
  chromium.launch({
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

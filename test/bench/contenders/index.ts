import { pathToFileURL } from "node:url"
import { pathOf } from "../paths.js"
import type { Client, Open, Settings } from "./client.js"

/** The contenders that are installed separately. Each is a module in `peers`. */
export const peers = [
  "amplitude-node",
  "amplitude-node-fast",
  "posthog",
  "segment",
  "rudderstack",
  "mixpanel"
] as const

const modules: Record<string, () => Promise<Record<string, Open>>> = {
  floor: async () => (await import("./floor.js")).floor,
  floorEffect: async () => (await import("./floorEffect.js")).floorEffect,
  ours: async () => (await import("./ours.js")).ours
}

const moduleOf = (name: string): string =>
  name.startsWith("floor-effect") ? "floorEffect" : name.startsWith("floor") ? "floor" : "ours"

/** Only what a contender needs is loaded: the others are not in its process. */
const load = async (name: string): Promise<Open> => {
  if ((peers as ReadonlyArray<string>).includes(name)) {
    const { open } = await import(pathToFileURL(pathOf(`peers/${name}.mjs`)).href) as { readonly open: Open }
    return open
  }
  const open = (await modules[moduleOf(name)]!())[name]
  if (open === undefined) throw new Error(`there is no contender ${name}`)
  return open
}

/** Loads a contender. The result opens its client, so that no figure includes loading. */
export const contender = async (name: string): Promise<(settings: Settings) => Promise<Client>> => await load(name)

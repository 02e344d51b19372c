/** Reads and writes the addresses of the views: `#/TAB/PATH?q=FILTER&project=PROJECT`. */
import { computed, signal } from "@preact/signals"

export const tabs = ["events", "users", "requests", "faults", "plan", "connect"] as const

export type Tab = typeof tabs[number]

export interface Route {
  readonly tab: Tab
  /** The decoded segments after the tab. */
  readonly path: ReadonlyArray<string>
  readonly query: URLSearchParams
}

const isTab = (name: string | undefined): name is Tab => tabs.some((tab) => tab === name)

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** Parses the fragment of an address. Any other fragment is the list of events. */
export const parse = (hash: string): Route => {
  const [path = "", query = ""] = hash.replace(/^#\/?/u, "").split("?", 2)
  const [tab, ...rest] = path.split("/").filter((segment) => segment !== "").map(decode)
  return {
    tab: isTab(tab) ? tab : "events",
    path: isTab(tab) ? rest : [],
    query: new URLSearchParams(query)
  }
}

const fragment = signal(location.hash)

addEventListener("hashchange", () => {
  fragment.value = location.hash
})

/** The shown view. */
export const route = computed(() => parse(fragment.value))

/** Whether the address names a view. */
export const isNamed = computed(() => /^#\/\w/u.test(fragment.value))

/** The filter of the list of events. */
export const query = computed(() => route.value.query.get("q") ?? "")

/** The shown project, or `undefined` for all. */
export const project = computed(() => route.value.query.get("project") ?? undefined)

/** A segment of a path. Half of a surrogate pair, for which `encodeURIComponent` throws, is replaced. */
export const segment = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"))

/** The address of a view. It keeps the project, and between views of the events the filter. */
export const href = (
  tab: Tab,
  path: ReadonlyArray<string> = [],
  changes: { readonly [name: string]: string | undefined } = {}
): string => {
  const params = new URLSearchParams()
  const keep = { project: project.value, q: tab === "events" ? query.value : undefined, ...changes }
  for (const [name, value] of Object.entries(keep)) {
    if (value !== undefined && value !== "") {
      params.set(name, value)
    }
  }
  const search = params.toString()
  return `#/${[tab, ...path.map(segment)].join("/")}${search === "" ? "" : `?${search}`}`
}

/** Goes to a view. With `replace` the current address is not kept in the history. */
export const go = (to: string, replace = false): void => {
  if (to === location.hash) {
    return
  }
  history[replace ? "replaceState" : "pushState"](null, "", to)
  fragment.value = to
}

import { fileURLToPath } from "node:url"

/** Where something of the bench is that is not compiled. */
export const pathOf = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
/** Where a compiled module is. */
export const builtOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
export const root = pathOf("../../")

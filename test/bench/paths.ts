import { fileURLToPath } from "node:url"

export const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
export const root = pathOf("../../")

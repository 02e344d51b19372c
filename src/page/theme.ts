/** The theme: light, dark, or the one of the system. */
import { effect, signal } from "@preact/signals"

export const themes = ["system", "light", "dark"] as const

export type Theme = typeof themes[number]

const key = "effect-amplitude/theme"

const stored = (): Theme => {
  try {
    return themes.find((theme) => theme === localStorage.getItem(key)) ?? "system"
  } catch {
    // a browser that blocks storage throws
    return "system"
  }
}

export const theme = signal<Theme>(stored())

/** The next theme: light after system, dark after light, system after dark. */
export const next = (): void => {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "system"
  try {
    localStorage.setItem(key, theme.value)
  } catch {
    // the choice is kept until the page closes
  }
}

effect(() => {
  document.documentElement.dataset.theme = theme.value
})

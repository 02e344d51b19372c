/** Light, dark, or what the system says. */
import { effect, signal } from "@preact/signals"

export const themes = ["system", "light", "dark"] as const

export type Theme = typeof themes[number]

const key = "effect-amplitude/theme"

const stored = (): Theme => {
  try {
    return themes.find((theme) => theme === localStorage.getItem(key)) ?? "system"
  } catch {
    // A browser that blocks storage answers with an exception.
    return "system"
  }
}

export const theme = signal<Theme>(stored())

/** Light after system, dark after light, system after dark. */
export const next = (): void => {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "system"
  try {
    localStorage.setItem(key, theme.value)
  } catch {
    // The choice lasts as long as the page.
  }
}

effect(() => {
  document.documentElement.dataset.theme = theme.value
})

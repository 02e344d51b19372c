/** A key as it is shown. */
export const mask = (apiKey: string): string => apiKey.slice(0, 4)

/** An API key as it is shown: its first four characters. */
export const mask = (apiKey: string): string => apiKey.slice(0, 4)

/**
 * The help of each command, by its name. It is written here when the command line is bundled, from what the commands say, so
 * that help needs nothing else of the bundle.
 */
export const helpTexts: { readonly [command: string]: string } = {}

/**
 * The help of each command, by its name. It is empty in the sources: the bundler replaces this module with the help
 * that the commands print. Help then needs no other module.
 */
export const helpTexts: { readonly [command: string]: string } = {}

/** What every event says of the library that sent it; the version is that of the package, which a test holds it to. */
export const library = "effect-amplitude/0.1.0"

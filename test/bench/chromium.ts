/** The Chromium of the Debian package `chromium`. */
export const executablePath = "/usr/bin/chromium"

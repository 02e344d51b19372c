import { defineConfig } from "vite"

/** The page of `DevServer`: three files, which the server reads from disk. The names of two are made of what they hold. */
export default defineConfig({
  root: "src/page",
  base: "./",
  publicDir: false,
  build: {
    outDir: "../../dist/page",
    emptyOutDir: true,
    assetsDir: "",
    // Older browsers lack `light-dark()`, which a rewrite would make larger.
    target: ["chrome123", "firefox120", "safari17.5"],
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // The polyfill is not needed: there is one script.
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        codeSplitting: false,
        entryFileNames: "page-[hash].js",
        assetFileNames: "page-[hash][extname]"
      }
    }
  }
})

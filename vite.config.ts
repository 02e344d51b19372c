import { defineConfig } from "vite"

/** Builds the page of `DevServer`: three files, which the server reads from disk. Two of their names contain a hash. */
export default defineConfig({
  root: "src/page",
  base: "./",
  publicDir: false,
  build: {
    outDir: "../../dist/page",
    emptyOutDir: true,
    assetsDir: "",
    // These browsers have `light-dark()`. A rewrite for older ones would make the styles larger.
    target: ["chrome123", "firefox120", "safari17.5"],
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // One script needs no polyfill for preloading.
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

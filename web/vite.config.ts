/** Builds the page (app.js, app.css, index.html) and, with --mode widget, the same front end for notebooks (widget.js, widget.css). */
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const target = "es2022";
const outDir = "../src/glassnet/play/static";

/** Names without hashes: a build of the same sources gives the same files. */
export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [svelte()],
  publicDir: mode === "widget" ? false : "public",
  build: {
    target,
    outDir,
    emptyOutDir: mode !== "widget",
    modulePreload: false,
    cssCodeSplit: false,
    sourcemap: false,
    rollupOptions:
      mode === "widget"
        ? {
            input: "src/widget.ts",
            preserveEntrySignatures: "exports-only",
            output: { format: "es", entryFileNames: "widget.js", assetFileNames: "widget[extname]", codeSplitting: false },
          }
        : { output: { entryFileNames: "app.js", assetFileNames: "app[extname]", codeSplitting: false } },
  },
  test: { include: ["src/**/*.test.ts"] },
}));

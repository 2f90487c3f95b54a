/** Builds the page (app.js, app.css, index.html) and, with --mode widget, the same front end for notebooks (widget.js, widget.css). */
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const target = "es2022";
const outDir = "../src/glassnet/play/static";

/**
 * Parts of Svelte's runtime that this page never uses: it mounts and does not hydrate what a server rendered, has no custom
 * elements and no components of Svelte 4. Said as constants, the minifier drops them (a tenth of the bundle).
 */
const unused: Plugin = {
  name: "unused-parts-of-svelte",
  apply: "build",
  enforce: "pre",
  transform(code, id) {
    const file = id.split("/svelte/src/internal/")[1];
    if (file === "flags/index.js") return code.replaceAll("export let", "export const").replace(/(\w+) = (true|false);\n}/g, "}");
    if (file === "client/dom/hydration.js") {
      return code.replace("export let hydrating", "export const hydrating").replace("hydrating = value;", "");
    }
    if (file === "client/dom/elements/custom-element.js") return "export function create_custom_element() {}";
    return undefined;
  },
};

/** Names without hashes: a build of the same sources gives the same files. */
export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [unused, svelte({ compilerOptions: { runes: true, cssHash: ({ hash, css }) => `g${hash(css).slice(0, 4)}` } })],
  publicDir: mode === "widget" ? false : "public",
  build: {
    target,
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // they know light-dark()
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
  test: { include: ["src/**/*.test.ts"], testTimeout: 60_000 },
}));

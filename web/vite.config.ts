/** Builds the page (app.js, app.css, index.html) and, with --mode widget, the same front end for notebooks (widget.js, widget.css). */
import { readdirSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const target = "es2022";
const outDir = "../src/glassnet/play/static";

/**
 * Svelte's boundary without what only `<svelte:boundary>` and `await` in a component use, of which this page has none:
 * what is mounted is pending until it stands, its effects wait until then, and an error is thrown on.
 */
const boundary = `
import { BOUNDARY_EFFECT, EFFECT_PRESERVED, EFFECT_TRANSPARENT } from "#client/constants";
import { block, branch } from "../../reactivity/effects.js";
import { current_batch } from "../../reactivity/batch.js";
import { defer_effect } from "../../reactivity/utils.js";
import { active_effect } from "../../runtime.js";
export class Boundary {
  is_pending = true;
  #waiting = new Map();
  constructor(node, children) {
    block(() => {
      branch(() => {
        active_effect.b = this;
        active_effect.f |= BOUNDARY_EFFECT;
        children(node);
      });
      this.is_pending = false;
      current_batch.transfer_reactions(this.#waiting);
    }, EFFECT_TRANSPARENT | EFFECT_PRESERVED);
  }
  is_rendered() { return !this.is_pending; }
  defer_effect(effect) { defer_effect(effect, this.#waiting); }
  update_pending_count() {}
  error(error) { throw error; }
}
export const boundary = (node, props, children) => new Boundary(node, children);
export const pending = () => 0;
`;

/** In Svelte's `flatten`, what comes after all values are there: it waits for those that a component awaits. */
const awaited = /\tif \(async\.length === 0 && pending[^]*?\n}\n/;

/** Names inside Svelte's runtime that stand on nothing of the page, and of members of our own classes: they become short ones. */
const MANGLED =
  /^(is_rendered|update_pending_count|async_deriveds|is_fork|add_dirty_reaction|transfer_reactions|is_pending|defer_effect|register_created_effect|is_global|transform_error|has_pending_snippet|skip_effect|unskip_effect|outrogroups|reactions|curvesVersion|shownField|nextSample|byBranch|copyUntil|lostAt|resumption|walking|selection|radius|visiting|unopened|following|settled|listener|teardown|schedule|ensure|onpick|places|layout|recording|settings|outcome|pending)$/;
const output = { codeSplitting: false, minify: { mangleProps: { include: MANGLED } } };

/** The class that ties a component's style to it: its place among the components, in two or three letters. */
const COMPONENTS = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".svelte")).map((name) => name.replaceAll("\\", "/")).sort();
const cssHash = ({ filename }: { filename: string }) => `g${COMPONENTS.indexOf(filename.replaceAll("\\", "/").split("src/").pop() as string).toString(36)}`;

/**
 * Parts of Svelte's runtime that this page never uses: it mounts and does not hydrate what a server rendered, has no custom
 * elements, no `await` in a component, no style attribute beside `style:`, no object in `$state` that is
 * changed in place, and no components of Svelte 4. Said as constants, the minifier drops them (a tenth of the bundle).
 */
const unused: Plugin = {
  name: "unused-parts-of-svelte",
  apply: "build",
  enforce: "pre",
  transform(code, id) {
    const file = id.split("/svelte/src/internal/")[1];
    if (file === "client/dom/blocks/boundary.js") return boundary;
    if (file?.endsWith("/errors.js") || file?.endsWith("/warnings.js")) return code.replaceAll("https://svelte.dev", "svelte.dev");
    if (file === "flags/index.js") return code.replaceAll("export let", "export const").replace(/(\w+) = (true|false);\n}/g, "}");
    if (file === "client/dom/hydration.js") {
      return code.replace("export let hydrating", "export const hydrating").replace("hydrating = value;", "");
    }
    if (file === "client/proxy.js") return "export const proxy = (value) => value, get_proxied_value = proxy, is = Object.is;";
    if (file === "client/reactivity/async.js") return code.replace(awaited, "\tfn(deriveds);\n}\n");
    if (file === "shared/attributes.js") return code.replace(/if \(value\)(?= {\n\t\t\t\/\/ strip)/, "if (false)");
    if (file === "client/dom/elements/custom-element.js") return "export function create_custom_element() {}";
    return undefined;
  },
};

/** Names without hashes: a build of the same sources gives the same files. */
export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [unused, svelte({ compilerOptions: { runes: true, cssHash } })],
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
            output: { format: "es", entryFileNames: "widget.js", assetFileNames: "widget[extname]", ...output },
          }
        : { output: { entryFileNames: "app.js", assetFileNames: "app[extname]", ...output } },
  },
  test: { include: ["src/**/*.test.ts"], testTimeout: 60_000 },
}));

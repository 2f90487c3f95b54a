/** The one function of Node that vite.config.ts calls. */
declare module "node:fs" {
  export function readdirSync(path: string, options: { recursive: true; encoding: "utf8" }): string[];
}

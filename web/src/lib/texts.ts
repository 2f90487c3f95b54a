// The prose of the page. It stands in a file of the Python package and comes with the first message.
import type prose from "../../../src/glassnet/frames/texts.json";

export type Texts = typeof prose;
export const texts = {} as Texts;

/** "step {t}" with {t: 4} → "step 4" */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => (key in values ? String(values[key]) : whole));
}

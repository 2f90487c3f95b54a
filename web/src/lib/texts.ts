// The prose of the page stands in texts.json; this fills its places.
import texts from "../texts.json";

export { texts };

/** "step {t}" with {t: 4} → "step 4" */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => (key in values ? String(values[key]) : whole));
}

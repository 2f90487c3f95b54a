// The prose of the panels, in one file for later translation.
import texts from "../texts.json";

export { texts };

/** "From step {t} on" with t filled in. */
export function filled(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

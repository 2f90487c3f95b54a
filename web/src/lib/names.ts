// The names of branches, and of quantities: w1[0,1] in commands, w/1/0/1 in data-q, W1 on the screen. Rows and columns count from 0, as in Python.

import type { Branch } from "./messages";

/** A branch with where it left which other one: "lr 0.3 → 0.05, from step 20 of “first run”"; without the others, not of which. */
export function branchText({ label, parent, from }: Branch, all: Branch[] = []): string {
  const of = all.find(({ id }) => id === parent);
  return label + (parent === null ? "" : `, from step ${from}${of ? ` of “${of.label}”` : ""}`);
}

export interface Selection {
  quantity: string; // "w1", "delta2"
  row: number; // a unit
  column: number; // the unit that a weight comes from; for z, a and δ the place in the batch
}

const SYMBOLS: Record<string, string> = {
  w: "W", b: "b", dw: "∂C/∂W", db: "∂C/∂b", delta: "δ", change: "ΔW", gate: "f′(z)", z: "z", a: "a", x: "x", y: "y",
};

export function splitName(quantity: string): { stem: string; layer: number } {
  const match = /^(.*?)(\d+)$/.exec(quantity);
  return match ? { stem: match[1], layer: Number(match[2]) } : { stem: quantity, layer: 0 };
}

/** w1, 0, 2 → "w/1/0/2" */
export function dataName(quantity: string, row?: number, column?: number): string {
  const match = /^([a-zA-Z_.]+?)(\d+)$/.exec(quantity);
  const head = match ? `${match[1]}/${match[2]}` : quantity;
  return [head, row, column].filter((part) => part !== undefined).join("/");
}

export const symbol = (quantity: string): string => {
  const { stem, layer } = splitName(quantity);
  return stem in SYMBOLS ? SYMBOLS[stem].replace(/\)?$/, (end) => layer + end) : quantity; // f′(z1)
};

const hasColumns = (quantity: string): boolean => /^(w|dw|change)\d/.test(quantity);
const isBias = (quantity: string): boolean => /^(b|db)\d/.test(quantity);

/** What a command calls it: "w1[0,1]", "b2[0,0]", "z1[3,0]". */
export function commandName({ quantity, row, column }: Selection): string {
  return `${quantity}[${row},${isBias(quantity) ? 0 : column}]`;
}

/** What is moved to measure a quantity: ∂C/∂W by moving W, δ by moving z. */
export function nudgeable({ quantity, row, column }: Selection): Selection | null {
  const { stem, layer } = splitName(quantity);
  const moved = { w: "w", dw: "w", change: "w", b: "b", db: "b", z: "z", delta: "z", gate: "z", a: "a" }[stem];
  return moved === undefined ? null : { quantity: `${moved}${layer}`, row, column };
}

/** What a person reads, as the engine's sentences have it: "w1[0, 1]", "δ2[3]", and z of a batch of m samples "z2[3, 1]". */
export function shownName({ quantity, row, column }: Selection, m = 1): string {
  const { stem, layer } = splitName(quantity);
  const name = /^[wbza]$/.test(stem) ? quantity : (SYMBOLS[stem] ?? stem).replace(/\)?$/, (end) => layer + end);
  return `${name}[${row}${hasColumns(quantity) || (m > 1 && !isBias(quantity)) ? `, ${column}` : ""}]`;
}

/** The part of a link: "w1.0.1". */
export const linkName = ({ quantity, row, column }: Selection): string => `${quantity}.${row}.${column}`;

export function fromLinkName(text: string | null): Selection | null {
  const match = /^([a-z]+\d+)\.(\d+)\.(\d+)$/.exec(text ?? "");
  return match ? { quantity: match[1], row: Number(match[2]), column: Number(match[3]) } : null;
}

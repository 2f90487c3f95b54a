// Which rows and columns of a stage's matrices are shown, and how they are linked.
import { at, columnsOf, decode, rowsOf, type Matrix } from "./codec";
import type { LayerInfo, Term, WalkStage } from "./messages";
import type { Lit } from "./state.svelte";

export const MOST_SAMPLES = 12; // columns of a batch that are shown side by side

export interface Window {
  rows: number[];
  columns: number[];
  more: [number, number]; // rows and columns that are not shown
}

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

function along(axis: Term["axes"][0], length: number, batch: boolean, sample: number): number[] {
  if (axis !== "m" || length === 1) return range(length);
  if (!batch) return [Math.min(sample, length - 1)];
  if (length <= MOST_SAMPLES) return range(length);
  return sample < MOST_SAMPLES ? range(MOST_SAMPLES) : [...range(MOST_SAMPLES - 1), sample];
}

export function windowOf(term: Term, batch: boolean, sample: number): Window {
  const matrix = decode(term.values);
  const rows = along(term.axes[0], rowsOf(matrix), batch, sample);
  const columns = along(term.axes[1], columnsOf(matrix), batch, sample);
  const hidden = (axis: number, shown: number[]): number => (term.axes[axis] === "m" && !batch ? 0 : term.shape[axis] - shown.length);
  return { rows, columns, more: [hidden(0, rows), hidden(1, columns)] };
}

export const isTerm = (part: Term | string): part is Term => typeof part !== "string";
export const termsOf = (stage: WalkStage): Term[] => stage.terms.filter(isTerm);
export const resultOf = (stage: WalkStage): Term | null => termsOf(stage).at(-1) ?? null;

/** What a stage is called everywhere: its equation and what that computes, "z1", "BP1 δ2", "BP2 ∂c/∂a1", "update W1". */
export function stageName(stage: WalkStage): string {
  const { key, label, title } = stage;
  if (label === "cost" || label === "batch") return label;
  const what = title.includes(" ") ? (resultOf(stage)?.symbol ?? "") : title;
  return `${label === "forward" ? "" : `${label} `}${what}${/full|jacobian/.test(key) ? " in full" : ""}`;
}

/** A cell is lit where each of its axes that the pointer is on has the same position. */
export function isLit(term: Term, row: number, column: number, lit: Lit): boolean {
  const first = term.axes[0] === null ? undefined : lit[term.axes[0]];
  const second = term.axes[1] === null || term.axes[1] === term.axes[0] ? undefined : lit[term.axes[1]];
  if (first === undefined && second === undefined) return false;
  return (first === undefined || first === row) && (second === undefined || second === column);
}

export function litBy(term: Term, row: number, column: number): Lit {
  const lit: Lit = {};
  if (term.axes[0] !== null) lit[term.axes[0]] = row;
  if (term.axes[1] !== null && term.axes[1] !== term.axes[0]) lit[term.axes[1]] = column;
  return lit;
}

/** The name along an axis: a unit's number, "sample 3", or nothing. */
export function axisName(axis: Term["axes"][0], position: number, layers: LayerInfo[]): string {
  if (axis === "m") return `s${position}`;
  if (typeof axis !== "number") return "";
  const unit = layers[axis]?.shown[position] ?? position;
  return layers[axis]?.names[unit] || String(unit);
}

/** The unit behind a row or column of a table. */
export function unitOf(axis: Term["axes"][0], position: number, layers: LayerInfo[]): number {
  return typeof axis === "number" ? (layers[axis]?.shown[position] ?? position) : position;
}

/** The largest magnitude among the shown cells, for the tint of a table. */
export function tintScale(matrix: Matrix, { rows, columns }: Window): number {
  let most = 0;
  for (const row of rows) for (const column of columns) most = Math.max(most, Math.abs(at(matrix, row, column)) || 0);
  return most === Infinity ? 0 : most;
}

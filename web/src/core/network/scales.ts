// How numbers of the network become colours, widths and dashes. The scales stay the same during a run.
import { largest, type Matrix } from "../../lib/codec";
import { css, linear, mix, symlog, type Palette } from "../../lib/colour";
import type { Edges } from "../../lib/state.svelte";

export const SMALLEST = 1e-8; // δ and gradients below this look like zero
export const MOST_WEIGHT = 4;
export const MOST_ERROR = 1;
const BOUNDED = new Set(["sigmoid", "tanh", "softmax", "hard_sigmoid", "hard_tanh", "softsign"]);
const MOST_OUTPUT = 3; // of an activation without bounds

export type Scale = (value: number) => number;

/** −1..1 for an edge; the square root keeps small weights visible. */
function weightScale(most: number): Scale {
  return (value) => Math.sign(value) * Math.sqrt(Math.abs(linear(value, most)));
}

export function edgeScale(edges: Edges, fit: boolean, matrices: (Matrix | null)[]): Scale {
  const most = Math.max(...matrices.map((matrix) => (matrix ? largest(matrix) : 0)), 1e-300);
  if (edges === "w") return weightScale(fit ? most : MOST_WEIGHT);
  const top = fit ? most : MOST_ERROR;
  return (value) => symlog(value, top * SMALLEST, top);
}

export function errorScale(fit: boolean, matrices: (Matrix | null)[]): Scale {
  const top = fit ? Math.max(...matrices.map((matrix) => (matrix ? largest(matrix) : 0)), 1e-300) : MOST_ERROR;
  return (value) => symlog(value, top * SMALLEST, top);
}

export const fillScale = (activation: string): Scale => {
  const most = BOUNDED.has(activation) ? 1 : MOST_OUTPUT;
  return (value) => linear(value, most);
};

export interface Stroke {
  colour: string;
  width: number;
  dashed: boolean;
}

const LEVELS = 60; // on either side of zero

const made = new WeakMap<Palette, Map<number, Stroke[]>>();

/** The strokes of −1..1, made once per palette and thickness: a frame has hundreds of edges. The last one is of no number. */
export function strokes(palette: Palette, thick: number): (level: number) => Stroke {
  const tables = made.get(palette) ?? new Map<number, Stroke[]>();
  const table = tables.get(thick) ?? Array.from({ length: 2 * LEVELS + 2 }, (_, i) => edgeStroke(palette, i > 2 * LEVELS ? NaN : (i - LEVELS) / LEVELS, thick));
  made.set(palette, tables.set(thick, table));
  return (level) => table[Number.isNaN(level) ? 2 * LEVELS + 1 : near(level) + LEVELS];
}

/** A small number keeps its sign, and with it its dashes. */
function near(level: number): number {
  const nearest = Math.round(level * LEVELS);
  return nearest === 0 ? Math.sign(level) : nearest;
}

export function edgeStroke(palette: Palette, level: number, thick: number): Stroke {
  const size = Number.isNaN(level) ? 0 : Math.abs(level);
  const shown = level < 0 ? -(0.22 + 0.78 * size) : 0.22 + 0.78 * size;
  return { colour: css(mix(palette, size === 0 ? NaN : shown)), width: 0.5 + thick * size, dashed: level < 0 };
}

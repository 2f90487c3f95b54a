// How classes look: a colour and a shape each, so that none is known by its colour alone.
import { css, type Palette } from "../../lib/colour";
import type { RunInfo } from "../../lib/messages";

type Channels = [number, number, number];

const FURTHER: Channels[] = [
  [26, 133, 160], [148, 148, 20], [190, 60, 120], [70, 120, 215], [138, 90, 50], [50, 150, 95], [120, 124, 132], [196, 150, 20],
];

/** Class 0 has the negative colour, class 1 the positive one. */
export function classColour(palette: Palette, index: number): Channels {
  if (index === 0) return palette.negative;
  if (index === 1) return palette.positive;
  return FURTHER[(index - 2) % FURTHER.length];
}

/** The same as a style. */
export const classFill = (index: number): string => (index === 0 ? "var(--negative)" : index === 1 ? "var(--positive)" : css(FURTHER[(index - 2) % FURTHER.length]));

/** The target of a class: "y = 1 (yes)" of a single output; of one output per class, which of them is 1. */
export function targetName(run: RunInfo, index: number): string {
  const name = run.classes[index] ?? String(index);
  if (run.layers[run.layers.length - 1].units > 1) return `y = 1 at ${name}`;
  return `y = ${index}${name === String(index) ? "" : ` (${name})`}`;
}

type Shape = (x: number, y: number, r: number) => string;

const circle: Shape = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
const square: Shape = (x, y, r) => `M${x - r * 0.9} ${y - r * 0.9}h${1.8 * r}v${1.8 * r}h${-1.8 * r}Z`;
const triangle: Shape = (x, y, r) => `M${x} ${y - 1.2 * r}l${1.15 * r} ${2 * r}h${-2.3 * r}Z`;
const diamond: Shape = (x, y, r) => `M${x} ${y - 1.3 * r}l${1.3 * r} ${1.3 * r}l${-1.3 * r} ${1.3 * r}l${-1.3 * r} ${-1.3 * r}Z`;
const bar: Shape = (x, y, r) => `M${x - 0.5 * r} ${y - 1.3 * r}h${r}v${2.6 * r}h${-r}Z`;
const dash: Shape = (x, y, r) => `M${x - 1.3 * r} ${y - 0.5 * r}h${2.6 * r}v${r}h${-2.6 * r}Z`;

const SHAPES = [circle, square, triangle, diamond, bar, dash];

/** The path of a mark at a place, with about this radius. */
export const markOf = (index: number): Shape => SHAPES[index % SHAPES.length];

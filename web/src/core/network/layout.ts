// Where neurons and edges stand in the drawing.
import type { LayerInfo } from "../../lib/messages";

export interface Place {
  layer: number;
  index: number; // among the shown units
  unit: number; // among all units
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  radius: number;
  wordy: boolean; // room for numbers
  letters: [number, number]; // per line of the names of inputs and of outputs
  lines: number; // of a name
  columns: number[]; // x of each layer
  places: Place[][];
  edges: number;
  image: { x: number; y: number; size: number; rows: number; columns: number } | null;
}

const LEAST_SIDE = 64; // room for names of inputs and outputs
const LETTER = 6.4; // width of one, on average
const SIDE_SHARE = 0.28; // of the width, at most, for names on either side
const TWO_LINES = 27; // height of two lines of a name
const TOP = 46; // room for the names of the layers
const BOTTOM = 30;
const LARGEST_RADIUS = 20;
const SMALLEST_RADIUS = 7;
const SPACING = 96; // from neuron to neuron where there is room
const CROWD = 12; // neurons in a layer that need a taller drawing
const LOWEST = 300;
const TALLEST = 590;
const WORDS = 36; // height of a bias, a gauge and a number

const shownUnits = (layer: LayerInfo): number => (layer.image ? 1 : layer.shown.length);

/** Room for the longest name beside the neurons of a layer, within a share of the width. */
function sideOf({ names, image }: LayerInfo, width: number): number {
  const longest = image ? 0 : Math.max(0, ...names.map((name) => name.length));
  return Math.max(LEAST_SIDE, Math.min(SIDE_SHARE * width, longest * LETTER + LARGEST_RADIUS + 16));
}

export function arrange(layers: LayerInfo[], width: number): Layout {
  const sides = [sideOf(layers[0], width), sideOf(layers[layers.length - 1], width)];
  const most = Math.max(...layers.map(shownUnits), 1);
  const height = Math.min(most > CROWD ? TALLEST + 130 : TALLEST, Math.max(LOWEST, TOP + BOTTOM + most * SPACING));
  const spacing = Math.min(SPACING + 24, (height - TOP - BOTTOM) / most);
  const gap = (width - sides[0] - sides[1]) / Math.max(1, layers.length - 1);
  const wordy = spacing >= 2 * 13 + WORDS && gap >= 70;
  const radius = Math.max(SMALLEST_RADIUS, Math.min(LARGEST_RADIUS, wordy ? (spacing - WORDS) / 2 : Math.min(spacing * 0.34, (spacing - 16) / 2), gap * 0.28));
  const columns = layers.map((_, l) => (layers.length === 1 ? width / 2 : sides[0] + l * gap));
  const middle = TOP + (height - TOP - BOTTOM) / 2;
  const image = placeImage(layers[0], middle, gap);
  const places = layers.map((layer, l) =>
    l === 0 && image ? pixels(layer, image) : column(layer, l, columns[l], middle, wordy ? spacing : Math.min(SPACING, (height - TOP - BOTTOM) / layer.shown.length)),
  );
  const edges = places.slice(1).reduce((sum, upper, l) => sum + upper.length * places[l].length, 0);
  const [before, after] = sides.map((side, i) => Math.floor((side - radius - (i ? 13 : 6)) / LETTER));
  return { width, height, radius, wordy, letters: [before, after], lines: spacing < TWO_LINES ? 1 : 2, columns, places, edges, image };
}

function column(layer: LayerInfo, l: number, x: number, middle: number, spacing: number): Place[] {
  const first = middle - ((layer.shown.length - 1) * spacing) / 2;
  return layer.shown.map((unit, index) => ({ layer: l, index, unit, x, y: first + index * spacing }));
}

function placeImage(layer: LayerInfo, middle: number, gap: number): Layout["image"] {
  if (!layer.image) return null;
  const [rows, columns] = layer.image;
  const size = Math.min(120, gap * 0.75);
  return { x: 8, y: middle - size / 2, size, rows, columns };
}

/** An input that is a pixel stands where the pixel is. */
function pixels(layer: LayerInfo, image: NonNullable<Layout["image"]>): Place[] {
  const [wide, high] = [image.size / image.columns, image.size / image.rows];
  return layer.shown.map((unit, index) => ({
    layer: 0,
    index,
    unit,
    x: image.x + ((unit % image.columns) + 0.5) * wide,
    y: image.y + (Math.floor(unit / image.columns) + 0.5) * high,
  }));
}

/** The edge that passes within `reach` of a point, for the pointer. */
export function nearestEdge(layout: Layout, x: number, y: number, reach = 6): { layer: number; row: number; column: number } | null {
  let best: { layer: number; row: number; column: number } | null = null;
  let least = reach;
  for (let l = 1; l < layout.places.length; l++) {
    for (const from of layout.places[l - 1]) {
      for (const to of layout.places[l]) {
        if (x < from.x || x > to.x) continue;
        const away = Math.abs(from.y + ((to.y - from.y) * (x - from.x)) / (to.x - from.x) - y);
        if (away < least) [least, best] = [away, { layer: l, row: to.index, column: from.index }];
      }
    }
  }
  return best;
}

// A field of outputs as pixels. Nothing is computed but colours: the outputs come from the engine.
import { mix, type Palette } from "../../lib/colour";
import { classColour } from "./classes";

const STRONGEST = 0.62; // of the full colour, so that the samples stand out
const FAINTEST = 0.12;

/** What one output value means: its level from −1 to 1 around `middle`. */
export interface Meaning {
  middle: number;
  half: number;
}

function largestOutput(values: ArrayLike<number>, outputs: number, size: number, place: number): { index: number; value: number } {
  let index = 0;
  for (let k = 1; k < outputs; k++) if (values[k * size + place] > values[index * size + place]) index = k;
  return { index, value: values[index * size + place] };
}

function colourAt(values: ArrayLike<number>, outputs: number, places: number, place: number, meaning: Meaning, palette: Palette) {
  if (outputs === 1) {
    const level = (values[place] - meaning.middle) / meaning.half;
    return mix(palette, Math.max(-1, Math.min(1, level)) * STRONGEST);
  }
  const { index, value } = largestOutput(values, outputs, places, place);
  const share = FAINTEST + (STRONGEST - FAINTEST) * Math.max(0, Math.min(1, value));
  const end = classColour(palette, index);
  return palette.paper.map((from, i) => Math.round(from + (end[i] - from) * share));
}

/** Paints (outputs, size²) into a canvas of size × size pixels, the low end of the second axis below. */
export function paint(canvas: HTMLCanvasElement, values: ArrayLike<number>, outputs: number, size: number, meaning: Meaning, palette: Palette): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  canvas.width = canvas.height = size;
  const image = context.createImageData(size, size);
  const places = size * size;
  for (let place = 0; place < places; place++) {
    const [red, green, blue] = colourAt(values, outputs, places, place, meaning, palette);
    const pixel = 4 * ((size - 1 - Math.floor(place / size)) * size + (place % size));
    image.data.set([red, green, blue, 255], pixel);
  }
  context.putImageData(image, 0, 0);
}

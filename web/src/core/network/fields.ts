// A neuron's own answer over the two inputs, drawn as its fill; and the image of a sample, drawn as the input layer.
import type { Matrix } from "../../lib/codec";
import { mix, type Palette } from "../../lib/colour";
import type { Layout, Place } from "./layout";
import type { Scale } from "./scales";

const scratch = typeof document === "undefined" ? null : document.createElement("canvas");
const SHADES = 127; // on either side of zero

/** The colours of −1..1 as pixels, made once per palette: a picture has thousands of them. */
const shadesOf = new WeakMap<Palette, Uint32Array>();
function shades(palette: Palette): Uint32Array {
  let table = shadesOf.get(palette);
  if (table) return table;
  const bytes = new Uint8ClampedArray(4 * (2 * SHADES + 2));
  for (let i = -SHADES; i <= SHADES; i++) bytes.set([...mix(palette, i / SHADES), 255], 4 * (i + SHADES));
  bytes.set([...mix(palette, NaN), 255], 4 * (2 * SHADES + 1));
  table = new Uint32Array(bytes.buffer);
  shadesOf.set(palette, table);
  return table;
}

/** Values with rows from low to high of the second axis; the picture has high on top. */
function paint(values: ArrayLike<number>, start: number, wide: number, high: number, level: Scale, palette: Palette, flip: boolean): HTMLCanvasElement | null {
  const context = scratch?.getContext("2d");
  if (!scratch || !context) return null;
  if (scratch.width !== wide || scratch.height !== high) [scratch.width, scratch.height] = [wide, high];
  const image = context.createImageData(wide, high);
  const pixels = new Uint32Array(image.data.buffer);
  const table = shades(palette);
  for (let row = 0, next = 0; row < high; row++) {
    const from = start + (flip ? high - 1 - row : row) * wide;
    for (let column = 0; column < wide; column++) {
      const shade = level(values[from + column]);
      pixels[next++] = table[shade === shade ? Math.round(shade * SHADES) + SHADES : 2 * SHADES + 1];
    }
  }
  context.putImageData(image, 0, 0);
  return scratch;
}

export function drawFields(context: CanvasRenderingContext2D, places: Place[], neurons: Matrix, radius: number, level: Scale, palette: Palette): void {
  const size = Math.round(Math.sqrt(neurons.shape[1]));
  for (const place of places) {
    const picture = paint(neurons.values, place.index * size * size, size, size, level, palette, true);
    if (!picture) return;
    context.save();
    context.beginPath();
    context.arc(place.x, place.y, radius, 0, 2 * Math.PI);
    context.clip();
    context.imageSmoothingEnabled = true;
    context.drawImage(picture, place.x - radius, place.y - radius, 2 * radius, 2 * radius);
    context.restore();
  }
}

export function drawImage(context: CanvasRenderingContext2D, image: NonNullable<Layout["image"]>, values: ArrayLike<number>, level: Scale, palette: Palette): void {
  const picture = paint(values, 0, image.columns, image.rows, level, palette, false);
  if (!picture) return;
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, image.x, image.y, image.size, image.size);
}

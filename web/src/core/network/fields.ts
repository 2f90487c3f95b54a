// A neuron's own answer over the two inputs, drawn as its fill; and the image of a sample, drawn as the input layer.
import type { Matrix } from "../../lib/codec";
import { mix, type Palette } from "../../lib/colour";
import type { Layout, Place } from "./layout";
import type { Scale } from "./scales";

const scratch = typeof document === "undefined" ? null : document.createElement("canvas");

/** Values with rows from low to high of the second axis; the picture has high on top. */
function paint(values: ArrayLike<number>, start: number, wide: number, high: number, level: Scale, palette: Palette, flip: boolean): HTMLCanvasElement | null {
  const context = scratch?.getContext("2d");
  if (!scratch || !context) return null;
  [scratch.width, scratch.height] = [wide, high];
  const image = context.createImageData(wide, high);
  for (let row = 0; row < high; row++) {
    for (let column = 0; column < wide; column++) {
      const from = start + (flip ? high - 1 - row : row) * wide + column;
      const [red, green, blue] = mix(palette, level(values[from]));
      image.data.set([red, green, blue, 255], 4 * (row * wide + column));
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

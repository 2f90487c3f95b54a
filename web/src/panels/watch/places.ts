// Where samples and round numbers lie in a picture of the network's answers.
import type { Field, RunInfo } from "../../lib/messages";
import { niceTicks } from "../chart/scale";

/** Round numbers along an axis of a field in the units of the data, and where the network has them. */
export function dataTicks(run: RunInfo, field: Field, axis: number, most: number): { value: number; at: number }[] {
  const { mean, scale } = run.data.raw[field.axes[axis]];
  return niceTicks(mean + scale * field.low[axis], mean + scale * field.high[axis], most).map((value) => ({ value, at: (value - mean) / scale }));
}

/** The sample that was clicked on: of `count`, the nearest one in a picture that is so many units wide and high. */
export function nearest(event: MouseEvent, width: number, height: number, count: number, place: (i: number) => [number, number]): number {
  const box = (event.currentTarget as Element).getBoundingClientRect();
  const [x, y] = [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  let best = 0;
  let least = Infinity;
  for (let i = 0; i < count; i++) {
    const [px, py] = place(i);
    const distance = Math.hypot(px - x, py - y);
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

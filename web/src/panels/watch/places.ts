// Where samples and round numbers lie in a picture of the network's answers.
import type { Field, RunInfo } from "../../lib/messages";
import { niceTicks } from "../chart/scale";
import { tickText } from "../chart/tick_text";

const DAY = 86_400_000; // ms

/** Round numbers, or dates, along an axis of a field in the units of the data, and where the network has them. */
export function dataTicks(run: RunInfo, field: Field, axis: number, most: number): { text: string; at: number }[] {
  const { mean, scale, unit } = run.data.raw[field.axes[axis]];
  const [low, high] = [mean + scale * field.low[axis], mean + scale * field.high[axis]];
  const dates = () => [...new Set([1, 3, 5].map((sixths) => Math.round(low + (sixths / 6) * (high - low))))];
  return (unit ? dates() : niceTicks(low, high, most))
    .map((value) => ({ text: unit ? new Date(value * DAY).toISOString().slice(0, 10) : tickText(value), at: (value - mean) / scale }));
}

/** Whether the numbers along an axis are dates. */
export const isDate = (run: RunInfo, field: Field, axis: number): boolean => !!run.data.raw[field.axes[axis]]?.unit;

/** What an axis shows; of a date its days, which its ticks say. */
export function axisTitle(run: RunInfo, field: Field, axis: number): string {
  const name = run.data.inputs[field.axes[axis]] ?? `x${field.axes[axis]}`;
  return isDate(run, field, axis) ? name.replace(/ days$/, "") : name;
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

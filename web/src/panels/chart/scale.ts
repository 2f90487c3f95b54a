// From numbers to places on the screen: linear and logarithmic axes, their ticks, and lines of any length.

export interface Scale {
  (value: number): number;
  readonly low: number;
  readonly high: number;
  readonly ticks: number[];
}

function scale(place: (value: number) => number, low: number, high: number, ticks: number[]): Scale {
  return Object.assign((value: number) => place(value), { low, high, ticks });
}

const STEPS = [1, 2, 2.5, 5, 10];

/** Round numbers between low and high, about `count` of them. */
export function niceTicks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = power * (STEPS.find((candidate) => span / (candidate * power) <= count + 0.5) ?? 10);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** Powers of ten from low to high, thinned out to at most `count`. */
export function decades(low: number, high: number, count: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / count));
  const ticks: number[] = [];
  for (let exponent = last; exponent >= first; exponent -= every) ticks.unshift(Number(`1e${exponent}`));
  return ticks;
}

export function linearScale(low: number, high: number, from: number, to: number, count = 5): Scale {
  const span = high > low ? high - low : 1;
  return scale((value) => from + ((value - low) / span) * (to - from), low, high, niceTicks(low, high, count));
}

/** Values of zero and below lie at the low end. */
export function logScale(low: number, high: number, from: number, to: number, count = 5): Scale {
  const bottom = Math.log10(low);
  const span = Math.log10(high) - bottom || 1;
  const place = (value: number) => from + ((Math.log10(Math.max(value, low)) - bottom) / span) * (to - from);
  return scale(place, low, high, decades(low, high, count));
}

/** Least and greatest of the finite values; only those above zero where `positive`. */
export function extent(lists: ArrayLike<number>[], positive = false): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const values of lists) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (!Number.isFinite(value) || (positive && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return [low, high];
}

const FAR = 5000; // pixels beyond any drawing

/** Where a value lies far outside of a drawing, a place that can still be written. */
export const within = (place: number): number => Math.max(-FAR, Math.min(FAR, place));

const point = (x: number, y: number): string => `${x.toFixed(1)} ${within(y).toFixed(1)}`;

/** SVG path of values[i] at step first + i, or at steps[i]. A long line keeps the least and the greatest value of each pixel, so that no peak is lost. */
export function linePath(values: ArrayLike<number>, x: Scale, y: Scale, first = 0, steps?: ArrayLike<number>): string {
  const width = Math.max(1, Math.abs(x(x.high) - x(x.low)));
  const bucket = Math.max(1, Math.ceil(values.length / (2 * width)));
  const across = steps ? (i: number) => x(steps[i]) : (i: number) => x(first + i);
  return bucket === 1 ? everyPoint(values, across, y) : bucketed(values, across, y, bucket);
}

function everyPoint(values: ArrayLike<number>, across: (i: number) => number, y: Scale): string {
  const parts: string[] = [];
  let pen = false;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    parts.push((pen ? "L" : "M") + point(across(i), y(values[i])));
    pen = true;
  }
  return parts.join("");
}

function bucketed(values: ArrayLike<number>, across: (i: number) => number, y: Scale, bucket: number): string {
  const parts: string[] = [];
  for (let start = 0; start < values.length; start += bucket) {
    let low = -1;
    let high = -1;
    for (let i = start; i < Math.min(values.length, start + bucket); i++) {
      if (!Number.isFinite(values[i])) continue;
      if (low < 0 || values[i] < values[low]) low = i;
      if (high < 0 || values[i] > values[high]) high = i;
    }
    if (low < 0) continue;
    for (const i of low < high ? [low, high] : low === high ? [low] : [high, low]) {
      parts.push((parts.length ? "L" : "M") + point(across(i), y(values[i])));
    }
  }
  return parts.join("");
}

/** At most `most` of the indices 0..length−1, evenly spread, first and last among them: the rows of a chart's table. */
export function spread(length: number, most: number): number[] {
  if (length <= most) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (length - 1)) / (most - 1)));
}

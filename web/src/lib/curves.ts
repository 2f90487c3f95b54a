// The cost of every step of every branch, as it arrived; frames that were dropped bring theirs with the next one.
import { decode } from "./codec";
import type { Branch, Frame } from "./messages";

export const MOST = 1 << 15; // points of a line: all steps up to here, then the extremes of several steps

/** Values by ascending steps. A line that becomes too long keeps the least and the greatest of each `every` steps: no peak is lost. */
export class Line {
  steps: number[] = [];
  values: number[] = [];
  private every = 1;

  add(step: number, value: number): void {
    if (Number.isNaN(value)) return;
    const last = this.steps.length ? this.steps[this.steps.length - 1] : -1;
    if (step <= last) return this.replace(step, value);
    this.steps.push(step);
    this.values.push(value);
    const third = this.steps.length - 3;
    if (third >= 0 && this.bucket(this.steps[third]) === this.bucket(step)) this.drop(third);
    while (this.steps.length > MOST) this.thin();
  }

  private bucket(step: number): number {
    return Math.floor(step / this.every);
  }

  /** A step that was run before. */
  private replace(step: number, value: number): void {
    const at = indexOf(this.steps, step);
    if (at >= 0) this.values[at] = value;
  }

  /** Of the three points from `first` on, drops the one in the middle by value. */
  private drop(first: number): void {
    const order = [first, first + 1, first + 2].sort((a, b) => this.values[a] - this.values[b]);
    this.steps.splice(order[1], 1);
    this.values.splice(order[1], 1);
  }

  private thin(): void {
    const { steps, values } = this;
    this.every *= 2;
    this.steps = [];
    this.values = [];
    steps.forEach((step, i) => this.add(step, values[i]));
  }
}

/** Where a step stands among ascending steps, −1 where it does not. */
export function indexOf(steps: ArrayLike<number>, step: number): number {
  let low = 0;
  let high = steps.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (steps[middle] === step) return middle;
    if (steps[middle] < step) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

export class Curve {
  every = 1; // steps of which a point is the mean; where they differ, the most
  readonly train = new Line();
  readonly validation = new Line(); // measured now and then

  /** The common past of a branch and its parent. */
  copyUntil(parent: Curve, end: number): void {
    this.every = parent.every;
    for (const key of ["train", "validation"] as const) {
      parent[key].steps.forEach((step, i) => step < end && this[key].add(step, parent[key].values[i]));
    }
  }
}

export class Curves {
  private byBranch = new Map<number, Curve>();

  clear(): void {
    this.byBranch.clear();
  }

  get(branch: number): Curve | undefined {
    return this.byBranch.get(branch);
  }

  /** A curve for each branch; a new one begins with its parent's past. */
  follow(branches: Branch[]): void {
    for (const branch of branches) {
      if (this.byBranch.has(branch.id)) continue;
      const curve = new Curve();
      const parent = branch.parent === null ? undefined : this.byBranch.get(branch.parent);
      if (parent) curve.copyUntil(parent, branch.from);
      this.byBranch.set(branch.id, curve);
    }
  }

  add(branch: number, costs: Frame["costs"]): void {
    let curve = this.byBranch.get(branch);
    if (!curve) this.byBranch.set(branch, (curve = new Curve()));
    const { every = 1 } = costs;
    curve.every = Math.max(curve.every, every);
    for (const key of ["train", "validation"] as const) {
      const { values } = decode(costs[key]);
      for (let i = 0; i < values.length; i++) curve[key].add(costs.from + i * every, values[i]);
    }
  }
}

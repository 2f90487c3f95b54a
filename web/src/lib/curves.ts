// The cost of every step of every branch, as it arrived; frames that were dropped bring theirs with the next one.
import { decode } from "./codec";
import type { Branch, Frame } from "./messages";

export const MOST = 1 << 15; // points of a line: all steps up to here, then the extremes of several steps

/** Values by step. A line that becomes too long keeps the least and the greatest of each four points: no peak is lost. */
export class Line {
  steps: number[] = [];
  values: number[] = [];

  add(step: number, value: number): void {
    if (Number.isNaN(value)) return;
    const last = this.steps.length ? this.steps[this.steps.length - 1] : -1;
    if (step <= last) return this.replace(step, value);
    this.steps.push(step);
    this.values.push(value);
    if (this.steps.length > MOST) this.thin();
  }

  /** A step that was run before. */
  private replace(step: number, value: number): void {
    const at = indexOf(this.steps, step);
    if (at >= 0) this.values[at] = value;
  }

  private thin(): void {
    const kept: number[] = [];
    for (let i = 0; i < this.steps.length; i += 4) {
      let low = i;
      let high = i;
      for (let j = i + 1; j < Math.min(i + 4, this.steps.length); j++) {
        if (this.values[j] < this.values[low]) low = j;
        if (this.values[j] >= this.values[high]) high = j;
      }
      kept.push(Math.min(low, high));
      if (low !== high) kept.push(Math.max(low, high));
    }
    this.steps = kept.map((i) => this.steps[i]);
    this.values = kept.map((i) => this.values[i]);
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
  readonly train = new Line();
  readonly validation = new Line(); // measured now and then

  /** The common past of a branch and its parent. */
  copyUntil(parent: Curve, end: number): void {
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
    for (const key of ["train", "validation"] as const) {
      const { values } = decode(costs[key]);
      for (let i = 0; i < values.length; i++) curve[key].add(costs.from + i * (costs.every ?? 1), values[i]);
    }
  }
}

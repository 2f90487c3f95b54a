// The cost of every step of every branch, as it arrived; frames that were dropped bring theirs with the next one.
import { decode } from "./codec";
import type { Branch, Frame } from "./messages";

const FIRST_SIZE = 1024;

export class Curve {
  train = new Float64Array(FIRST_SIZE).fill(NaN);
  validation = new Float64Array(FIRST_SIZE).fill(NaN);
  length = 0;

  write(from: number, train: ArrayLike<number>, validation: ArrayLike<number>): void {
    const end = from + train.length;
    if (end > this.train.length) this.grow(end);
    this.train.set(train, from);
    // It is measured now and then: what is known of a step stays.
    for (let i = 0; i < validation.length; i++) if (!Number.isNaN(validation[i])) this.validation[from + i] = validation[i];
    this.length = Math.max(this.length, end);
  }

  /** The common past of a branch and its parent. */
  copyUntil(parent: Curve, end: number): void {
    this.write(0, parent.train.subarray(0, Math.min(end, parent.length)), parent.validation.subarray(0, Math.min(end, parent.length)));
  }

  private grow(end: number): void {
    const size = Math.max(end, 2 * this.train.length);
    for (const key of ["train", "validation"] as const) {
      const larger = new Float64Array(size).fill(NaN);
      larger.set(this[key]);
      this[key] = larger;
    }
  }
}

/** Each value for so many steps. */
function repeated(values: ArrayLike<number>, every: number): ArrayLike<number> {
  return every === 1 ? values : Float64Array.from({ length: values.length * every }, (_, i) => values[Math.floor(i / every)] as number);
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
    const every = costs.every ?? 1;
    curve.write(costs.from, repeated(decode(costs.train).values, every), repeated(decode(costs.validation).values, every));
  }
}

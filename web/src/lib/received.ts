// The last frames that arrived, so that a person can still look back when the engine is gone.
import type { Frame } from "./messages";

const MOST = 100;
const NONE: Frame["costs"] = { from: 0, train: { shape: [0], f8: "" }, validation: { shape: [0], f8: "" } };

export class Received {
  private frames = new Map<number, Frame>();

  clear(): void {
    this.frames.clear();
  }

  add(frame: Frame): void {
    this.frames.delete(frame.t);
    this.frames.set(frame.t, { ...frame, costs: NONE }); // the curves have them
    if (this.frames.size > MOST) this.frames.delete(this.frames.keys().next().value as number);
  }

  /** In the order of their steps. */
  get all(): Frame[] {
    return [...this.frames.values()].sort((a, b) => a.t - b.t);
  }

  nearest(t: number): Frame | null {
    let best: Frame | null = null;
    for (const frame of this.frames.values()) {
      if (!best || Math.abs(frame.t - t) < Math.abs(best.t - t)) best = frame;
    }
    return best;
  }
}

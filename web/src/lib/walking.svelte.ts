// The second clock: which stage of which step is shown.
import { at, columnsOf, decode, rowsOf, type Matrix } from "./codec";
import type { Walk, WalkStage } from "./messages";
import type { Store } from "./state.svelte";

const FRAME_TIME = 60; // ms until a frame that has come is drawn

export class Walking {
  walk = $state.raw<Walk | null>(null);
  index = $state(0);
  batch = $state(false); // the whole batch instead of one sample
  column = $state(0); // the place of that sample in the batch
  chosen = $state(false); // whether the person went to the stage that is shown, and did not only find it there
  wanted = ""; // the key of a stage to show as soon as the walk is there
  private asking = false;
  private again = false;

  constructor(private store: Store) {}

  /** Of how many samples of the batch the numbers are here: a recording has only the first ones of a large batch. */
  get count(): number {
    return this.walk ? columnsOf(decode(this.walk.quantities.a0)) : 0;
  }

  /** The sample whose tables stand beside the network, which shows the same one; undefined where another one was asked for. */
  get sample(): number | undefined {
    const { store, walk } = this;
    if (store.view !== "step" || !walk || walk.hash !== store.frame?.hash) return undefined;
    const sample = walk.samples[this.column];
    return store.recorded || sample === store.nextSample ? sample : undefined;
  }

  /** z, a, δ or f′(z) of that sample. */
  quantity(name: string): Matrix | null {
    const array = this.sample !== undefined && /^(z|a|delta|gate)\d/.test(name) ? this.walk?.quantities[name] : undefined;
    if (!array) return null;
    const matrix = decode(array);
    return { shape: [rowsOf(matrix), 1], values: Float64Array.from({ length: rowsOf(matrix) }, (_, row) => at(matrix, row, this.column)) };
  }

  get stage(): WalkStage | null {
    return this.walk?.stages[this.index] ?? null;
  }

  forget(): void {
    this.walk = null;
    this.index = 0;
    this.chosen = false;
  }

  /** To a stage of the step that is shown next: where the person asked for it, it is theirs. */
  want(key: string, chosen: boolean): void {
    this.wanted = key;
    this.chosen = chosen;
  }

  /** Fetches the walk of the step that is shown; one at a time, the newest last. */
  async follow(): Promise<void> {
    if (this.asking) {
      this.again = true;
      return;
    }
    const { frame, run } = this.store;
    if (!frame) return;
    const t = frame.t;
    if (this.walk?.t === t && this.walk.hash === frame.hash) return this.arrive();
    this.asking = true;
    try {
      this.walk = (await this.store.ask("walk", { t })) as Walk;
      this.arrive();
    } catch (error) {
      // A new run may have begun meanwhile; its first frame, which may be on its way, asks again.
      await new Promise((resolve) => setTimeout(resolve, FRAME_TIME));
      if (this.store.run === run && this.store.frame?.t === t && !this.store.recorded) this.store.say((error as Error).message);
    } finally {
      this.asking = false;
    }
    if (this.again) {
      this.again = false;
      await this.follow();
    }
  }

  show(index: number): void {
    this.chosen = true;
    this.place(index);
  }

  private place(index: number): void {
    const last = (this.walk?.stages.length ?? 1) - 1;
    this.index = Math.max(0, Math.min(last, index));
  }

  /** One stage on; after the last one, the next step. */
  async next(): Promise<void> {
    if (!this.walk) return;
    if (this.index < this.walk.stages.length - 1) return this.show(this.index + 1);
    this.want(this.walk.stages[0].key, true);
    await this.store.step(1);
  }

  async previous(): Promise<void> {
    if (!this.walk) return;
    if (this.index > 0) return this.show(this.index - 1);
    if (this.walk.t === 0) return;
    this.want(this.walk.stages[this.walk.stages.length - 1].key, true);
    await this.store.go(this.walk.t - 1);
  }

  /** One sample of the batch; the network shows the same one. */
  choose(column: number): void {
    this.column = column;
    const sample = this.walk?.samples[column];
    if (sample !== undefined && sample !== this.store.nextSample && this.store.engine) void this.store.act("follow", { sample });
  }

  private arrive(): void {
    if (this.store.visiting || this.walk?.t !== this.store.frame?.t) return;
    const place = this.walk?.samples.indexOf(this.store.nextSample) ?? -1;
    this.choose(place >= 0 && place < this.count ? place : Math.min(this.column, this.count - 1));
    const wanted = this.wanted ? (this.walk?.stages.findIndex((stage) => stage.key === this.wanted) ?? -1) : -1;
    this.wanted = "";
    this.place(wanted >= 0 ? wanted : this.index);
  }
}

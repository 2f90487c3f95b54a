// Two runs in step: A is the run of the page, B a second one on the same server that differs in one setting.
import type { Setup } from "../../lib/messages";
import { Store } from "../../lib/state.svelte";
import { texts } from "../../lib/texts";
import { WebSocketFeed } from "../../lib/websocket_feed";

const PATIENCE = 10_000; // ms until the second run must be there
const FRAME_PATIENCE = 3000; // ms that a frame may take

export class Pair {
  other = $state.raw<Store | null>(null);
  playing = $state(false);
  problem = $state("");
  busy = $state(false);
  moving = $state(false);
  private stopped = false; // one of the two could not go on

  constructor(private first: Store) {}

  /** Opens the second run with one setting changed, and brings both to the step of the first one. */
  async open(set: Partial<Setup>): Promise<void> {
    this.playing = false;
    this.busy = true;
    this.problem = "";
    try {
      if (this.first.frame?.playing) await this.first.ask("pause", {});
      const other = this.other ?? (await this.connect());
      await other.ask("open", { link: this.first.run?.link ?? "" });
      await other.ask("setup", { set });
      await this.go(this.first.frame?.t ?? 0);
    } catch (error) {
      this.problem = (error as Error).message;
    }
    this.busy = false;
  }

  /** Both to the same step; the next move waits until both are there. */
  async go(t: number): Promise<void> {
    if (this.moving || !this.other) return;
    this.moving = true;
    try {
      const results = await Promise.all([this.first.ask("go", { t }), this.other.ask("go", { t })]);
      this.stopped = results.some((result) => (result as { t: number }).t !== t);
      await this.arrived(t);
    } catch (error) {
      this.problem = (error as Error).message;
    }
    this.moving = false;
    this.announce();
  }

  async step(count: number): Promise<void> {
    await this.go((this.first.frame?.t ?? 0) + count);
  }

  async play(count: number): Promise<void> {
    this.playing = true;
    while (this.playing && !this.problem) {
      const wait = new Promise((resolve) => setTimeout(resolve, 60));
      await this.step(count);
      if (this.stopped) break;
      await wait;
    }
    this.playing = false;
  }

  pause(): void {
    this.playing = false;
  }

  close(): void {
    this.playing = false;
    this.other?.stop();
    this.other = null;
  }

  private async arrived(t: number): Promise<void> {
    const end = performance.now() + FRAME_PATIENCE;
    const late = () => [this.first, this.other].some((store) => store && store.frame?.t !== t);
    while (late() && !this.stopped && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 15));
  }

  private announce(): void {
    if (this.other && (this.first.frame?.t ?? 0) > 0 && this.first.frame?.t === this.other.frame?.t) this.first.tell({ kind: "compare", value: "both" });
  }

  private async connect(): Promise<Store> {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const other = new Store(new WebSocketFeed(`${scheme}//${location.host}/socket`), "");
    other.start();
    const end = performance.now() + PATIENCE;
    while (!other.hello || !other.run) {
      if (performance.now() > end) {
        other.stop();
        throw new Error(texts.compare.unopened);
      }
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    this.other = other;
    return other;
  }
}

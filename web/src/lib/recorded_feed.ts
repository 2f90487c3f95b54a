// The feed of a report: frames and walks that were recorded; nothing is computed.
import type { Feed, FeedListener } from "./feed";
import type { Commands, Frame, Recorded } from "./messages";
import { texts } from "./texts";

const FRAME_TIME = 400; // ms for which each frame is shown while playing

export class RecordedFeed implements Feed {
  readonly recorded = true;
  readonly view: string;
  readonly about: Recorded["about"];
  readonly walks: number[];
  private listener: FeedListener | null = null;
  private index = 0;
  private playing = 0;

  constructor(private recording: Recorded) {
    this.view = recording.view ?? "watch";
    this.about = recording.about;
    this.walks = recording.walks.map((walk) => walk.t);
  }

  start(listener: FeedListener): void {
    this.listener = listener;
    listener.connection("recorded");
    listener.message(this.recording.hello);
    listener.message(this.recording.run);
    for (const frame of this.recording.frames) listener.message(frame);
    this.show(this.recording.frames.length - 1);
  }

  async ask<K extends keyof Commands>(command: K, args: Commands[K]): Promise<unknown> {
    if (command === "go") return this.show(this.nearest((args as Commands["go"]).t));
    if (command === "step") return this.show(this.index + (args as Commands["step"]).count);
    if (command === "play") return this.play();
    if (command === "pause") return this.pause();
    if (command === "walk") return this.walk((args as Commands["walk"]).t);
    throw new Error(texts.needsEngine);
  }

  acknowledge(): void {}

  stop(): void {
    this.pause();
    this.listener = null;
  }

  private walk(t?: number): unknown {
    const walk = this.recording.walks.find((one) => one.t === t);
    if (walk) return walk;
    throw new Error(`Step ${t} was not recorded in full; steps ${this.walks.join(", ")} were.`);
  }

  private nearest(t: number): number {
    const distances = this.recording.frames.map((frame) => Math.abs(frame.t - t));
    return distances.indexOf(Math.min(...distances));
  }

  private show(index: number): void {
    this.index = Math.max(0, Math.min(this.recording.frames.length - 1, index));
    const frame = this.recording.frames[this.index];
    const last = this.recording.frames[this.recording.frames.length - 1];
    if (frame) this.listener?.message({ ...frame, last: last.t, playing: this.playing !== 0 } satisfies Frame);
  }

  private play(): void {
    if (this.index === this.recording.frames.length - 1) this.index = -1;
    this.pause();
    this.playing = window.setInterval(() => this.advance(), FRAME_TIME);
    this.advance();
  }

  private advance(): void {
    if (this.index + 1 >= this.recording.frames.length - 1) window.clearInterval(this.playing), (this.playing = 0);
    this.show(this.index + 1);
  }

  private pause(): void {
    window.clearInterval(this.playing);
    this.playing = 0;
    this.show(this.index);
  }
}

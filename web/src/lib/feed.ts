// Where messages come from: a server, a notebook's kernel or a recording. The rest of the page does not know which.
import type { Commands, Recorded, ServerMessage } from "./messages";

export type Connection = "connecting" | "live" | "frozen" | "stopped" | "recorded";

export interface FeedListener {
  message(message: ServerMessage): void;
  connection(state: Connection): void;
}

export interface Feed {
  readonly recorded: boolean;
  readonly view?: string; // the screen to open with
  readonly about?: Recorded["about"];
  readonly walks?: number[]; // the steps that were recorded in full
  start(listener: FeedListener): void;
  ask<K extends keyof Commands>(command: K, args: Commands[K]): Promise<unknown>;
  acknowledge(frame: number): void;
  stop(): void;
}

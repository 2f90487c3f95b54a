// The feed of `glassnet play`: a WebSocket with a heartbeat, which opens itself again when the engine comes back.
import { Questions } from "./asking";
import type { Feed, FeedListener } from "./feed";
import type { Commands, ServerMessage } from "./messages";

const HEARTBEAT = 1000; // ms between two pings
const PATIENCE = 3000; // ms of silence until the engine counts as not answering
const FIRST_RETRY = 500;
const LAST_RETRY = 10_000;

export class WebSocketFeed implements Feed {
  readonly recorded = false;
  private socket: WebSocket | null = null;
  private listener: FeedListener | null = null;
  private questions = new Questions();
  private heard = 0;
  private retry = FIRST_RETRY;
  private beating = 0;

  constructor(private address: string) {}

  start(listener: FeedListener): void {
    this.listener = listener;
    this.open();
    this.beating = window.setInterval(() => this.beat(), HEARTBEAT);
  }

  ask<K extends keyof Commands>(command: K, args: Commands[K]): Promise<unknown> {
    if (this.socket?.readyState !== WebSocket.OPEN) return Promise.reject(new Error("The engine is not there; wait until it is back."));
    return this.questions.ask(command, args, (message) => this.socket?.send(JSON.stringify(message)));
  }

  acknowledge(frame: number): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ id: 0, do: "ack", number: frame }));
  }

  stop(): void {
    window.clearInterval(this.beating);
    this.listener = null;
    this.socket?.close();
  }

  private open(): void {
    this.listener?.connection("connecting");
    const socket = (this.socket = new WebSocket(this.address));
    socket.onopen = () => this.opened();
    socket.onmessage = (event) => this.receive(JSON.parse(event.data as string) as ServerMessage);
    socket.onclose = () => this.closed();
  }

  private opened(): void {
    this.retry = FIRST_RETRY;
    this.heard = performance.now();
    this.listener?.connection("live");
  }

  private receive(message: ServerMessage): void {
    const silent = performance.now() - this.heard > PATIENCE;
    this.heard = performance.now();
    if (silent) this.listener?.connection("live");
    if (message.type === "reply") this.questions.answer(message);
    else this.listener?.message(message);
  }

  private closed(): void {
    this.questions.fail("The engine stopped before it answered.");
    if (!this.listener) return;
    this.listener.connection("stopped");
    window.setTimeout(() => this.listener && this.open(), this.retry);
    this.retry = Math.min(this.retry * 2, LAST_RETRY);
  }

  private beat(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    if (performance.now() - this.heard > PATIENCE - HEARTBEAT / 2) this.listener?.connection("frozen");
    this.ask("ping", {}).catch(() => undefined);
  }
}

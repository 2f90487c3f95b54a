// The feed of a notebook: messages to and from the kernel through a widget's model.
import { Questions } from "./asking";
import type { Feed, FeedListener } from "./feed";
import type { Commands, ServerMessage } from "./messages";

/** The part of anywidget's model that is used here. */
export interface WidgetModel {
  send(content: object): void;
  on(event: string, callback: (content: ServerMessage) => void): void;
  off(event: string, callback: (content: ServerMessage) => void): void;
}

const PATIENCE = 8000; // ms: a busy kernel answers when its cell has run

export class AnyWidgetFeed implements Feed {
  readonly recorded = false;
  private listener: FeedListener | null = null;
  private questions = new Questions();
  private heard = performance.now();
  private beating = 0;

  constructor(private model: WidgetModel) {}

  start(listener: FeedListener): void {
    this.listener = listener;
    this.model.on("msg:custom", this.receive);
    // What the kernel sent before this view existed is lost: ask for hello, run and frame.
    this.model.send({ id: 0, do: "hello" });
    this.beating = window.setInterval(() => this.beat(), 2000);
  }

  ask<K extends keyof Commands>(command: K, args: Commands[K]): Promise<unknown> {
    return this.questions.ask(command, args, (message) => this.model.send(message));
  }

  acknowledge(frame: number): void {
    this.model.send({ id: 0, do: "ack", number: frame });
  }

  stop(): void {
    window.clearInterval(this.beating);
    this.model.off("msg:custom", this.receive);
    this.questions.fail("The view is closed.");
    this.listener = null;
  }

  private receive = (message: ServerMessage): void => {
    this.heard = performance.now();
    this.listener?.connection("live");
    if (message.type === "reply") this.questions.answer(message);
    else this.listener?.message(message);
  };

  private beat(): void {
    if (performance.now() - this.heard > PATIENCE) this.listener?.connection("frozen");
    this.ask("ping", {}).catch(() => undefined);
  }
}

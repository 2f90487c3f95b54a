// Commands that wait for their answer, by id: shared by the feeds that have an engine behind them.
import type { Reply } from "./messages";

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class Questions {
  private next = 1;
  private waiting = new Map<number, Waiting>();

  /** Sends {id, do, ...args}; the promise is settled by `answer` or `fail`. */
  ask(command: string, args: object, send: (message: object) => void): Promise<unknown> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      send({ id, do: command, ...args });
    });
  }

  answer(reply: Reply): void {
    const question = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (reply.error !== undefined) question?.reject(new Error(reply.error));
    else question?.resolve(reply.result);
  }

  fail(why: string): void {
    for (const question of this.waiting.values()) question.reject(new Error(why));
    this.waiting.clear();
  }
}

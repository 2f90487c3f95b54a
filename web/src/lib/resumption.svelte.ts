// When the engine stops and comes back: the run is built again from its link and must reach the same bits.
import type { Commands, Frame } from "./messages";
import type { Selection } from "./names";
import type { Store } from "./state.svelte";

interface Lost {
  link: string;
  t: number;
  hash: string;
  version: string;
  stage: string;
  chosen: boolean; // whether the person went to it
  selection: Selection | null;
}

const LONGEST = 30_000; // ms that the replay may take

export class Resumption {
  lostAt = $state<number | null>(null); // the step at which the engine stopped
  outcome = $state<"" | "same" | "different">("");
  text = $state("");
  private run = $state.raw<Lost | null>(null);
  private before: Frame | null = null; // what was shown when the engine came back
  private data: { command: "table" | "points"; args: Commands["table"] | Commands["points"] } | null = null;

  constructor(private store: Store) {}

  get pending(): boolean {
    return this.run !== null;
  }

  /** A restarted engine has no data of this person: the page gives them again. */
  remember(command: keyof Commands, args: object): void {
    if (command === "table") this.data = { command, args: args as Commands["table"] };
    if (command === "points") this.data = { command, args: args as Commands["points"] };
  }

  lost(): void {
    const { run, frame, hello } = this.store;
    if (!run || !frame || this.run) return;
    const { walking, selection, address } = this.store;
    const place = { stage: walking.stage?.key ?? "", chosen: walking.chosen, selection };
    this.run = { link: address, t: frame.t, hash: frame.hash, version: hello?.version ?? "", ...place };
    this.lostAt = frame.t;
    this.outcome = "";
  }

  async resume(): Promise<void> {
    const run = this.run;
    if (!run) return;
    this.before = this.store.frame;
    try {
      if (this.data && this.store.run?.setup.file) await this.store.feed.ask(this.data.command, this.data.args as never);
      await this.store.feed.ask("open", { link: run.link.replace(/^#/, "") });
      this.store.selection = run.selection;
      this.store.walking.want(run.stage, run.chosen);
      await this.store.feed.ask("go", { t: run.t });
      this.judge(run, await this.arrived(run.t));
    } catch (error) {
      this.outcome = "different";
      this.text = (error as Error).message;
    }
    this.run = null;
    this.lostAt = null;
  }

  private judge(run: Lost, hash: string): void {
    this.outcome = hash === run.hash ? "same" : "different";
    this.text = this.store.hello?.version === run.version ? "" : `${run.version} / ${this.store.hello?.version}`;
  }

  /** The hash of step t as soon as its frame is here. */
  private arrived(t: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const began = performance.now();
      const poll = () => {
        const frame = this.store.frame;
        if (frame?.t === t && !frame.playing && frame !== this.before) resolve(frame.hash);
        else if (performance.now() - began > LONGEST) reject(new Error(`The engine did not reach step ${t} again.`));
        else setTimeout(poll, 50);
      };
      poll();
    });
  }
}

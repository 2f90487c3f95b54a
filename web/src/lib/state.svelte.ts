// All that the page knows: what the feed sent, where the person is, and the way to ask the engine.
import { untrack } from "svelte";
import { decode, type Matrix } from "./codec";
import { Curves } from "./curves";
import type { Connection, Feed } from "./feed";
import { splitLink, type Place } from "./link";
import type { Commands, Field, Finding, Frame, Hello, Notice, Progress, RunInfo, Scores, ServerMessage } from "./messages";
import { fromLinkName, linkName, type Selection } from "./names";
import { Received } from "./received";
import { Resumption } from "./resumption.svelte";
import { Settings } from "./settings.svelte";
import { texts } from "./texts";
import { Walking } from "./walking.svelte";

export const VIEWS = ["start", "watch", "step", "inspect", "compare", "data", "digits", "export"] as const;
export type View = (typeof VIEWS)[number];
export const viewOf = (name: string | undefined): View | undefined => VIEWS.find((view) => view === name);
export type Edges = "w" | "dw" | "change";
const FRAME_PATIENCE = 2000; // ms
const PROGRESS_PATIENCE = 1000; // ms without another message until a long way counts as given up

/** Positions by axis: a layer's number, or "m" for the samples of the batch. */
export type Lit = Record<string, number>;
export interface PageEvent {
  kind: "nudge" | "step" | "select" | "answer" | "diverged" | "compare";
  value: string | number;
}

export class Store {
  hello = $state.raw<Hello | null>(null);
  run = $state.raw<RunInfo | null>(null);
  frame = $state.raw<Frame | null>(null);
  settled = $state(false); // whether the frame is one of this run, and not yet of the one before
  connection = $state<Connection>("connecting");
  view = $state<View>("start");
  edges = $state<Edges>("w");
  nudging = $state(false); // whether the nudge of a number is to have the focus as soon as it is on the screen
  fit = $state(false); // colours of the present numbers instead of the locked scale
  selection = $state.raw<Selection | null>(null);
  lit = $state.raw<Lit>({}); // what is under the pointer, lit in every place: axis → position among the shown units
  field = $state.raw<Field | null>(null); // the newest that came; not every frame has one
  scores = $state.raw<Scores | null>(null);
  findings = $state.raw<Finding[]>([]);
  notice = $state.raw<Notice | null>(null);
  way = $state.raw<Progress | null>(null); // to a step, while the engine is on it
  toast = $state("");
  unopened = $state(""); // a link that waits for its file
  card = $state(0); // of the lesson
  ticked = $state.raw<ReadonlySet<string>>(new Set()); // cards: "neuron/0"
  deeds = $state.raw<ReadonlySet<string>>(new Set()); // what the person has done since the run was opened: commands, keys of settings
  top = $state(0); // grows when a screen is to be shown from its top
  theme = $state(0); // grows when light turns dark or back
  curvesVersion = $state(0);
  readonly curves = new Curves();
  readonly received = new Received();
  readonly settings = new Settings();
  readonly walking: Walking;
  readonly resumption: Resumption;
  private following: number | null = null; // a sample that was asked for and is not in a frame yet
  private listeners = new Set<(event: PageEvent) => void>();
  private waiting: ServerMessage | null = null;
  private opened = false;
  private wayEnd = 0;
  begun = false; // whether the start screen has set a network going, or the person has begun something of their own
  visiting = $state(false); // on the way to the place of a link

  constructor(readonly feed: Feed, private place: string) {
    this.walking = new Walking(this);
    this.resumption = new Resumption(this);
    const { run, place: at } = splitLink(place);
    this.view = viewOf(at.view) ?? viewOf(feed.view) ?? (run ? "watch" : "start");
  }

  /** Whether commands are answered by an engine. */
  get engine(): boolean {
    return this.connection === "live" && !this.feed.recorded;
  }

  get recorded(): boolean {
    return this.feed.recorded;
  }

  /** The newest field, once it is one of the data of this run. */
  get shownField(): Field | null {
    return this.run && this.field?.axes.every((axis) => axis < this.run!.data.inputs.length) ? this.field : null;
  }

  /** Changes when light turns dark or back. */
  get look(): string {
    return `${this.theme} ${this.settings.theme}`;
  }

  get sample(): number {
    return this.walking.sample ?? this.frame?.sample ?? 0;
  }

  /** The sample that is followed as soon as the engine has heard of it. */
  get nextSample(): number {
    return this.following ?? this.frame?.sample ?? 0;
  }

  start(): void {
    this.feed.start({ message: (message) => this.receive(message), connection: (state) => this.connected(state) });
  }

  stop(): void {
    this.feed.stop();
  }

  ask<K extends keyof Commands>(command: K, args: Commands[K]): Promise<unknown> {
    this.resumption.remember(command, args);
    if (command === "follow") this.following = (args as Commands["follow"]).sample;
    const keys = Object.keys((args as { set?: object }).set ?? {});
    untrack(() => !this.visiting && (this.deeds = new Set([...this.deeds, command, ...keys]))); // also asked from effects
    return this.feed.ask(command, args);
  }

  /** Asks, and shows the engine's sentence where it refuses; undefined then. */
  async act<K extends keyof Commands>(command: K, args: Commands[K]): Promise<unknown> {
    try {
      return await this.ask(command, args);
    } catch (error) {
      this.say((error as Error).message);
      return undefined;
    }
  }

  quantity(name: string): Matrix | null {
    const array = this.frame?.quantities[name];
    return this.walking.quantity(name) ?? (array ? decode(array) : null);
  }

  say(text: string): void {
    this.toast = text;
  }

  /** One step is about a network that stands still. Another screen begins at its top. */
  show(view: View): void {
    if (view !== this.view) this.top++;
    if (view !== "start") this.begun = true;
    this.view = view;
    if (view !== "step") return;
    if (this.frame?.playing) void this.act("pause", {});
    void this.walking.follow();
  }

  select(selection: Selection | null): void {
    this.selection = selection;
    if (selection) this.tell({ kind: "select", value: linkName(selection).replaceAll(".", "/") });
  }

  on(listener: (event: PageEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(event: PageEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** To a step; without an engine, to the nearest one that arrived. */
  async go(t: number): Promise<void> {
    const to = Math.max(0, Math.round(t));
    if (this.recorded) await this.act("go", { t: to });
    else if (this.engine) await this.shown(await this.act("go", { t: to }));
    else this.draw(this.received.nearest(to));
  }

  /** Until the frame of the step that the engine went to is on the screen. */
  private shown(reply: unknown): Promise<void> {
    const t = (reply as { t?: number } | undefined)?.t;
    if (t === undefined || this.frame?.t === t) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => (clearTimeout(timer), stop(), resolve());
      const timer = setTimeout(() => done(), FRAME_PATIENCE);
      const stop = this.on((event) => event.kind === "step" && event.value === t && done());
    });
  }

  async step(count: number): Promise<void> {
    if (!this.frame) return;
    if (count > 0 && (this.engine || this.recorded)) await this.act("step", { count });
    else await this.go(this.frame.t + count);
  }

  async toggle(): Promise<void> {
    if (this.frame?.playing) await this.act("pause", {});
    else if (this.engine || this.recorded) await this.act("play", {});
  }

  /** Where the person is, for the address. */
  get where(): Place {
    return {
      view: this.view,
      s: this.view === "step" ? this.walking.stage?.key : undefined,
      ex: this.sample ? String(this.sample) : undefined,
      sel: this.selection ? linkName(this.selection) : undefined,
      card: this.run?.lesson ? String(this.card) : undefined,
      edges: this.edges === "w" ? undefined : this.edges,
    };
  }

  /** Opens the run and the place of a fragment. */
  async visit(fragment: string): Promise<void> {
    const { run, t, place } = splitLink(fragment);
    const { view } = this;
    this.visiting = true;
    if (run) this.deeds = new Set();
    this.card = Number(place.card ?? 0) || 0;
    const failed = run && !this.recorded && (await this.act("open", { link: run })) === undefined;
    if (failed && !this.run) await this.act("open", { link: "v=1&data=moons" }); // a page has a run, whatever its link says
    if (failed && run.includes("file=")) {
      if (!run.includes("data=points")) this.unopened = fragment;
      this.visiting = false;
      return this.show("data");
    }
    if (t !== null && run) await this.go(t);
    if (place.ex) await this.act("follow", { sample: Number(place.ex) });
    if (place.edges === "dw" || place.edges === "change") this.edges = place.edges;
    this.selection = fromLinkName(place.sel ?? null);
    this.walking.want(place.s ?? "", false);
    this.visiting = false;
    // Who went to another screen meanwhile stays there.
    if (view === this.view) this.show(viewOf(place.view) ?? viewOf(this.feed.view) ?? (run ? "watch" : "start"));
  }

  /** The link of the run, with the lesson that it belongs to. */
  get address(): string {
    const { link = "", lesson = "" } = this.run ?? {};
    return lesson ? `${link}&lesson=${lesson}` : link;
  }

  /** Back or on among the screens of the browser's history: what the run has done stays. */
  revisit(fragment: string): void {
    const { run, place } = splitLink(fragment);
    const view = viewOf(place.view);
    if (!view || !this.run || run !== splitLink(this.address).run) return void this.visit(fragment);
    this.selection = fromLinkName(place.sel ?? null);
    this.card = Number(place.card ?? 0) || 0;
    this.walking.want(place.s ?? "", false);
    this.show(view);
  }

  private connected(state: Connection): void {
    if (state === "stopped") this.resumption.lost();
    if (state === "live" && this.connection === "stopped") this.toast = ""; // it spoke of the engine that was away
    if (state !== "connecting" || !this.frame) this.connection = state;
  }

  private receive(message: ServerMessage): void {
    if (message.type === "hello") this.greet(message);
    else if (message.type === "run") this.begin(message);
    else if (message.type === "frame") this.queue(message);
    else if (message.type === "notice") this.note(message);
    else if (message.type === "progress") this.progress(message);
  }

  private greet(hello: Hello): void {
    Object.assign(texts, hello.texts);
    this.hello = hello;
    if (this.resumption.pending) void this.resumption.resume();
    else if (!this.opened) void this.visit(this.entry(hello.start ?? ""));
    this.opened = true;
  }

  /** What the address says, or else the link that the server was started with. */
  private entry(start: string): string {
    return splitLink(this.place).run || !start.includes("view=") ? this.place : `${start}&${this.place.replace("#", "")}`;
  }

  private begin(run: RunInfo): void {
    if (run.branches.every((branch) => branch.steps === 0)) this.forget();
    this.run = run;
    this.curves.follow(run.branches);
    this.curvesVersion++;
  }

  private forget(): void {
    this.curves.clear();
    this.received.clear();
    this.notice = null;
    this.field = this.scores = this.selection = this.following = null;
    this.findings = [];
    this.settled = false;
    this.walking.forget();
  }

  /** Frames from the way leave its text; the one at its end takes it away. */
  private progress(way: Progress | null): void {
    clearTimeout(this.wayEnd);
    this.way = way;
    if (way) this.wayEnd = window.setTimeout(() => this.progress(null), PROGRESS_PATIENCE);
  }

  private note(notice: Notice): void {
    this.notice = notice;
    if (notice.kind === "diverged") this.tell({ kind: "diverged", value: notice.t });
  }

  /** Every frame's costs count; of several frames within one refresh of the screen only the last is drawn. */
  private queue(frame: Frame): void {
    this.curves.add(this.run?.branch ?? 0, frame.costs);
    this.received.add(frame);
    const first = !this.waiting;
    this.waiting = frame;
    if (first) requestAnimationFrame(() => this.flush());
  }

  private flush(): void {
    const frame = this.waiting as Frame;
    this.waiting = null;
    this.draw(frame);
    this.feed.acknowledge(frame.number);
  }

  private draw(frame: Frame | null): void {
    if (!frame) return;
    const moved = frame.t !== this.frame?.t || frame.hash !== this.frame?.hash;
    if (this.way && (frame.playing || frame.t <= this.way.from || frame.t >= this.way.to)) this.progress(null);
    this.frame = frame;
    this.settled = true;
    if (frame.sample === this.following) this.following = null;
    if (frame.field) this.field = frame.field;
    if (frame.scores) this.scores = frame.scores;
    if (frame.findings.length || !frame.playing) this.findings = frame.findings;
    this.curvesVersion++;
    if (moved) this.tell({ kind: "step", value: frame.t });
    if (this.view === "step" && (moved || !this.walking.walk)) void this.walking.follow();
  }
}

// Whether what a person did is what the card of a lesson waits for.
import type { Frame, LessonCard, RunInfo } from "../lib/messages";
import type { Selection } from "../lib/names";
import type { PageEvent } from "../lib/state.svelte";

/** One spelling for "w1[0, 1]", "w1.0.1" and "w/1/0/1": "w/1/0/1". */
export function plainName(text: string): string {
  return text
    .replace(/\s/g, "")
    .replace(/\[/g, "/")
    .replace(/\]/g, "")
    .replace(/[.,]/g, "/")
    .replace(/^([a-z]+)\/?(\d+)/i, "$1/$2");
}

/** The number that a card wants to be moved: "z1[1" → the second neuron of layer 1. */
export function named(text: string): Selection {
  const [quantity, row = "0", column = "0"] = text.split(/[[\],]+/);
  return { quantity, row: Number(row) || 0, column: Number(column) || 0 };
}

/** z, a and δ of a neuron stand for the neuron. */
const neuron = (name: string): string => name.replace(/^(z|a|delta)\//, "neuron/");

const beginsWith = (whole: string, part: string): boolean => {
  const [name, start] = [plainName(whole), plainName(part)];
  return name === start || name.startsWith(start + "/");
};

/** Whether an event is the one that a card waits for. */
export function answers(card: LessonCard, event: PageEvent): boolean {
  const check = card.check;
  if (!check || event.kind !== check.kind || event.kind === "step") return false;
  const wanted = String(check.value ?? "");
  const value = String(event.value);
  if (check.kind === "diverged") return true;
  if (check.kind === "select") return beginsWith(neuron(plainName(value)), neuron(plainName(wanted)));
  return wanted === "" || beginsWith(value, wanted);
}

const holds = (setting: unknown, wanted: string): boolean =>
  Array.isArray(setting) ? setting.some((item) => holds(item, wanted)) : typeof setting === "number" ? setting === Number(wanted) : String(setting) === wanted;

/** Where the run and the page are, and what the person did to bring them there. */
export interface Standing {
  run: RunInfo;
  frame: Frame;
  stage: string; // that the person went to; "" where it is only what the page came up with
  deeds: ReadonlySet<string>;
}

/** Whether a person has brought the run or the page into the state that a card waits for. */
export function reached(card: LessonCard, { run, frame, stage, deeds }: Standing): boolean {
  const check = card.check;
  const moved = ["play", "step", "go"].some((command) => deeds.has(command));
  if (check?.kind === "stage") return stage === check.value;
  if (check?.kind === "step") return moved && frame.t >= Number(check.value);
  if (check?.kind === "cost_below") return moved && frame.cost !== null && frame.cost < Number(check.value);
  if (check?.kind === "set") {
    const [key, wanted] = String(check.value).split("=");
    const changes = run.setup.then.map((change) => change.set);
    return deeds.has(key) && [run.setup, ...changes].some((set) => holds((set as Record<string, unknown>)[key], wanted));
  }
  return false;
}

// Whether what a person did is what the card of a lesson waits for.
import type { Frame, LessonCard, RunInfo } from "../lib/messages";
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

/** z, a and δ of a neuron stand for the neuron. */
const neuron = (name: string): string => name.replace(/^(z|a|delta)\//, "neuron/");

const beginsWith = (whole: string, part: string): boolean => {
  const [name, start] = [plainName(whole), plainName(part)];
  return name === start || name.startsWith(start + "/");
};

/** Whether an event is the one that a card waits for. */
export function answers(card: LessonCard, event: PageEvent): boolean {
  const check = card.check;
  if (!check || event.kind !== check.kind) return false;
  const wanted = String(check.value ?? "");
  const value = String(event.value);
  if (check.kind === "diverged") return true;
  if (check.kind === "set") return false; // read from the run, which the engine has confirmed
  if (check.kind === "stage") return value === wanted;
  if (check.kind === "step") return Number(value) >= Number(wanted);
  if (check.kind === "select") return beginsWith(neuron(plainName(value)), neuron(plainName(wanted)));
  return wanted === "" || beginsWith(value, wanted);
}

const holds = (setting: unknown, wanted: string): boolean =>
  Array.isArray(setting) ? setting.some((item) => holds(item, wanted)) : typeof setting === "number" ? setting === Number(wanted) : String(setting) === wanted;

/** Whether the run is in the state that a card waits for. */
export function reached(card: LessonCard, run: RunInfo, frame: Frame): boolean {
  const check = card.check;
  if (check?.kind === "step") return frame.t >= Number(check.value);
  if (check?.kind === "cost_below") return frame.cost !== null && frame.cost < Number(check.value);
  if (check?.kind === "set") {
    const [key, wanted] = String(check.value).split("=");
    const changes = run.setup.then.map((change) => change.set);
    return [run.setup, ...changes].some((set) => holds((set as Record<string, unknown>)[key], wanted));
  }
  return false;
}

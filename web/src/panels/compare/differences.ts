// What a second run may differ in, and which value is the telling one to begin with.
import type { Choices, Setup } from "../../lib/messages";

export const DIFFERENCES = ["cost", "act", "init", "opt", "lr", "batch", "l2", "seed"] as const;
export type Difference = (typeof DIFFERENCES)[number];

export const NAMES: Record<Difference, string> = {
  cost: "cost", act: "activation of the hidden layers", init: "start weights", opt: "optimiser", lr: "learning rate", batch: "batch", l2: "L2 penalty", seed: "seed",
};

/** Named alternatives; null where the setting is a number. */
export function alternatives(key: Difference, choices: Choices, kind: "classes" | "numbers") {
  if (key === "cost") return choices.cost.filter((choice) => choice.kinds.includes(kind));
  if (key === "act") return choices.act.filter((choice) => choice.name !== "softmax");
  if (key === "init") return choices.init;
  if (key === "opt") return choices.opt;
  return null;
}

const CONTRAST: Record<string, string> = {
  quadratic: "binary_cross_entropy", binary_cross_entropy: "quadratic", categorical_cross_entropy: "quadratic",
  sigmoid: "relu", tanh: "relu", relu: "sigmoid", auto: "zeros", zeros: "auto", sgd: "adam", adam: "sgd",
};

export const hiddenAct = (setup: Setup): string => setup.act[0] ?? "linear";

/** As text, to stand in a field. */
export function valueOf(key: Difference, setup: Setup): string {
  return key === "act" ? hiddenAct(setup) : String(setup[key]);
}

export function contrast(key: Difference, setup: Setup, names: string[] | null): string {
  const value = valueOf(key, setup);
  if (names) return names.includes(CONTRAST[value] ?? "") ? CONTRAST[value] : (names.find((name) => name !== value) ?? value);
  if (key === "lr") return String(Number((setup.lr * 10).toPrecision(3)));
  if (key === "l2") return setup.l2 ? "0" : "0.01";
  if (key === "batch") return setup.batch === 1 ? "10" : "1";
  return String(setup.seed + 1);
}

/** The change as a command takes it. */
export function changed(key: Difference, value: string, setup: Setup): Partial<Setup> {
  if (key === "act") return { act: setup.act.map((name, i) => (i < setup.act.length - 1 || setup.act.length === 1 ? value : name)) };
  if (key === "init") return { init: value, w: [] };
  if (key === "cost" || key === "opt") return { [key]: value };
  return { [key]: Number(value.replace(",", ".")) };
}

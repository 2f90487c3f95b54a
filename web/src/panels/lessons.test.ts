import { expect, test } from "vitest";
import type { Frame, LessonCard, RunInfo } from "../lib/messages";
import { answers, plainName, reached } from "./lessons";

const card = (kind: NonNullable<LessonCard["check"]>["kind"], value?: string | number): LessonCard => ({ text: "", check: { kind, value, hint: "" } });

test("a number has one name", () => {
  expect(["w1[0, 1]", "w1.0.1", "w/1/0/1"].map(plainName)).toEqual(["w/1/0/1", "w/1/0/1", "w/1/0/1"]);
});

test("a card is answered by what it waits for only", () => {
  expect(answers(card("nudge", "z1[1"), { kind: "nudge", value: "z1[1,0]" })).toBe(true);
  expect(answers(card("nudge", "z1[1"), { kind: "nudge", value: "z1[0,0]" })).toBe(false);
  expect(answers(card("nudge", "z1[1"), { kind: "nudge", value: "z1[11,0]" })).toBe(false);
  expect(answers(card("select", "delta/1/1"), { kind: "select", value: "z1/1/0" })).toBe(true);
  expect(answers(card("select", "delta/1/1"), { kind: "select", value: "w1/1/0" })).toBe(false);
  expect(answers(card("stage", "bp2.1.gate"), { kind: "stage", value: "bp2.1.arrives" })).toBe(false);
  expect(answers(card("answer", "delta1"), { kind: "stage", value: "delta1" })).toBe(false);
});

test("a setting counts when the run has it, also as a change", () => {
  const run = { setup: { act: ["relu", "sigmoid"], lr: 0.001, then: [{ t: 100, set: { lr: 0.5 } }] } } as unknown as RunInfo;
  const frame = { t: 120, cost: 0.2 } as Frame;
  expect(reached(card("set", "act=relu"), run, frame)).toBe(true);
  expect(reached(card("set", "lr=0.5"), run, frame)).toBe(true);
  expect(reached(card("set", "lr=100"), run, frame)).toBe(false);
  expect(reached(card("cost_below", 0.3), run, frame)).toBe(true);
  expect(reached(card("step", 121), run, frame)).toBe(false);
});

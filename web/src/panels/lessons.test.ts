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
  expect(answers(card("answer", "delta1"), { kind: "nudge", value: "delta1" })).toBe(false);
});

const run = { setup: { act: ["relu", "sigmoid"], lr: 0.001, then: [{ t: 100, set: { lr: 0.5 } }] } } as unknown as RunInfo;
const frame = { t: 120, cost: 0.2 } as Frame;
const standing = (deeds: string[], stage = "") => ({ run, frame, stage, deeds: new Set(deeds) });

test("a setting counts when the run has it, also as a change", () => {
  expect(reached(card("set", "act=relu"), standing(["act"]))).toBe(true);
  expect(reached(card("set", "lr=0.5"), standing(["lr"]))).toBe(true);
  expect(reached(card("set", "lr=100"), standing(["lr"]))).toBe(false);
  expect(reached(card("cost_below", 0.3), standing(["play"]))).toBe(true);
  expect(reached(card("step", 120), standing(["step"]))).toBe(true);
  expect(reached(card("step", 121), standing(["step"]))).toBe(false);
  expect(reached(card("stage", "bp1"), standing([], "bp1"))).toBe(true);
});

test("what a link brought counts for nothing", () => {
  for (const waiting of [card("set", "act=relu"), card("cost_below", 0.3), card("step", 120), card("stage", "bp1")]) {
    expect(reached(waiting, standing([]))).toBe(false);
    expect(reached(waiting, standing(["walk", "follow", "l2"]))).toBe(false);
  }
});

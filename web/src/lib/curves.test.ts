import { expect, test } from "vitest";
import { Curve, indexOf, Line, MOST } from "./curves";

test("a line has every step until it is long, then bounded memory, all peaks and true values", () => {
  const line = new Line();
  const value = (step: number) => (step === 7777 ? 9 : step === 8888 ? -9 : (step * 7919) % 1000 / 1000);
  for (let step = 0; step < MOST; step++) line.add(step, value(step));
  expect(line.steps.length).toBe(MOST);
  for (let step = MOST; step < 20 * MOST; step++) line.add(step, value(step));
  expect(line.steps.length).toBeLessThanOrEqual(MOST);
  expect(line.steps.length).toBeGreaterThan(MOST / 4);
  expect(line.steps.every((step, i) => value(step) === line.values[i] && (i === 0 || step > line.steps[i - 1]))).toBe(true);
  const gaps = line.steps.slice(1).map((step, i) => step - line.steps[i]);
  expect(Math.max(...gaps)).toBeLessThan(200); // evenly: the old ones are not thinned more
  expect(line.values).toContain(9);
  expect(line.values).toContain(-9);
});

test("a step that was run again has its new value, one that was not measured keeps what is known", () => {
  const line = new Line();
  [1, 2, 3].forEach((value, step) => line.add(step, value));
  line.add(1, 5);
  line.add(1, NaN);
  expect(line.values).toEqual([1, 5, 3]);
  expect(indexOf(line.steps, 2)).toBe(2);
  expect(indexOf(line.steps, 4)).toBe(-1);
});

test("a branch begins with its parent's past", () => {
  const parent = new Curve();
  [1, 2, 3].forEach((value, step) => parent.train.add(step, value));
  const branch = new Curve();
  branch.copyUntil(parent, 2);
  branch.train.add(2, 8);
  expect([branch.train.steps, branch.train.values, parent.train.values]).toEqual([[0, 1, 2], [1, 2, 8], [1, 2, 3]]);
});

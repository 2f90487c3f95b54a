import { expect, test } from "vitest";
import { decades, extent, linePath, linearScale, logScale, niceTicks, spread } from "./scale";

test("ticks are round numbers within the axis", () => {
  expect(niceTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(niceTicks(-0.13, 0.31, 4)).toEqual([-0.1, 0, 0.1, 0.2, 0.3]);
});

test("a log axis has powers of ten, thinned to fit", () => {
  expect(decades(1e-3, 1, 9)).toEqual([1e-3, 1e-2, 1e-1, 1]);
  expect(decades(1e-8, 1, 3)).toEqual([1e-6, 1e-3, 1]);
});

test("scales map their ends to the ends of the range", () => {
  const x = linearScale(0, 10, 100, 200);
  expect([x(0), x(5), x(10)]).toEqual([100, 150, 200]);
  const y = logScale(1e-4, 1, 80, 0);
  expect(y(1)).toBe(0);
  expect(y(1e-2)).toBeCloseTo(40);
  expect(y(0)).toBe(80);
});

test("a long line keeps its peak", () => {
  const values = new Float64Array(100_000).fill(1);
  values[54_321] = 9;
  const path = linePath(values, linearScale(0, 99_999, 0, 300), linearScale(0, 9, 100, 0));
  expect(path).toContain(" 0.0");
  expect(path.length).toBeLessThan(30_000);
});

test("what is not finite leaves no point", () => {
  expect(linePath([1, NaN, 2], linearScale(0, 2, 0, 2), linearScale(0, 2, 2, 0))).toBe("M0.0 1.0L2.0 0.0");
  expect(extent([[NaN, 0, 3, Infinity]], true)).toEqual([3, 3]);
});

test("the rows of a table hold both ends", () => {
  expect(spread(1001, 11)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
  expect(spread(2, 11)).toEqual([0, 1]);
});

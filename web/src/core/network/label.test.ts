import { expect, test } from "vitest";
import { labelLines, shortened } from "./label";

test("a name that fits stands whole, in as few lines as it needs", () => {
  expect(labelLines("income", 11, 2)).toEqual(["income"]);
  expect(labelLines("living area in square metres", 16, 2)).toEqual(["living area in", "square metres"]);
});

test("of a longer one the middle is left out, so that names with the same beginning differ", () => {
  expect(shortened("energy class of the building A", 12)).toBe("energy…ing A");
  const drawn = ["A", "B"].map((level) => labelLines(`energy class of the building ${level}`, 11, 2));
  expect(drawn[0]).not.toEqual(drawn[1]);
  for (const line of drawn.flat()) expect(line.length).toBeLessThanOrEqual(11);
  expect(labelLines("number of rooms including kitchen", 14, 2)).toEqual(["number of…", "kitchen"]);
});

test("a word longer than a line is broken, and letters of double width take the space of two", () => {
  expect(labelLines("Wohnflächenquadratmeter", 12, 2)).toEqual(["Wohnflächenq", "uadratmeter"]);
  expect(labelLines("建筑物的能源等级甲", 12, 1)).toEqual(["建筑物…级甲"]);
});

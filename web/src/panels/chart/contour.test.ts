import { expect, test } from "vitest";
import { contour } from "./contour";

test("the boundary lies where the value is reached, between the grid points", () => {
  expect(contour([0, 1, 0, 1], 2, 0.25)).toEqual([[0.25, 0, 0.25, 1]]);
});

test("a field without the value has no boundary", () => {
  expect(contour([0.6, 0.7, 0.8, 0.9], 2, 0.5)).toEqual([]);
});

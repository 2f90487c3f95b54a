import { expect, it } from "vitest";
import { at, decode, largest } from "./codec";

function encode(values: number[]): string {
  return btoa(String.fromCharCode(...new Uint8Array(new Float64Array(values).buffer)));
}

it("decodes every bit, rows first", () => {
  const values = [0.1, -1 / 3, NaN, Infinity, 5e-324, -0];
  const matrix = decode({ shape: [2, 3], f8: encode(values) });
  values.forEach((value, i) => expect(Object.is(at(matrix, Math.floor(i / 3), i % 3), value)).toBe(true));
  expect(largest(matrix)).toBe(1 / 3);
});

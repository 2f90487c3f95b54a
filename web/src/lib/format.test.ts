import { describe, expect, it } from "vitest";
import { count, format, full, percent, sentence, typed } from "./format";

describe("format", () => {
  it.each([
    [0, "0"],
    [-0, "0"],
    [0.38331, "0.3833"],
    [-1.2, "−1.200"],
    [5, "5"],
    [0.001, "0.001000"],
    [0.0009999, "9.999·10⁻⁴"],
    [0.00099999, "0.001000"],
    [-4.1123e-7, "−4.112·10⁻⁷"],
    [99999, "99999"],
    [99999.6, "1.000·10⁵"],
    [123456, "1.235·10⁵"],
    [1e-300, "1.000·10⁻³⁰⁰"],
    [Infinity, "∞"],
    [-Infinity, "−∞"],
    [NaN, "not a number"],
    [null, "not a number"],
    [undefined, ""],
  ])("%s is %s", (value, text) => expect(format(value)).toBe(text));

  it("never shows a number that is not zero as zero", () => {
    for (let exponent = -320; exponent <= 300; exponent += 1) {
      const value = Number(`3.7e${exponent}`);
      if (value !== 0) expect(/[1-9]/.test(format(value))).toBe(true);
    }
  });
});

describe("full", () => {
  it("gives back every bit", () => {
    for (const value of [0.1, -1 / 3, 5e-324, 1.7976931348623157e308, 123456789.12345678]) {
      expect(Number(full(value))).toBe(value);
    }
  });
});

describe("sentence", () => {
  it.each([
    ["slope -0.145; difference 4.9e-12, of b1[1, 0]", "slope \u22120.145; difference 4.9·10⁻¹², of b1[1, 0]"],
    ["real \u22129.561e\u221205 (a 2-8-1)", "real \u22129.561·10⁻⁵ (a 2-8-1)"],
    ["z2[0, 0] ± 1e-05, 1.2e+06", "z2[0, 0] ± 1·10⁻⁵, 1.2·10⁶"],
    ["on 2024-01-05, file1e5", "on 2024-01-05, file1e5"],
  ])("%s", (text, shown) => expect(sentence(text)).toBe(shown));
});

describe("typed", () => {
  it.each([
    ["0.5", 0.5],
    [" −0,25 ", -0.25],
    ["1e-3", 0.001],
    ["", null],
    ["abc", null],
    ["1/0", null],
  ])("%s", (text, value) => expect(typed(text)).toBe(value));
});

describe("count and percent", () => {
  it("group and round", () => {
    expect(count(1234567)).toBe("1\u202f234\u202f567");
    expect(percent(0.004)).toBe("<1 %");
    expect(percent(0.25)).toBe("25 %");
  });
});

"""The functions that exported JavaScript code calls, by name, and the test at its end."""

from __future__ import annotations

HELPERS = {
    "maximum": """
function maximum(a, b) {
  return a > b || a !== a ? a : b;
}
""",
    "minimum": """
function minimum(a, b) {
  return a < b || a !== a ? a : b;
}
""",
    "affine": """
/** W·x + b; w has a row for each input. */
function affine(x, w, b, z) {
  const sums = Float64Array.from(b);
  for (let i = 0, k = 0; i < x.length; i++) for (let j = 0; j < sums.length; j++, k++) sums[j] += w[k] * x[i];
  z.set(sums);
}
""",
    "grouped_affine": """
/** W·x + b for each group of so many terms of x, which gives so many outputs. */
function grouped_affine(x, w, b, z, outputs, terms) {
  for (let i = 0; i < z.length; i++) {
    const first = Math.floor(i / outputs) * terms;
    let sum = b[i];
    for (let j = 0; j < terms; j++) sum += w[i * terms + j] * x[first + j];
    z[i] = sum;
  }
}
""",
    "softmax": """
/** exp(z) / Σ exp(z) of each group of so many columns. */
function softmax(z, a, groups) {
  let first = 0;
  for (const size of groups) {
    let largest = z[first], total = 0;
    for (let i = first; i < first + size; i++) largest = maximum(largest, z[i]);
    const e = new Float64Array(size);
    for (let i = 0; i < size; i++) total += e[i] = Math.exp(z[first + i] - largest);
    for (let i = 0; i < size; i++) a[first + i] = e[i] / total;
    first += size;
  }
}
""",
    "feature_moments": """
/** The mean and the variance of x. */
function feature_moments(x, mean, variance) {
  let sum = 0, squares = 0;
  for (const v of x) sum += v;
  mean[0] = sum / x.length;
  for (const v of x) squares += (v - sum / x.length) ** 2;
  variance[0] = squares / x.length;
}
""",
    "look_up": """
/** The vectors of the codes of some columns; 0 for a code that is not 1 to its number of levels. */
function look_up(x, vectors, result, columns, levels) {
  const size = result.length / columns.length;
  let first = 0;
  for (let i = 0; i < columns.length; i++) {
    const code = x[columns[i]] + 0.5;
    const number = first + (code >= 1 && code < levels[i] + 1 ? Math.floor(code) : 0);
    for (let j = 0; j < size; j++) result[i * size + j] = vectors[number * size + j];
    first += levels[i] + 1;
  }
}
""",
    "interpolate": """
/** Linear between knots, constant beyond them. */
function interpolate(x, knots, values) {
  let low = -1, high = knots.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (knots[middle] <= x) low = middle;
    else high = middle;
  }
  if (low < 0 || low === knots.length - 1) return values[Math.max(low, 0)];
  const slope = (values[low + 1] - values[low]) / (knots[low + 1] - knots[low]);
  return values[low] + slope * (x - knots[low]);
}
""",
    "january_first": """
/** The days from 1970-01-01 to the first of January. */
function january_first(year) {
  const y = year - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) - 719162;
}
""",
    "calendar": """
/** The year of days since 1970-01-01, the position in it, the weekday (0: Monday), the part of the day. */
function calendar(days, parts) {
  const day = Math.floor(days), shifted = day + 719468; // days since 0000-03-01
  const era = Math.floor(shifted / 146097), rest = shifted - 146097 * era;
  const even = rest - Math.floor(rest / 1460) + Math.floor(rest / 36524) - Math.floor(rest / 146096);
  const years = Math.floor(even / 365);
  const first = 365 * years + Math.floor(years / 4) - Math.floor(years / 100);
  const year = 400 * era + years + (rest - first >= 306 ? 1 : 0);
  const start = january_first(year);
  const weekday = (((day + 3) % 7) + 7) % 7;
  parts.set([year, (days - start) / (january_first(year + 1) - start), weekday, days - day]);
}
""",
    "largest": """
/** The position of the largest number. */
function largest(x) {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i] > x[best]) best = i;
  return best;
}
""",
}
CHECK = """
/** The largest difference from glassnet's own predictions, relative to the largest of them. */
function check() {
  let size = 0, difference = 0;
  for (const row of EXPECTED) for (const v of row) size = Math.max(size, Math.abs(v));
  ROWS.forEach((row, i) => {
    predict(row)<of>.forEach((v, j) => {
      difference = maximum(difference, Math.abs(v - EXPECTED[i][j]));
    });
  });
  return difference / (size || 1);
}

if (typeof module !== "undefined") {
  module.exports = { predict, check };
  if (typeof require !== "undefined" && require.main === module) {
    console.log(`largest relative difference from glassnet: ${check().toExponential(1)} on ${ROWS.length} rows`);
  }
}
"""

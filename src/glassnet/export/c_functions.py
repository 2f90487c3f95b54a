"""The functions that exported C code calls, and the test at its end.

They are written once for float and double: T stands for the type, S for the end of the name.
"""

from __future__ import annotations

import re

from glassnet.export.pipeline import FLOAT32, FLOAT64

TYPES = {FLOAT32: "float", FLOAT64: "double", "int64": "int"}
SUFFIX = {FLOAT32: "", FLOAT64: "_double"}
BASIC = {  # for each of float and double: T the type, S the suffix of the name
    "maximum": """
static inline T maximumS(T a, T b) { return a > b || a != a ? a : b; }
""",
    "minimum": """
static inline T minimumS(T a, T b) { return a < b || a != a ? a : b; }
""",
    "sign": """
static inline T signS(T x) { return x != x ? x : (T)((x > 0) - (x < 0)); }
""",
    "affine": """
/* z = W·x + b; w has a row for each input */
static void affineS(const T *x, const T *w, const T *b, T *z, int inputs, int outputs, double *sums) {
    for (int j = 0; j < outputs; j++) sums[j] = b[j];
    for (int i = 0; i < inputs; i++, w += outputs)
        for (int j = 0; j < outputs; j++) sums[j] += (double)w[j] * x[i];
    for (int j = 0; j < outputs; j++) z[j] = (T)sums[j];
}
""",
    "grouped_affine": """
/* z = W·x + b for each group of so many terms of x, which gives so many outputs */
static void grouped_affineS(const T *x, const T *w, const T *b, T *z, int count, int outputs, int terms) {
    for (int i = 0; i < count; i++) {
        double sum = b[i];
        for (int j = 0; j < terms; j++) sum += (double)w[i * terms + j] * x[i / outputs * terms + j];
        z[i] = (T)sum;
    }
}
""",
    "softmax": """
/* a = exp(z) / sum of exp(z) */
static void softmaxS(const T *z, T *a, int count) {
    double largest = z[0], total = 0;
    for (int i = 1; i < count; i++) if (z[i] > largest || z[i] != z[i]) largest = z[i];
    for (int i = 0; i < count; i++) total += exp(z[i] - largest);
    for (int i = 0; i < count; i++) a[i] = (T)(exp(z[i] - largest) / total);
}
""",
    "feature_moments": """
/* the mean and the variance of x */
static void feature_momentsS(const T *x, T *mean, T *variance, int count) {
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) sum += x[i];
    for (int i = 0; i < count; i++) squares += (x[i] - sum / count) * (x[i] - sum / count);
    *mean = (T)(sum / count);
    *variance = (T)(squares / count);
}
""",
    "look_up": """
/* the vectors of the codes of some columns; 0 for a code that is not 1 to its number of levels */
static void look_upS(const T *x, const T *vectors, T *result, const int *columns, const int *levels, int count,
                     int size) {
    for (int i = 0, first = 0; i < count; first += levels[i++] + 1) {
        T code = x[columns[i]] + (T)0.5;
        int number = first + (code >= 1 && code < levels[i] + 1 ? (int)code : 0);
        for (int j = 0; j < size; j++) *result++ = vectors[number * size + j];
    }
}
""",
    "class_number": """
/* the position of the largest number */
static int class_numberS(const T *x, int count) {
    int best = 0;
    for (int i = 1; i < count; i++) if (x[i] > x[best]) best = i;
    return best;
}
""",
}
ONCE = {
    "level_number": """
typedef struct { const char *text; float number; } Level;

/* the number of a text, NULL for a missing one; levels are sorted by their bytes */
static float level_number(const char *text, const Level *levels, int count, float other) {
    int low = 0, high = count - 1;
    while (text && low <= high) {
        int middle = (low + high) / 2, order = strcmp(text, levels[middle].text);
        if (order == 0) return levels[middle].number;
        if (order < 0) high = middle - 1; else low = middle + 1;
    }
    return other;
}
""",
    "interpolate": """
/* linear between knots, constant beyond them */
static double interpolate(double x, const double *knots, const double *values, int count) {
    int low = -1, high = count;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (knots[middle] <= x) low = middle; else high = middle;
    }
    if (low < 0 || low == count - 1) return values[low < 0 ? 0 : low];
    return values[low] + (values[low + 1] - values[low]) / (knots[low + 1] - knots[low]) * (x - knots[low]);
}
""",
    "january_first": """
/* the days from 1970-01-01 to the first of January */
static double january_first(double year) {
    double y = year - 1;
    return 365 * y + floor(y / 4) - floor(y / 100) + floor(y / 400) - 719162;
}
""",
    "calendar": """
/* the year of days since 1970-01-01, the position in it, the weekday (0: Monday), the part of the day */
static void calendar(double days, double *parts) {
    double day = floor(days), shifted = day + 719468;  /* days since 0000-03-01 */
    double era = floor(shifted / 146097), rest = shifted - 146097 * era;
    double years = floor((rest - floor(rest / 1460) + floor(rest / 36524) - floor(rest / 146096)) / 365);
    double year = 400 * era + years + (rest - (365 * years + floor(years / 4) - floor(years / 100)) >= 306);
    double start = january_first(year);
    parts[0] = year;
    parts[1] = (days - start) / (january_first(year + 1) - start);
    parts[2] = day + 3 - 7 * floor((day + 3) / 7);
    parts[3] = days - day;
}
""",
}
MAIN = """
#ifdef GLASSNET_TEST
#include <stdio.h>

<rows>

int main(void) {
    double size = 0, difference = 0;
    for (int i = 0; i < <count>; i++) {
        <result>
        <call>
        for (int j = 0; j < <width>; j++) {
            size = fmax(size, fabs(EXPECTED[i][j]));
            double d = fabs(result[j] - EXPECTED[i][j]);
            if (d > difference || d != d) difference = d;
        }
    }
    printf("largest relative difference from glassnet: %.1e on <count> rows\\n", difference / (size > 0 ? size : 1));
    return 0;
}
#endif
"""


def both_types() -> dict[str, str]:
    """The code of all functions by name, those for double with `_double` behind it."""
    both = {
        f"{name}{suffix}": re.sub(r"(?<=\w)S(?=\()", suffix, re.sub(r"\bT\b", TYPES[dtype], code))
        for name, code in BASIC.items()
        for dtype, suffix in SUFFIX.items()
    }
    return both | ONCE

"""The functions that exported Python code calls, by name, and the test at its end."""

from __future__ import annotations

HELPERS = {
    "f32": '''
def f32(x):
    """The nearest float32."""
    try:
        return unpack("f", pack("f", x))[0]
    except OverflowError:
        return inf if x > 0 else -inf
''',
    "maximum": """
def maximum(a, b):
    return a if a > b or a != a else b
""",
    "minimum": """
def minimum(a, b):
    return a if a < b or a != a else b
""",
    "divide": """
def divide(a, b):
    if b:
        return a / b
    return nan if not a or a != a else math.copysign(inf, a) * math.copysign(1.0, b)
""",
    "exp": """
def exp(x):
    return math.exp(x) if x < 709.0 or x != x else inf
""",
    "expm1": """
def expm1(x):
    return math.expm1(x) if x < 709.0 or x != x else inf
""",
    "log": """
def log(x):
    return math.log(x) if x > 0.0 else -inf if x == 0.0 else nan
""",
    "log1p": """
def log1p(x):
    return math.log1p(x) if x > -1.0 else -inf if x == -1.0 else nan
""",
    "square_root": """
def square_root(x):
    return math.sqrt(x) if x >= 0.0 else nan
""",
    "sine": """
def sine(x):
    return math.sin(x) if abs(x) < inf else nan
""",
    "cosine": """
def cosine(x):
    return math.cos(x) if abs(x) < inf else nan
""",
    "sign": """
def sign(x):
    return x if x != x else float((x > 0.0) - (x < 0.0))
""",
    "affine": '''
def affine(x, w, b):
    """W·x + b; w has a row for each output."""
    return [bias + sum(map(mul, row, x)) for row, bias in zip(w, b)]
''',
    "grouped_affine": '''
def grouped_affine(x, w, b, outputs, terms):
    """W·x + b for each group of so many terms of x, which gives so many outputs."""
    return [
        bias + sum(map(mul, row, x[i // outputs * terms : (i // outputs + 1) * terms]))
        for i, (row, bias) in enumerate(zip(w, b))
    ]
''',
    "softmax": """
def softmax(z):
    largest = max(z)
    e = [math.exp(v - largest) for v in z]
    total = sum(e)
    return [v / total for v in e]
""",
    "feature_moments": '''
def feature_moments(x):
    """The mean and the variance of x."""
    mean = sum(x) / len(x)
    return [mean], [sum((v - mean) ** 2 for v in x) / len(x)]
''',
    "look_up": '''
def look_up(codes, vectors, levels):
    """The vectors of the codes of some columns; 0 for a code that is not 1 to its number of levels."""
    result, first = [], 0
    for code, count in zip(codes, levels):
        number = int(code + 0.5) if 1 <= code + 0.5 < count + 1 else 0
        result.extend(vectors[first + number])
        first += count + 1
    return result
''',
    "interpolate": '''
def interpolate(x, knots, values):
    """Linear between knots, constant beyond them."""
    j = bisect_right(knots, x) - 1
    if j < 0 or j == len(knots) - 1:
        return values[max(j, 0)]
    return values[j] + (values[j + 1] - values[j]) / (knots[j + 1] - knots[j]) * (x - knots[j])
''',
    "january_first": '''
def january_first(year):
    """The days from 1970-01-01 to the first of January."""
    y = year - 1
    return 365 * y + y // 4 - y // 100 + y // 400 - 719162
''',
    "calendar": '''
def calendar(days):
    """The year of days since 1970-01-01, the position in it, the weekday (0: Monday), the part of the day."""
    day = math.floor(days)
    shifted = day + 719468  # days since 0000-03-01
    era, rest = divmod(shifted, 146097)
    years = (rest - rest // 1460 + rest // 36524 - rest // 146096) // 365
    year = 400 * era + years + (rest - (365 * years + years // 4 - years // 100) >= 306)
    start = january_first(year)
    return [year, (days - start) / (january_first(year + 1) - start), (day + 3) % 7, days - day]
''',
}
CHECK = '''
def check():
    """The largest difference from glassnet's own predictions, relative to the largest of them."""
    size = max(abs(v) for row in EXPECTED for v in row) or 1.0
    results = [predict(row){of} for row in ROWS]
    return max(abs(a - b) for row, other in zip(results, EXPECTED) for a, b in zip(row, other)) / size


if __name__ == "__main__":
    print(f"largest relative difference from glassnet: {{check():.1e}} on {{len(ROWS)}} rows")
'''

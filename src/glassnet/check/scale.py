"""What the factors mean by which their gradients differ from ours, where all else is equal.

One factor for all of dW and db is a matter of the cost (a sum, no ½, a mean over the outputs): a note. Its sign, and
factors that differ between dW and db or between layers, are faults.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from glassnet.check.fault import Fault

Factors = Mapping[tuple[str, int], float]  # of ("dW" or "db", layer)
SUM = "the sum over the batch"
MAX_DENOMINATOR = 40


class Setting(NamedTuple):
    """The numbers that a factor can be made of: samples of the batch, widths, and the tolerance of the comparison."""

    m: int
    widths: list[int]
    tolerance: float

    def same(self, one: float, other: float) -> bool:
        """Whether two factors are equal."""
        return math.isclose(one, other, rel_tol=max(10 * self.tolerance, 1e-9))


class Verdict(NamedTuple):
    """Faults and notes."""

    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


def judge(factors: Factors, setting: Setting, other: tuple[Factors, int] | None = None) -> Verdict:
    """What the factors say. `other` are those of a batch of another size, and that size."""
    base = _base(factors, setting)
    faults: list[Fault] = []
    if base < 0:
        faults.append(Fault("BP1", "the gradient has the wrong sign: y − a instead of a − y."))
    relative = {key: value / base for key, value in factors.items()}
    faults += _differences(relative, setting)
    at = next((key for key, value in relative.items() if setting.same(value, 1)), None)
    again = None if other is None or at is None or at not in other[0] else (abs(other[0][at]), other[1])
    faults_of_all, notes = _overall(abs(base), setting, again)
    return Verdict((*faults, *faults_of_all), notes)


def number(value: float) -> str:
    """A factor as people write it: 7, 0.1, 7/3 or 0.1234."""
    if math.isclose(value, round(value, 2), rel_tol=1e-6):
        return f"{round(value, 2):g}"
    close = Fraction(value).limit_denominator(MAX_DENOMINATOR)
    return str(close) if close and math.isclose(value, close, rel_tol=1e-6) else f"{value:.4g}"


def _base(factors: Factors, setting: Setting) -> float:
    """The factor of most arrays; among equals the one that is 1, then the plainest, then that of the output."""
    plain = [1.0, 2.0, 0.5, 1 / setting.widths[-1], float(setting.m), 1 / setting.m]

    def rank(value: float) -> tuple[int, int, bool]:
        alike = sum(setting.same(value, other) for other in factors.values())
        at = next((n for n, known in enumerate(plain) if setting.same(abs(value), known)), len(plain))
        return -alike, at, value < 0

    return min(factors.values(), key=rank)


# ---- factors that differ


def _differences(relative: Factors, setting: Setting) -> Iterator[Fault]:
    """The faults of factors that are not the same everywhere."""
    odd = {key: value for key, value in relative.items() if not setting.same(value, 1)}
    if not odd:
        return
    for pattern in (_passed_down, _by_width):
        if faults := pattern(relative, setting):
            yield from faults
            return
    for kind, equation in (("dW", "BP4"), ("db", "BP3")):
        values = {layer: value for (name, layer), value in odd.items() if name == kind}
        layers = [layer for name, layer in relative if name == kind]
        if len(values) == len(layers) and all(setting.same(value, min(values.values())) for value in values.values()):
            yield Fault(equation, f"in {kind}, {_ratio_text(min(values.values()), setting)}.")
            continue
        for layer, value in values.items():
            yield Fault(equation, f"{kind}{layer} is {_times(value)} ours: direction right, scale wrong{_why(value, setting)}.")


def _times(value: float) -> str:
    text = number(value)
    return f"{text} of" if "/" in text else f"{text} ×"


def _why(value: float, setting: Setting) -> str:
    text = _ratio_text(value, setting)
    return "" if "direction right" in text else f" ({text})"


def _ratio_text(value: float, setting: Setting) -> str:
    """A factor of a part of the arrays."""
    sign, size = ("the sign is wrong", -value) if value < 0 else ("", value)
    meanings = {
        1.0: "",
        float(setting.m): f"a sum over the batch of {setting.m} instead of the mean",
        1 / setting.m: "1/m is applied twice",
    }
    meaning = next((text for known, text in meanings.items() if setting.same(size, known)), None)
    if meaning is None:
        meaning = f"all are {_times(size)} ours: direction right, scale wrong"
    return " and ".join(filter(None, (sign, meaning)))


def _passed_down(relative: Factors, setting: Setting) -> list[Fault]:
    """A factor that the error takes on its way from layer to layer, with dW and db alike."""
    layers = sorted({layer for _, layer in relative}, reverse=True)
    alike = [[value for (_, n), value in relative.items() if n == layer] for layer in layers]
    if len(layers) < 2 or any(not setting.same(value, values[0]) for values in alike for value in values):
        return []
    by_layer = dict(zip(layers, (values[0] for values in alike), strict=True))
    ratios = {layer: by_layer[layer] / by_layer[layer + 1] for layer in layers[1:]}
    odd = {layer: ratio for layer, ratio in ratios.items() if not setting.same(ratio, 1)}
    alone = [layer for layer, value in by_layer.items() if not setting.same(value, 1)]
    first = next(iter(odd.values()))
    if any(not setting.same(ratio, first) for ratio in odd.values()) or len(alone) < len(odd) < len(ratios):
        return []
    where = "" if len(odd) == len(ratios) else f" of layer {' and '.join(map(str, sorted(odd)))} only"
    if setting.same(first, -1):
        return [Fault("BP2", f"the error that arrives has the wrong sign{', in the δ' + where if where else ''}.")]
    text = f"the error that arrives is {_times(first)} ours{', in the δ' + where if where else ''}"
    if setting.same(first, 1 / setting.m):
        text += ": it is divided by m in every layer"
    return [Fault("BP2", f"{text}; direction right, scale wrong.")]


def _by_width(relative: Factors, setting: Setting) -> list[Fault]:
    """A division by the width of each layer instead of by the number of samples."""
    m, widths = setting.m, setting.widths
    divisors = {
        "fan_in, the width of the layer below": lambda layer: widths[layer - 1],
        "fan_out, the width of the layer": lambda layer: widths[layer],
    }
    for (text, width), (rest, scale) in ((d, s) for d in divisors.items() for s in ((", instead of by m", m), (", and by m", 1))):
        kinds = [
            kind
            for kind in ("dW", "db")
            if all(setting.same(value, scale / width(n)) for (name, n), value in relative.items() if name == kind)
        ]
        plain = [kind for kind in ("dW", "db") if all(setting.same(v, 1) for (name, _), v in relative.items() if name == kind)]
        if kinds and len(kinds) + len(plain) == len({name for name, _ in relative}) and len(widths) > 2:
            equation = " and ".join(equation for kind, equation in (("db", "BP3"), ("dW", "BP4")) if kind in kinds)
            return [Fault(equation, f"{' and '.join(kinds)} {'is' if len(kinds) == 1 else 'are'} divided by {text}{rest}.")]
    return []


# ---- one factor of all


def _overall(base: float, setting: Setting, again: tuple[float, int] | None) -> tuple[tuple[Fault, ...], tuple[str, ...]]:
    """The fault or the note of one factor of all arrays."""
    if setting.same(base, 1):
        return (), ()
    pairs = [(base, setting.m), *([again] if again else [])]

    def fits(power: int, constant: float) -> bool:
        return all(setting.same(value, m**power * constant) for value, m in pairs)

    if text := next((text for power, constant, text in _meanings(setting) if fits(power, constant)), ""):
        return (), (f"your gradient is {number(base)} × ours: {text}.",)
    features, outputs = setting.widths[0], setting.widths[-1]
    for count, name in ((features, "features"), (outputs, "outputs")):
        if fits(1, 1 / count):
            text = f"the sum over the batch is divided by {count}, the number of {name}, instead of by that of the samples"
            return (Fault("BP3 and BP4", f"{text}."),), ()
    if fits(0, 1 / features):
        return (Fault("BP3 and BP4", f"the gradient is divided by m and by {features}, the number of features."),), ()
    power, text = (1, f"{SUM}, times {number(base / setting.m)}") if fits(1, base / setting.m) else (0, "")
    text = text if power and again else "a factor such as the learning rate is inside"
    return (), (f"your gradient is {number(base)} × ours: {text}; right if your step leaves it out.",)


def _meanings(setting: Setting) -> Iterator[tuple[int, float, str]]:
    """The factors that a cost explains: power of m, constant, and sentence."""
    outputs = setting.widths[-1]
    features = ", or divided by the 2 features" if setting.widths[0] == 2 else ""
    halves = [
        (1.0, "", ""),
        (2.0, "the ½ of the cost is missing", "has no ½"),
        (0.5, f"half the gradient, a ½ more than in ours{features}", "has a ½ more"),
    ]
    if outputs > 1:
        halves.append((1 / outputs, f"the mean over the {outputs} outputs", f"is a mean over the {outputs} outputs"))
        both = f"the mean over the {outputs} outputs, and the ½ of the cost is missing"
        halves.append((2 / outputs, both, f"is a mean over the {outputs} outputs without the ½"))
    for constant, what, cost in halves:
        if what:
            yield 0, constant, f"{what}; right if your cost {cost}"
        if constant == 0.5 and outputs != 2:
            continue  # m/2 is a division by two features or outputs, rather than a cost
        sums = f"{SUM}; right if your cost is a sum" + (f", and {cost}" if what else "")
        yield 1, constant, sums.replace(f"{SUM};", f"{SUM}, and {what};") if what else sums
        twice = "1/m is applied twice, in δ and again in the mean" + (f", and {what}" if what else "")
        yield -1, constant, f"{twice}; your steps shrink as the batch grows"

"""What the factors mean by which their gradients differ from ours, where all else is equal.

One factor for all of dW and db is a matter of the cost (a sum, no ½, a mean over the outputs): a note. Its sign, and
factors that differ between dW and db or between layers, are faults.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from glassnet.check.mistakes.fault import Fault, digits, layers_text, listed

Factors = Mapping[tuple[str, int], float]  # of ("dW" or "db", layer)
SUM = "the sum over the batch"
EQUATIONS = {"dW": "BP4", "db": "BP3"}
MAX_DENOMINATOR = 40


class Setting(NamedTuple):
    """The numbers that a factor can be made of: samples of the batch, widths, and the tolerance of the comparison."""

    m: int
    widths: list[int]
    tolerance: float
    has_half: bool = True  # the cost, before its square
    lr: float = 1.0  # by which steps were divided, where the gradient was taken from them

    def same(self, one: float, other: float) -> bool:
        """Whether two factors are equal."""
        return math.isclose(one, other, rel_tol=max(10 * self.tolerance, 1e-9))


class Verdict(NamedTuple):
    """Faults and notes."""

    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


def judge(factors: Factors, setting: Setting, other: tuple[Factors, int] | None = None) -> Verdict:
    """What the factors say. `other` are those of a batch of another size, and that size."""
    faults, sizes = _signs(factors)
    if by_width := _by_width(sizes, setting):
        return Verdict((*faults, *by_width), ())
    base = _base(sizes, setting)
    relative = {key: value / base for key, value in sizes.items()}
    faults += _differences(relative, setting)
    at = next((key for key, value in relative.items() if setting.same(value, 1)), None)
    again = None if other is None or at is None or at not in other[0] else (abs(other[0][at]), other[1])
    faults_of_all, notes = _overall(abs(base), setting, again)
    return Verdict((*faults, *faults_of_all), notes)


def number(value: float) -> str:
    """A factor as people write it: 7, −0.1, 7/3 or 0.1234."""
    if math.isclose(value, round(value, 2), rel_tol=1e-6):
        text = f"{round(value, 2):g}"
    else:
        close = Fraction(value).limit_denominator(MAX_DENOMINATOR)
        text = str(close) if close and math.isclose(value, close, rel_tol=1e-6) else digits(value, 4)
    return "−" + text[1:] if text.startswith("-") else text


def _base(factors: Factors, setting: Setting) -> float:
    """The factor of most arrays; among equals the plainest."""
    plain = [1.0, 2.0, 0.5, 1 / setting.widths[-1], float(setting.m), 1 / setting.m]

    def rank(value: float) -> tuple[int, int, bool]:
        alike = sum(setting.same(value, other) for other in factors.values())
        at = next((n for n, known in enumerate(plain) if setting.same(abs(value), known)), len(plain))
        return -alike, at, value < 0

    return min(factors.values(), key=rank)


def _signs(factors: Factors) -> tuple[list[Fault], Factors]:
    """The faults of signs that dW and db of each layer share, and the factors without these signs."""
    layers = sorted({layer for _, layer in factors}, reverse=True)
    signs = {layer: {value > 0 for (_, n), value in factors.items() if n == layer} for layer in layers}
    if any(len(both) > 1 for both in signs.values()):
        return [], factors
    positive = {layer: both == {True} for layer, both in signs.items()}
    sign_changes = [n for n in layers[1:] if positive[n] != positive[n + 1]] if _consecutive(layers) else []
    others = [n for n in layers if positive[n] != positive[layers[0]]]
    if len(others) < len(sign_changes) < len(layers) - 1 or (others and not sign_changes):
        return [], factors
    faults = [] if positive[layers[0]] else [Fault("BP1", "the gradient has the wrong sign: y − a instead of a − y.")]
    if sign_changes:
        where = "" if len(sign_changes) == len(layers) - 1 else f", in the δ of {layers_text(sign_changes)} only"
        faults.append(Fault("BP2", f"the error that arrives has the wrong sign{where}."))
    return faults, {key: abs(value) for key, value in factors.items()}


def _consecutive(layers: list[int]) -> bool:
    return layers == list(range(layers[0], layers[-1] - 1, -1))


# ---- factors that differ


def _differences(relative: Factors, setting: Setting) -> Iterator[Fault]:
    """The faults of factors that are not the same everywhere."""
    odd = {key: value for key, value in relative.items() if not setting.same(value, 1)}
    if not odd:
        return
    faults, relative = _of_one_kind(relative, setting)
    yield from faults
    odd = {key: value for key, value in relative.items() if not setting.same(value, 1)}
    if odd and (faults := _passed_down(relative, setting)):
        yield from faults
        return
    yield from _of_arrays(odd, setting, has_both=len({name for name, _ in relative}) == 2)


def _of_arrays(odd: Factors, setting: Setting, *, has_both: bool) -> Iterator[Fault]:
    """One fault for each layer and factor."""
    for layer in dict.fromkeys(layer for _, layer in odd):
        values = {kind: value for (kind, n), value in odd.items() if n == layer}
        is_one = len(values) == 2 and setting.same(*values.values())
        for kinds in [tuple(values)] if is_one else [(kind,) for kind in values]:
            value = values[kinds[0]]
            equation = " and ".join(EQUATIONS[kind] for kind in reversed(kinds))
            if not has_both and layer < len(setting.widths) - 1:
                equation = "BP2 or BP4"
            names = listed([f"{kind}{layer}" for kind in kinds])
            yield Fault(equation, f"{names} {_of_array(value, setting, 'are' if is_one else 'is')}.")


def _of_array(value: float, setting: Setting, verb: str) -> str:
    """What is said of one array, or two, by their factor."""
    if setting.same(value, -1):
        return f"{'have' if verb == 'are' else 'has'} the wrong sign"
    text = _ratio_text(value, setting)
    unknown = "the sign is wrong, and the scale" if value < 0 else "direction right, scale wrong"
    return f"{verb} {_times(value)} ours: {unknown if 'direction right' in text else text}"


def _of_one_kind(relative: Factors, setting: Setting) -> tuple[list[Fault], Factors]:
    """The fault of a factor that only dW has, or only db, in all layers; and the factors without it."""
    layers = sorted({layer for _, layer in relative}, reverse=True)
    if len(relative) < 2 * len(layers):
        return [], relative
    ratios = [relative["db", n] / relative["dW", n] for n in layers]
    if setting.same(ratios[0], 1) or not all(setting.same(ratio, ratios[0]) for ratio in ratios):
        return [], relative
    kind, value = ("db", ratios[0]) if setting.same(relative["dW", layers[0]], 1) else ("dW", 1 / ratios[0])
    rest = {key: factor / value if key[0] == kind else factor for key, factor in relative.items()}
    return [Fault(EQUATIONS[kind], f"in {kind}, {_ratio_text(value, setting)}.")], rest


def _times(value: float) -> str:
    text = number(value)
    return f"{text} of" if "/" in text else f"{text} ×"


def _ratio_text(value: float, setting: Setting) -> str:
    """A factor of a part of the arrays."""
    sign, size = ("the sign is wrong", -value) if value < 0 else ("", value)
    meanings = {
        1.0: "",
        float(setting.m): f"a sum over the batch of {setting.m} instead of the mean",
        1 / setting.m: "1/m is applied twice",
    }
    if setting.lr != 1:
        meanings |= {setting.lr: "the learning rate is applied twice", 1 / setting.lr: "the learning rate is missing"}
    meaning = next((text for known, text in meanings.items() if setting.same(size, known)), None)
    if meaning is None:
        meaning = f"all are {_times(size)} ours: direction right, scale wrong"
    return " and ".join(filter(None, (sign, meaning)))


def _passed_down(relative: Factors, setting: Setting) -> list[Fault]:
    """A factor that the error takes on its way from layer to layer, with dW and db alike."""
    layers = sorted({layer for _, layer in relative}, reverse=True)
    alike = [[value for (_, n), value in relative.items() if n == layer] for layer in layers]
    is_alike = all(setting.same(value, values[0]) for values in alike for value in values)
    if len(layers) < 2 or len(relative) < 2 * len(layers) or not is_alike:
        return []
    by_layer = dict(zip(layers, (values[0] for values in alike), strict=True))
    ratios = {layer: by_layer[layer] / by_layer[layer + 1] for layer in layers[1:]}
    odd = {layer: ratio for layer, ratio in ratios.items() if not setting.same(ratio, 1)}
    scaled_layers = [layer for layer, value in by_layer.items() if not setting.same(value, 1)]
    first = next(iter(odd.values()))
    if len(odd) == 1 and not setting.same(by_layer[layers[0]], 1):
        return []  # the layers below are right, so that no error has arrived wrongly
    if any(not setting.same(ratio, first) for ratio in odd.values()) or len(scaled_layers) < len(odd) < len(ratios):
        return []
    where = "" if len(odd) == len(ratios) else f", in the δ of {layers_text(list(odd))} only"
    text = f"the error that arrives is {_times(first)} ours{where}"
    if setting.same(first, 1 / setting.m):
        text += ": it is divided by m in every layer"
    return [Fault("BP2", f"{text}; direction right, scale wrong.")]


def _by_width(factors: Factors, setting: Setting) -> list[Fault]:
    """A division by the width of each layer, instead of by the number of samples or beside it."""
    m, widths = setting.m, setting.widths
    for below, text in ((1, "fan_in, the width of the layer below"), (0, "fan_out, the width of the layer")):
        for scale, end in ((m, "instead of by m"), (1, "and by m")):
            expected = {layer: scale / widths[layer - below] for _, layer in factors}
            if fault := _divided(factors, expected, setting, f"divided by {text}, {end}."):
                return [fault]
    return []


def _divided(factors: Factors, expected: Mapping[int, float], setting: Setting, text: str) -> Fault | None:
    """The fault, if the factors of dW, of db, or of both are the expected ones, and all others 1."""
    kinds = []
    for kind in dict.fromkeys(name for name, _ in factors):
        values = {layer: value for (name, layer), value in factors.items() if name == kind}
        if all(setting.same(value, 1) for value in values.values()):
            continue
        if not all(setting.same(value, expected[layer]) for layer, value in values.items()):
            return None
        if len({round(expected[layer], 9) for layer in values}) < 2:  # as well one factor for all
            return None
        kinds.append(kind)
    if not kinds:
        return None
    equation = " and ".join(EQUATIONS[kind] for kind in sorted(kinds, reverse=True))
    return Fault(equation, f"{' and '.join(kinds)} {'are' if len(kinds) > 1 else 'is'} {text}")


# ---- one factor of all


def _overall(
    base: float, setting: Setting, again: tuple[float, int] | None
) -> tuple[tuple[Fault, ...], tuple[str, ...]]:
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
            text = (
                f"the sum over the batch is divided by {count}, the number of {name}, instead of by that of the samples"
            )
            return (Fault("BP3 and BP4", f"{text}."),), ()
    if fits(0, 1 / features):
        return (Fault("BP3 and BP4", f"the gradient is divided by m and by {features}, the number of features."),), ()
    if again and fits(1, base / setting.m):
        text = f"{SUM}, times {number(base / setting.m)}"
    elif setting.lr != 1:
        return (), (_of_step(base * setting.lr, setting),)
    else:
        text = "a factor such as the learning rate is inside"
    return (), (f"your gradient is {number(base)} × ours: {text}; right if your step leaves it out.",)


def _of_step(size: float, setting: Setting) -> str:
    """The note on a step of so many times the gradient."""
    times = "the gradient itself" if setting.same(size, 1) else f"{number(size)} × the gradient"
    return f"your step is {times}, where the learning rate is {number(setting.lr)}; right if it uses another rate."


def _meanings(setting: Setting) -> Iterator[tuple[int, float, str]]:
    """The factors that a cost explains: power of m, constant, and sentence."""
    outputs = setting.widths[-1]
    features = ", or divided by the 2 features" if setting.widths[0] == 2 else ""
    halves = [(1.0, "", "")]
    if setting.has_half:
        halves.append((2.0, "the ½ of the cost is missing", "has no ½"))
    if outputs > 1:
        is_mean = f"is a mean over the {outputs} outputs"
        more, less = (
            (", or a ½ more than in ours", ", or has a ½ more") if outputs == 2 and setting.has_half else ("",) * 2
        )
        halves.append((1 / outputs, f"the mean over the {outputs} outputs{more}", is_mean + less))
        if setting.has_half:
            both = f"the mean over the {outputs} outputs, and the ½ of the cost is missing"
            halves.append((2 / outputs, both, f"{is_mean} without the ½"))
    if setting.has_half:
        halves.append((0.5, f"half the gradient, a ½ more than in ours{features}", "has a ½ more"))
    for constant, what, cost in halves:
        if what:
            yield 0, constant, f"{what}; right if your cost {cost}"
        if constant == 0.5 and outputs != 2:
            continue  # m/2 is a division by two features or outputs, rather than a cost
        sums = f"{SUM}; right if your cost is a sum" + (f" and {cost}" if what else "")
        yield 1, constant, sums.replace(f"{SUM};", f"{SUM}, and {what};") if what else sums
        twice = "1/m is applied twice, in δ and again in the mean" + (f", and {what}" if what else "")
        yield -1, constant, f"{twice}; your steps shrink as the batch grows"

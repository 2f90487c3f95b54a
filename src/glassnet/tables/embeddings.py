"""Layers that make several inputs of one: a number as waves, the code of a category as a learnt vector.

They act on x itself, before the first dense layer, and widen it. The columns that they do not embed pass through in
front, so the numbers of the columns that a second embedding names change only where the first one took codes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import pi, sqrt
from typing import ClassVar

from numpy import clip, cos, sin, where

from glassnet.errors import ParameterError
from glassnet.tables.entry import Limits, check_number, check_sizes
from glassnet.tables.interval import POSITIVE
from glassnet.tables.layer import Draw, Layer, LayerBuilder, Parameter

EVEN_LIMIT = 2.0  # the bins of PiecewiseLinear divide −2 to 2 at first


@dataclass(frozen=True)
class PeriodicEmbedding(Layer):
    """Numbers as waves: each x of some columns becomes [x, W2·cos(2π·w1·x + b1) + b2], with its own w1, b1, W2, b2.

    `inputs` are the numbers of the columns, from 0 (None: all). The output has the columns of x, then the `outputs` − 1
    new columns of the first embedded one, then those of the second, and so on. The `frequencies` w1 are drawn from a
    normal distribution of deviation `scale`, which suits columns of standard deviation 1.
    """

    inputs: tuple[int, ...] | None = None
    frequencies: int = 16
    outputs: int = 4
    scale: float = 0.1
    name = "periodic_embedding"
    source = "Holzmüller, Grinsztajn & Steinwart, Better by Default (2024), section 3 (PBLD); Gorishniy et al. (2022)"
    on_inputs = True
    limits: ClassVar[Limits] = {"frequencies": 1, "outputs": 2, "scale": POSITIVE}

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_inputs(self)

    @property
    def new(self) -> int:
        """How many new columns each embedded column gets."""
        return self.outputs - 1

    def parameters_of(self, width: int) -> dict[str, Parameter]:
        """w1 (frequencies) and b1 (phases) of every wave; W2 (weights), a row per new column, and b2 (biases)."""
        count, limit = len(_columns(self, width)), 1 / sqrt(self.frequencies)
        waves, new = count * self.frequencies, count * self.new
        return {
            "frequencies": Parameter((waves,), Draw("normal", self.scale)),
            "phases": Parameter((waves,), Draw("uniform", pi)),
            "weights": Parameter((new, self.frequencies), Draw("uniform", limit)),
            "biases": Parameter((new,), Draw("uniform", limit)),
        }

    def output_width(self, width: int) -> int:
        """The columns of x and the new ones."""
        return width + len(_columns(self, width)) * self.new

    def _selection(self, width: int) -> tuple[int, ...]:
        """The settings of "select": each embedded column once per frequency."""
        columns = _columns(self, width)
        return (width, self.frequencies, len(columns), *columns)

    def forward(self, builder: LayerBuilder, x: str) -> str:
        """The angles 2π·x, their waves cos(w1·2π·x + b1), W2 times the waves, and x followed by the results."""
        names = ("x", "angle", "phase", "wave", "new", "frequencies", "phases", "weights", "biases")
        copy, angle, phase, wave, new, w1, b1, w2, b2 = map(builder.quantity, names)
        columns = _columns(self, builder.width)
        waves, full = len(columns) * self.frequencies, self.output_width(builder.width)
        builder.row("select", (x,), {copy: waves}, settings=self._selection(builder.width))
        builder.formula(angle, lambda x: x * (2 * pi), copy, shape=waves, text=f"2π·{x} ({_text(columns)})")
        text = f"frequencies ⊙ {angle} + phases"
        builder.formula(phase, lambda x, w, b: x * w + b, angle, w1, b1, shape=waves, text=text)
        builder.formula(wave, cos, phase, shape=waves, text=f"cos({phase})")
        text, settings = f"{new} = weights·{wave} + biases", (self.new, self.frequencies)
        builder.row("grouped_affine", (wave, w2, b2), {new: len(columns) * self.new}, text, settings)
        sizes = (builder.width, full - builder.width)
        builder.row("concatenate", (x, new), {builder.name: full}, f"{builder.name} = [{x}, {new}]", sizes)
        return builder.name

    def backward(self, builder: LayerBuilder, error: str, x: str) -> str:
        """∂C/∂b2, ∂C/∂W2, then through the cosine: ∂C/∂b1, ∂C/∂w1 and ∂c/∂x."""
        names = ("angle", "phase", "wave", "new", "frequencies", "weights", "x")
        angle, phase, wave, new, w1, w2, copy = map(builder.quantity, names)
        width, columns = builder.width, _columns(self, builder.width)
        waves, count, settings = len(columns) * self.frequencies, len(columns) * self.new, (self.new, self.frequencies)
        direct, d_new = builder.error(builder.quantity("direct")), builder.error(new)
        builder.row("split", (error,), {direct: width, d_new: count}, settings=(width, count))
        builder.mean("biases", d_new)
        text = f"mean(∂c/∂{new} · {wave}ᵀ)"
        builder.gradient("grouped_bp4", "weights", (d_new, wave), text, settings)
        d_wave, d_phase = builder.error(wave), builder.error(phase)
        builder.row("grouped_propagate", (d_new, w2), {d_wave: waves}, f"∂c/∂{wave} = weightsᵀ·∂c/∂{new}", settings)
        text = f"−∂c/∂{wave} ⊙ sin({phase})"
        builder.formula(d_phase, lambda d, phase: -d * sin(phase), d_wave, phase, shape=waves, text=text)
        builder.mean("phases", d_phase)
        builder.mean("frequencies", d_phase, angle)
        d_copy = builder.formula(builder.error(copy), lambda d, w: d * (w * (2 * pi)), d_phase, w1, shape=waves)
        through = builder.error(builder.quantity("through"))
        builder.row("add_selected", (d_copy,), {through: width}, settings=self._selection(width))
        text = f"∂c/∂{builder.name} of {x} itself, plus Σ 2π·frequencies ⊙ ∂c/∂{phase}"
        return builder.formula(builder.error(x), lambda d, through: d + through, direct, through, text=text)


@dataclass(frozen=True)
class PiecewiseLinear(Layer):
    """Numbers in bins: for each x of some columns and each bin, a number from −1 to 1 says how far x is past the bin.

    A bin computes 2·clip(slope·x + offset, 0, 1) − 1: for a bin from a to b the slope is 1/(b − a) and the offset −a/(b
    − a). At first the bins divide −2 to 2 evenly; `slopes_and_offsets` computes the values for other edges. Slopes and
    offsets are parameters; an lr factor of 0 keeps them constant. The output has the columns of x, then the `bins` new
    columns of the first column of `inputs` (numbers from 0; None: all), then those of the second, and so on.
    """

    inputs: tuple[int, ...] | None = None
    bins: int = 8
    name = "piecewise_linear"
    source = "Gorishniy, Rubachev & Babenko, On Embeddings for Numerical Features (2022), section 3.2, as −1 to 1"
    on_inputs = True
    limits: ClassVar[Limits] = {"bins": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_inputs(self)

    def parameters_of(self, width: int) -> dict[str, Parameter]:
        """The slope and the offset of every bin."""
        count = len(_columns(self, width))
        edges = [EVEN_LIMIT * (2 * number / self.bins - 1) for number in range(self.bins + 1)]
        values = slopes_and_offsets([edges] * count)
        return {key: Parameter((count * self.bins,), tuple(values[key])) for key in values}

    def output_width(self, width: int) -> int:
        """The columns of x and the bins."""
        return width + len(_columns(self, width)) * self.bins

    def _selection(self, width: int) -> tuple[int, ...]:
        """The settings of "select": each embedded column once per bin."""
        columns = _columns(self, width)
        return (width, self.bins, len(columns), *columns)

    def forward(self, builder: LayerBuilder, x: str) -> str:
        """x, followed by how far each x is past each bin."""
        copy, passed, new, slopes, offsets = map(builder.quantity, ("x", "passed", "new", "slopes", "offsets"))
        columns, width = _columns(self, builder.width), builder.width
        count = len(columns) * self.bins
        builder.row("select", (x,), {copy: count}, settings=self._selection(width))
        text = f"slopes ⊙ {x} + offsets ({_text(columns)})"
        builder.formula(passed, lambda x, w, b: x * w + b, copy, slopes, offsets, shape=count, text=text)
        builder.formula(new, lambda t: 2 * clip(t, 0, 1) - 1, passed, shape=count, text=f"2·clip({passed}, 0, 1) − 1")
        builder.row(
            "concatenate", (x, new), {builder.name: width + count}, f"{builder.name} = [{x}, {new}]", (width, count)
        )
        return builder.name

    def backward(self, builder: LayerBuilder, error: str, x: str) -> str:
        """∂C/∂offsets and ∂C/∂slopes from the samples within a bin, and ∂c/∂x."""
        copy, passed, new, slopes = map(builder.quantity, ("x", "passed", "new", "slopes"))
        width, count = builder.width, len(_columns(self, builder.width)) * self.bins
        direct, d_new = builder.error(builder.quantity("direct")), builder.error(new)
        builder.row("split", (error,), {direct: width, d_new: count}, settings=(width, count))
        d_passed, text = builder.error(passed), f"2·∂c/∂{new} where 0 < {passed} < 1"
        within = builder.formula(
            d_passed, lambda d, t: where((t > 0) * (t < 1), 2 * d, 0 * d), d_new, passed, shape=count, text=text
        )
        builder.mean("offsets", within)
        builder.mean("slopes", within, copy)
        d_copy = builder.formula(builder.error(copy), lambda d, w: d * w, within, slopes, shape=count)
        through = builder.error(builder.quantity("through"))
        builder.row("add_selected", (d_copy,), {through: width}, settings=self._selection(width))
        text = f"∂c/∂{builder.name} of {x} itself, plus Σ slopes ⊙ ∂c/∂{passed}"
        return builder.formula(builder.error(x), lambda d, through: d + through, direct, through, text=text)


def slopes_and_offsets(edges: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    """The parameters of a PiecewiseLinear layer: for each column its increasing edges, one more than bins."""
    pairs = [pair for column in edges for pair in pairwise(column)]
    return {"slopes": [1 / (b - a) for a, b in pairs], "offsets": [-a / (b - a) for a, b in pairs]}


@dataclass(frozen=True)
class Embedding(Layer):
    """Replace the code of a category by a learnt vector of `outputs` numbers, which are first standard normal.

    The columns `inputs` (numbers from 0; None: all) hold codes: 1 to `levels` for the known categories, 0 for a missing
    or unknown one. A number counts as the nearest code, or as 0 if it is outside the range of codes. `levels` is one
    number for all columns, or one per column. The vector of code 0 is 0 at first, and is learnt if training samples
    have that code. The outputs are the other columns, unchanged, then the vectors, column by column. ∂c/∂x of codes is
    0.
    """

    levels: int | tuple[int, ...] = 10
    inputs: tuple[int, ...] | None = None
    outputs: int = 8
    name = "embedding"
    source = "Guo & Berkhahn, Entity Embeddings of Categorical Variables (2016), section 3"
    on_inputs = True
    limits: ClassVar[Limits] = {"outputs": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_inputs(self)
        if isinstance(self.levels, (list, tuple)):
            check_sizes(self, "levels")
        else:
            check_number(self, "levels", 1)

    def levels_of(self, width: int) -> tuple[int, ...]:
        """The number of levels of each embedded column. Raises ParameterError if their numbers do not fit."""
        count = len(_columns(self, width))
        levels = (self.levels,) * count if isinstance(self.levels, int) else self.levels
        if len(levels) != count:
            fault = f"levels of Embedding has {len(levels)} numbers for {count} columns"
            raise ParameterError(f"{fault}; give one per column, or one number for all.")
        return levels

    def parameters_of(self, width: int) -> dict[str, Parameter]:
        """One vector per code: codes 0 to levels of the first column, then of the second, and so on."""
        levels = self.levels_of(width)
        missing = tuple(sum(levels[:index]) + index for index in range(len(levels)))
        return {"vectors": Parameter((sum(levels) + len(levels), self.outputs), Draw("normal", 1.0, missing))}

    def output_width(self, width: int) -> int:
        """The columns that are not embedded, and the vectors."""
        count = len(_columns(self, width))
        return width - count + count * self.outputs

    def _codes(self, width: int) -> tuple[int, ...]:
        """The settings of "look_up": each embedded column with its levels."""
        pairs = zip(_columns(self, width), self.levels_of(width), strict=True)
        return (width, self.outputs, len(self.levels_of(width)), *(number for pair in pairs for number in pair))

    def _others(self, width: int) -> tuple[int, ...]:
        """The columns that are not embedded."""
        embedded = set(_columns(self, width))
        return tuple(column for column in range(width) if column not in embedded)

    def forward(self, builder: LayerBuilder, x: str) -> str:
        """The columns that are not embedded, then the vectors of the codes."""
        width, vectors, codes = builder.width, builder.quantity("vectors"), builder.quantity("codes")
        others, columns, full = self._others(width), _columns(self, width), self.output_width(width)
        looked_up = codes if others else builder.name
        count = full - len(others)
        text = f"{looked_up} = vectors of {x} ({_text(columns)})"
        builder.row("look_up", (x, vectors), {looked_up: count}, text, self._codes(width))
        if others:
            rest = builder.quantity("rest")
            builder.row("select", (x,), {rest: len(others)}, settings=(width, 1, len(others), *others))
            text = f"{builder.name} = [other columns of {x}, {looked_up}]"
            builder.row("concatenate", (rest, looked_up), {builder.name: full}, text, (len(others), count))
        return builder.name

    def backward(self, builder: LayerBuilder, error: str, x: str) -> str:
        """The gradient of each vector is the error of the samples with its code; ∂c/∂x is that of the other columns."""
        width, others = builder.width, self._others(builder.width)
        count, d_codes, d_rest = self.output_width(width) - len(others), error, error
        if others:
            d_rest, d_codes = (builder.error(builder.quantity(key)) for key in ("rest", "codes"))
            builder.row("split", (error,), {d_rest: len(others), d_codes: count}, settings=(len(others), count))
        text = f"Σ ∂c/∂{builder.name} of the samples with its code, / m"
        builder.gradient("look_up_gradient", "vectors", (d_codes, x), text, self._codes(width))
        text = f"{'∂c/∂' + x} = ∂c/∂{builder.name} of the other columns, 0 for codes"
        builder.row("add_selected", (d_rest,), {builder.error(x): width}, text, (width, 1, len(others), *others))
        return builder.error(x)


InputLayer = PeriodicEmbedding | PiecewiseLinear | Embedding


def _check_inputs(layer: InputLayer) -> None:
    """Raise unless `inputs` is None or distinct whole numbers of at least 0."""
    if layer.inputs is None:
        return
    check_sizes(layer, "inputs", 0)
    if not layer.inputs or len(set(layer.inputs)) < len(layer.inputs):
        fault = "names a column twice" if layer.inputs else "names no column"
        advice = "give each column to embed once, or None for all"
        raise ParameterError(f"inputs of {type(layer).__name__} {fault}; {advice}.")


def _columns(layer: InputLayer, width: int) -> Sequence[int]:
    """The columns that a layer embeds. Raises ParameterError where x has no such column."""
    if layer.inputs is None:
        return range(width)  # no tuple: a forged file may ask for any width
    columns = layer.inputs
    if max(columns) >= width:
        fault = f"inputs of {type(layer).__name__} has column {max(columns)}"
        raise ParameterError(f"{fault}, but its input has {width} columns: 0 to {width - 1}.")
    return columns


def _text(columns: Sequence[int]) -> str:
    """Which columns, in words."""
    first, last = columns[0], columns[-1]
    if len(columns) == 1:
        return f"column {first}"
    if tuple(columns) == tuple(range(first, last + 1)):
        return f"columns {first} to {last}"
    return f"columns {', '.join(map(str, columns[:3]))}{', ...' if len(columns) > 3 else ''}"

"""Every quantity of one pass by its name: z, a and δ of each sample, dW and db as means, and what they came from.

The rows are those of the network's own program, run in the plain lowering by its own engine; what is shown is what the
executor's buffers held, to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import ParameterError
from glassnet.execution.executor import Executor
from glassnet.program.equations import EQUATIONS
from glassnet.program.parameters import Array
from glassnet.program.program import Program, symbol
from glassnet.see.quantities import quantity, ready

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork

MEANS = ("bp3", "mean_product", "bp4")  # the rows that turn errors of samples into a gradient
HEAD = ("quantity", "equation", "shape", "r.m.s.", "numbers, row by row")
FEW = 4  # numbers that a line of the table has room for


class Trace(Mapping[str, Array]):
    """The quantities of one pass, fresh arrays with samples as columns.

    `trace["delta2"]` is (fan_out, batch), `trace["dw2"]` the mean over the batch, `trace["w2"]` what it was computed
    with; δ2, dW2, W2 and x mean delta2, dw2, w2 and a0. Layers count from 1, indices from 0. Raises ParameterError (a
    ValueError) for a name that there is not. `print` it, or show it in a notebook.
    """

    def __init__(self, program: Program, values: Mapping[str, Array], m: int, about: str) -> None:
        self.program, self.m, self.about = program, m, about
        self._values = dict(values)

    @classmethod
    def of(cls, runner: Executor, about: str) -> Trace:
        """Copies of all that an executor's buffers hold."""
        names = (name for name, buffer in runner.program.buffers.items() if buffer.home != "source")
        return cls(runner.program, {name: runner.columns(name).copy() for name in names}, runner.m, about)

    def __getitem__(self, word: str) -> Array:
        return self._values[quantity(word, self._values)]

    def __contains__(self, word: object) -> bool:
        try:
            return quantity(word, self._values) in self._values
        except (ParameterError, TypeError):
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def cost(self) -> float:
        """C: the (weighted) mean of the samples' costs, the penalty included."""
        return float(self._values["C"].item())

    def per_sample(self, word: str) -> Array:
        """The gradient of each sample's own cost, (batch, fan_out, fan_in): BP4 and BP3 for a batch of one, δᵢ·aᵢᵀ.

        `word` is dw1, db1 or another gradient, whose mean over the samples this is (without the penalty, which no
        sample owns; with sample weights, each one's s is in its δ).
        """
        name = quantity(word, self._values)
        row = next((row for row in self.program.rows if name in row.writes and row.kind in MEANS), None)
        if row is None:
            gradients = [name for name, buffer in self.program.buffers.items() if buffer.home == "gradients"]
            raise ParameterError(f"{word!r} is no gradient of the parameters; per_sample has {', '.join(gradients)}.")
        columns = [self._values[read] for read in row.reads]
        with np.errstate(all="ignore"):
            return np.stack([EQUATIONS[row.kind](*(c[:, i : i + 1] for c in columns)) for i in range(self.m)])

    def to_json(self) -> str:
        """Every number with every digit: read back, each is the same float64, bit for bit. NaN and ∞ are text."""
        quantities = {name: {"shape": values.shape, "values": _plain(values)} for name, values in self._values.items()}
        about = {"about": self.about, "batch": self.m, "cost": _plain(self._values["C"])[0][0]}
        return json.dumps(about | {"quantities": quantities}, ensure_ascii=False, allow_nan=False)

    # The table --------------------------------------------------------------------------------------------------------

    def lines(self) -> list[tuple[str, str, str, str, str]]:
        """Quantity, equation, shape, root mean square and the first numbers, in the order of the program."""
        found = [("a0", "given"), ("y", "given")]
        for row in self.program.rows:
            if row.label == "forward" and row.kind == "affine":
                found += [(name, "parameter") for name in row.reads[1:]]
            found += [(name, row.label) for name in row.writes if name not in dict(found) and row.label != "update"]
        return [(symbol(name), label, *self._cells(name)) for name, label in found if name in self._values]

    def _cells(self, name: str) -> tuple[str, str, str]:
        values = self._values[name]
        with np.errstate(over="ignore", invalid="ignore"):
            rms = float(np.sqrt(np.mean(np.square(values.astype(np.float64)))))
        return self.program.shape(name).replace("m", str(self.m)), number(rms), first_numbers(values)

    def __str__(self) -> str:
        rows = [HEAD, *self.lines()]
        wide = [max(len(row[k]) for row in rows) for k in range(4)]
        body = ["  ".join([*(f"{cell:<{w}}" for cell, w in zip(row, wide, strict=False)), row[4]]) for row in rows]
        return "\n".join([self.about, *body])

    def __repr__(self) -> str:
        return f"Trace({len(self)} quantities of {samples(self.m)}; C = {number(self.cost)}; print it for the table)"

    def _repr_html_(self) -> str:
        rows = [f"<tr>{''.join(f'<th>{cell}</th>' for cell in HEAD)}</tr>"]
        rows += [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in self.lines()]
        table = f"<table style='white-space:nowrap'>{''.join(rows)}</table>"
        return f"<p>{escape(self.about)}</p><div style='overflow-x:auto'>{table}</div>"


def trace(
    network: NeuralNetwork, x: Any, y: Any, sample_weight: Any = None, dtype: Any = None, training: bool = False
) -> Trace:
    """Every z, a, δ, dW and db of one pass over x and y, by name; the network is left as it was.

    Parameters
    ----------
    x, y : (fan_in, batch) and (fan_out, batch), or class numbers (batch,)
    sample_weight : (batch,), 0 or more
    dtype : "float64" computes in it; None is the network's own
    training : the rows of a training step (dropout, statistics of the batch) in place of those of inference

    δ is the derivative of a sample's own cost and has no 1/m; dW and db are means over the batch, penalty included.
    """
    held = ready(network, (x, y, sample_weight), dtype, training=training)
    held.runner.run()
    mode = "training" if training else "inference"
    about = (
        f"{samples(held.runner.m)} (columns), rows of {mode}, {held.network.dtype}; z, a, δ: one column a sample; "
        "dW, db, C: mean over the samples; layers count from 1, indices from 0"
    )
    return Trace.of(held.runner, about)


def number(value: float) -> str:
    """A number in 4 significant digits; very small and very large ones with an exponent, never 0.0000."""
    if value == 0:
        return "0"  # −0 too
    text = f"{value:.4g}" if not 1e-3 <= abs(value) < 1e5 else f"{value:#.4g}".rstrip(".")
    return text.replace("-", "−")


def samples(m: int) -> str:
    """How many samples, in words."""
    return f"{m:,} sample{'' if m == 1 else 's'}"


def first_numbers(values: Array) -> str:
    """The first numbers of an array, and a sign where there are more."""
    shown = " ".join(number(float(value)) for value in values.flat[:FEW])
    return f"{shown} …" if values.size > FEW else shown


def _plain(values: Array) -> list[list[Any]]:
    """Nested lists of Python numbers, of which JSON writes all digits."""
    rows: list[list[float]] = values.astype(np.float64).tolist()
    return [[value if np.isfinite(value) else str(value) for value in row] for row in rows]

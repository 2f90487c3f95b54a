"""Every quantity of one pass by its name: z, a and δ of each sample, dW and db as means, and what they came from.

The equations are those of the model's own program, run in the plain lowering by its own engine; the numbers are those
of the executor's buffers, to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import numpy as np

from glassnet.errors import ParameterError
from glassnet.execution.executor import Executor
from glassnet.execution.model import Model
from glassnet.program.equations import EQUATIONS
from glassnet.program.parameters import Array
from glassnet.program.program import Program, symbol
from glassnet.see.quantities import prepare_pass, quantity_name

# Equations that turn errors of samples into a gradient.
GRADIENT_KINDS = ("bp3", "mean_product", "bp4", "grouped_bp4", "look_up_gradient")
HEADER = ("quantity", "equation", "shape", "r.m.s.", "numbers, row by row")
NUMBERS_PER_LINE = 4  # of the table


class Trace(Mapping[str, Array]):
    """The quantities of one pass through the network, as new arrays with samples as columns.

    `trace["delta2"]` is (fan_out, batch), `trace["dw2"]` is the mean over the batch, and `trace["w2"]` are the weights
    of the pass; the names δ2, dW2, W2 and x mean delta2, dw2, w2 and a0. Layers count from 1, indices from 0. Raises
    ParameterError (a ValueError) for an unknown name. `print` it, or show it in a notebook.
    """

    def __init__(self, program: Program, values: Mapping[str, Array], m: int, about: str) -> None:
        self.program, self.m, self.about = program, m, about
        self._values = dict(values)

    @classmethod
    def of(cls, executor: Executor, about: str) -> Trace:
        """Copies of all that an executor's buffers contain."""
        names = (name for name, buffer in executor.program.buffers.items() if buffer.home != "source")
        return cls(executor.program, {name: executor.columns(name).copy() for name in names}, executor.m, about)

    def __getitem__(self, quantity: str) -> Array:
        return self._values[quantity_name(quantity, self._values)]

    def __contains__(self, quantity: object) -> bool:
        try:
            return quantity_name(quantity, self._values) in self._values
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

    def per_sample(self, quantity: str) -> Array:
        """The gradient of each sample's own cost, (batch, fan_out, fan_in): BP4 and BP3 for a batch of one, δᵢ·aᵢᵀ.

        `quantity` is dw1, db1 or another gradient, which is the mean of the result over the samples (without the
        penalty, which belongs to no sample; with sample weights, δ contains the weight s of the sample).
        """
        name = quantity_name(quantity, self._values)
        row = next((row for row in self.program.rows if name in row.writes and row.kind in GRADIENT_KINDS), None)
        if row is None:
            known = ", ".join(name for name, buffer in self.program.buffers.items() if buffer.home == "gradients")
            raise ParameterError(f"{quantity!r} is not a gradient of the parameters; per_sample has {known}.")
        columns = [self._values[read] for read in row.reads]
        settings = {"settings": row.settings} if row.settings else {}
        with np.errstate(all="ignore"):
            samples = ([c[:, i : i + 1] for c in columns] for i in range(self.m))
            return np.stack([EQUATIONS[row.kind](*sample, **settings) for sample in samples])

    def to_json(self) -> str:
        """Every number with all digits: read again, it is the same float64, bit for bit. NaN and ∞ are text."""
        quantities = {name: {"shape": values.shape, "values": _plain(values)} for name, values in self._values.items()}
        about = {"about": self.about, "batch": self.m, "cost": _plain(self._values["C"])[0][0]}
        return json.dumps(about | {"quantities": quantities}, ensure_ascii=False, allow_nan=False)

    # The table --------------------------------------------------------------------------------------------------------

    def lines(self) -> list[tuple[str, str, str, str, str]]:
        """Quantity, equation, shape, root mean square and the first numbers, in the order of the program."""
        origins = {"a0": "given", "y": "given"}
        for row in self.program.rows:
            if row.label == "forward" and (row.kind == "affine" or row.role == "rounding"):
                buffers = self.program.buffers
                origins |= {name: "parameter" for name in row.reads if buffers[name].home == "parameters"}
            if row.label != "update":
                label = row.role if row.role == "rounding" else row.label
                origins |= {name: label for name in row.writes if name not in origins}
        return [(symbol(name), label, *self._cells(name)) for name, label in origins.items() if name in self._values]

    def _cells(self, name: str) -> tuple[str, str, str]:
        values = self._values[name]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            rms = float(np.sqrt(np.mean(np.square(values.astype(np.float64)))))
        return self.program.shape(name).replace("m", str(self.m)), number(rms), first_numbers(values)

    def __str__(self) -> str:
        rows = [HEADER, *self.lines()]
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        body = ["  ".join([*(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=False)), row[4]]) for row in rows]
        return "\n".join([self.about, *body])

    def __repr__(self) -> str:
        return f"Trace({len(self)} quantities of {samples(self.m)}; C = {number(self.cost)}; print it for the table)"

    def _repr_html_(self) -> str:
        rows = [f"<tr>{''.join(f'<th>{cell}</th>' for cell in HEADER)}</tr>"]
        rows += [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in self.lines()]
        table = f"<table style='white-space:nowrap'>{''.join(rows)}</table>"
        return f"<p>{escape(self.about)}</p><div style='overflow-x:auto'>{table}</div>"


def trace(model: Model, data: tuple[Any, Any, Any], dtype: Any, training: bool) -> Trace:
    """Every quantity of one pass over `data` (x, y, sample_weight); see Inspection.trace."""
    prepared = prepare_pass(model, data, dtype, training=training)
    prepared.executor.run()
    mode = f"computed as in {'a training step' if training else 'a prediction'}, {prepared.precision}"
    about = (
        f"{samples(prepared.executor.m)} (columns), {mode}; z, a, δ: one column per sample; dW, db, C: mean over the "
        "samples; layers count from 1, indices from 0"
    )
    return Trace.of(prepared.executor, about)


def number(value: float, digits: int = 4) -> str:
    """A number with 4 significant digits; very small and very large ones with an exponent, never 0.0000."""
    if value == 0:
        return "0"  # −0 too
    text = f"{value:.{digits}g}" if not 1e-3 <= abs(value) < 1e5 else f"{value:#.{digits}g}".rstrip(".")
    return text.replace("-", "−")


def samples(m: int) -> str:
    """The number of samples with its noun."""
    return f"{m:,} sample{'' if m == 1 else 's'}"


def first_numbers(values: Array) -> str:
    """The first numbers of an array, and an ellipsis where there are more."""
    text = " ".join(number(float(value)) for value in values.flat[:NUMBERS_PER_LINE])
    return f"{text} …" if values.size > NUMBERS_PER_LINE else text


def _plain(values: Array) -> list[list[Any]]:
    """Nested lists of Python floats, which JSON writes with all their digits."""
    rows: list[list[float]] = values.astype(np.float64).tolist()
    return [[value if np.isfinite(value) else str(value) for value in row] for row in rows]

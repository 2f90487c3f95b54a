"""A training step as a table of equations: what each of them reads and writes, and its text.

`builder.py` makes a program from an architecture. `execution/reference.py` runs it with NumPy and the engine runs it
compiled; `lowering.py` joins equations for speed. Printed, a program is the lesson.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from glassnet.program.bfloat16_pairs import PAIRINGS, Pairing
from glassnet.program.parameters import PADDING, Segment, padded
from glassnet.program.precision import rounded_name, unrounded_name
from glassnet.tables.formula import Formula

Size = int | str  # the string "m" is the number of samples of the batch

Role = Literal[
    "",
    "activation",  # a = σ(z) of a dense layer
    "cost gradient",  # ∂c/∂a at the output, the first half of BP1
    "shortcut",  # δ = a − y, for a pair of output activation and cost
    "gate",  # ∂c/∂a ⊙ σ'(z), the second half of BP1 and BP2
    "bias gradient",
    "penalty",  # its share in C
    "penalty gradient",  # its share in dW
    "update",  # the optimiser's recurrence
    "normalised",  # x̂ of a normalisation
    "running statistic",
    "rounding",  # of a product's operand to bfloat16
]

SPLITS = {  # how threads share an equation: by samples, by units (columns, or rows of W), or one thread computes it
    **dict.fromkeys(("gather", "one_hot", "sample_weights", "affine", "propagate"), "samples"),
    **dict.fromkeys(("dropout", "scheduled_dropout", "noise"), "samples"),
    **dict.fromkeys(("softmax", "softmax_error", "softmax_cost", "softmax_and_cost"), "samples"),
    **dict.fromkeys(("feature_mean", "feature_mean_product", "feature_moments"), "samples"),
    **dict.fromkeys(("select", "add_selected", "concatenate", "split", "look_up"), "samples"),
    **dict.fromkeys(("grouped_affine", "grouped_propagate"), "samples"),
    **dict.fromkeys(("bp4", "bp3", "mean_product", "moments", "grouped_bp4", "look_up_gradient"), "units"),
    "square_means": "columns",  # of W, whose rows are shared elsewhere
    **dict.fromkeys(("mean_cost", "clip_scale"), "once"),
}

LAYER_PARAMETERS = (
    "_gamma",
    "_beta",
    "_alpha",
    "_frequencies",
    "_phases",
    "_weights",
    "_biases",
    "_vectors",
    "_slopes",
    "_offsets",
)
MAX_WIDTH = 100  # of a printed line that two equations share
ROUNDING_NOTE = "bf16(v) is v rounded to the nearest bfloat16, once per step; products of these are added in float32"
OPERANDS = {"affine": 3, "propagate": 2}  # what these kinds read themselves; a formula joined to one reads the rest


class Buffer(NamedTuple):
    """A named quantity. `shape` is as the engine stores it: ("m", n), ("m",), (fan_in, fan_out), (n,) or (1,).

    `home` is where it lives: "work", "parameters", "gradients", "state0", "state1" ..., "statistics" or "source".
    Outside "work" and "source", `segment` is the part of that vector which it is. `layer` is the dense layer whose
    neurons it counts (0: the columns of x), or None.
    """

    shape: tuple[Size, ...]
    home: str = "work"
    float64: bool = False
    segment: str = ""
    layer: int | None = None


class Row(NamedTuple):
    """One equation of a step.

    `kind` says how it is computed, `role` what it is for, `layer` to which dense layer it belongs (0: to x itself).
    `formula` is set for the kinds "formula" and "sums"; its inputs are `reads`, then the step scalars `scalars`.
    The kinds in OPERANDS may have one too, applied to their result: it also reads what else is in `reads`, and its
    result is written. `detail` equations are left out of the printed lesson, because the next line repeats them.
    With a `span` above 1 the equation is applied to that many segments in turn: it reads and writes the first one's
    quantities, then the second one's, and so on.
    """

    kind: str
    label: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    text: str = ""
    formula: Formula | None = None
    scalars: tuple[str, ...] = ()
    settings: tuple[int, ...] = ()
    detail: bool = False
    span: int = 1
    role: Role = ""
    layer: int = 0

    @property
    def parts(self) -> tuple[Row, ...]:
        """The equation as one for each of its segments."""
        if self.span == 1:
            return (self,)
        reads, writes = len(self.reads) // self.span, len(self.writes) // self.span
        starts = ((number * reads, number * writes) for number in range(self.span))
        return tuple(
            self._replace(reads=self.reads[r : r + reads], writes=self.writes[w : w + writes], span=1)
            for r, w in starts
        )


class Extent(NamedTuple):
    """The loop of an equation: `units` (None: the samples of the batch) times `width`."""

    units: int | None
    width: int


class Program(NamedTuple):
    """The equations of one step in order, the quantities they name, and the numbers that a step takes from outside.

    `scalars` are the names of the step scalars (rates, decay factors), `groups` the distinct (rate factor, decay
    factor) pairs of the parameters' segments. `shared` maps a quantity to the one whose memory it reuses.
    """

    rows: tuple[Row, ...]
    buffers: Mapping[str, Buffer]
    segments: tuple[Segment, ...]
    statistics: tuple[Segment, ...]
    scalars: tuple[str, ...] = ()
    groups: tuple[tuple[float, float], ...] = ()
    optimizer: Any = None
    shared: Mapping[str, str] = {}

    @property
    def is_rounded(self) -> bool:
        """Whether products read operands that are rounded to bfloat16."""
        return any(row.role == "rounding" for row in self.rows)

    def extent(self, row: Row) -> Extent:
        """The loop of an equation, from the shape of its result; of its operands where it sums over the width."""
        if row.span > 1:
            sizes = (math.prod(map(int, self.buffers[part.writes[0]].shape)) for part in row.parts)
            return Extent(sum(map(padded, sizes)) // PADDING, PADDING)
        if row.kind in ("sums", "feature_mean", "feature_mean_product", "feature_moments", "softmax_cost"):
            shape = max((self.buffers[name].shape for name in row.reads), key=len)
        else:
            shape = self.buffers[row.writes[0]].shape
        units = None if shape[0] == "m" else int(shape[0])
        return Extent(units, int(shape[1]) if len(shape) == 2 else 1)

    def split(self, row: Row) -> tuple[str, int]:
        """How threads share an equation: the kind of split and, for units, their number."""
        units = self.extent(row).units
        if row.kind in ("formula", "sums", "bfloat16"):
            return ("samples", 0) if units is None else ("units", units)
        kind = SPLITS[row.kind]
        return kind, units or 0 if kind == "units" else 0

    def mode(self, row: Row, name: str) -> str:
        """How a formula traverses an operand: "full", "column", "unit" or "scalar"."""
        if row.span > 1:
            return "full"
        extent, shape = self.extent(row), self.buffers[name].shape
        if len(shape) == 2 or extent == (1, 1) or (extent.width == 1 and shape != (1,)):
            return "full"
        if shape == ("m",):
            return "unit"
        return "scalar" if shape == (1,) else "column"

    def pairings(self, name: str) -> tuple[Pairing, ...]:
        """How products read the numbers of a quantity in pairs; empty where it is not rounded to bfloat16."""
        if unrounded_name(name) == name:
            return ()
        operands = (zip(row.reads, PAIRINGS[row.kind], strict=False) for row in self.rows if row.kind in PAIRINGS)
        return tuple(dict.fromkeys(pairing for pairs in operands for read, pairing in pairs if read == name))

    def head(self, *labels: str) -> int:
        """How many equations at the head of the program carry one of these labels."""
        return next((number for number, row in enumerate(self.rows) if row.label not in labels), len(self.rows))

    def memory(self, name: str) -> str:
        """The quantity whose memory `name` uses; itself, unless it is shared."""
        while name in self.shared:
            name = self.shared[name]
        return name

    def writer(self, name: str) -> int:
        """Index of the last equation that writes `name`."""
        return max(number for number, row in enumerate(self.rows) if name in row.writes)

    def barriers(self) -> tuple[bool, ...]:
        """For each equation, whether threads must wait for each other before it.

        They must where it touches what another split wrote since the last wait, or writes what another split read. The
        equations of the previous step count, because steps follow one another. A formula over units reads the whole of
        a column or scalar, so it also waits for one that its own split wrote.
        """
        readers: dict[str, set[tuple[str, int]]] = {}  # the splits that have read a quantity since the last wait
        writers: dict[str, set[tuple[str, int]]] = {}
        flags: list[bool] = []
        for row in self.rows * 2:
            split, nothing = self.split(row), set[tuple[str, int]]()
            reads, writes = set(map(self.memory, row.reads)), set(map(self.memory, row.writes))
            waits = any(name in writers for name in self._read_whole(row))
            waits = waits or any(writers.get(name, nothing) - {split} for name in reads | writes)
            waits = waits or any(readers.get(name, nothing) - {split} for name in writes)
            flags.append(waits)
            if waits:
                readers, writers = {}, {}
            for name in reads:
                readers.setdefault(name, set()).add(split)
            for name in writes:
                writers.setdefault(name, set()).add(split)
        return tuple(flags[len(self.rows) :])

    def _read_whole(self, row: Row) -> set[str]:
        """The quantities that every thread reads as a whole, whatever its share of the equation."""
        if row.formula is None or self.split(row)[0] != "units":
            return set()
        return {self.memory(name) for name in row.reads if self.mode(row, name) in ("column", "scalar")}

    def shape(self, name: str) -> str:
        """The shape of a quantity as the article writes it: samples are columns."""
        shape = self.buffers[name].shape
        transposed = tuple(reversed(shape)) if len(shape) == 2 else (*shape, 1) if self.is_column(name) else shape
        return f"({', '.join(map(str, transposed))}{',' if len(transposed) == 1 else ''})"

    def is_column(self, name: str) -> bool:
        """Whether the quantity is a column of features: a bias, a mean over samples."""
        shape = self.buffers[name].shape
        return len(shape) == 1 and shape[0] != "m"

    def __str__(self) -> str:
        lines = _lines([row for row in self.rows if row.text and not row.detail], self)
        return "\n".join([*lines, ROUNDING_NOTE] if self.is_rounded else lines)

    def __repr__(self) -> str:
        return str(self)


def error_name(quantity: str) -> str:
    """The name of ∂c/∂quantity: the error δ of a z, else the quantity's own name behind a d."""
    return f"delta{quantity[1:]}" if quantity[0] == "z" and quantity[1:].isdigit() else f"d{quantity}"


def symbol(name: str) -> str:
    """A quantity's name on the screen: delta2 → δ2, w2 → W2, dw2 → dW2, bf16(w2) → bf16(W2)."""
    if (unrounded := unrounded_name(name)) != name:
        return rounded_name(symbol(unrounded))
    if name.startswith("delta"):
        return "δ" + name[5:]
    for prefix in ("dw", "w"):
        if name.startswith(prefix) and name[len(prefix) :].isdigit():
            return prefix[:-1] + "W" + name[len(prefix) :]
    if name[0] != "d" or name.startswith("dropout") or (name[:2] == "db" and name[2:].isdigit()):
        return name
    return f"∂{'C' if name.endswith(LAYER_PARAMETERS) else 'c'}/∂{name[1:]}"


def _lines(rows: Sequence[Row], program: Program) -> list[str]:
    """One line per equation; the two parts of the cost, and BP4 with its BP3, share a line."""
    lines: list[str] = []
    last = ""
    for number, row in enumerate(rows):
        before = rows[number - 1] if number else None
        if before is not None and (before.label, row.label) in (("BP4", "BP3"), ("cost", "cost")):
            tag = f"{row.label}  " if row.label != "cost" else ""
            joined = f"{lines[-1]:<{35 if tag else 38}}  {tag}{row.text}"
            lines[-1:] = [joined] if len(joined) <= MAX_WIDTH else [lines[-1], f"{tag:<9} {row.text}"]
        else:
            label = "" if row.label == last and row.label not in ("BP2", "BP4") else row.label
            lines.append(f"{label:<9} {row.text}")
        if row.kind == "affine":
            x, w = map(unrounded_name, row.reads[:2])
            names = (w, x) if w == "w1" else ()  # the first line says how to read them
            shapes = "".join(f"  {symbol(name)} {program.shape(name)}" for name in names)
            lines[-1] = f"{lines[-1]:<35}  {program.shape(row.writes[0])}{shapes}"
        last = row.label
    return lines

"""Rows of every kind of kernel, of any size, for tests that run them on memory of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from glassnet.engine import address
from glassnet.program.bfloat16_pairs import PAIRINGS, packed, pair_count
from glassnet.tables.formula import trace

WIDEST = 24  # columns of rows whose operands are many times as wide
SAMPLES = 90  # of the sources that batches are fetched from
Array = np.ndarray[Any, Any]


class OperandAddress(int):
    """Stands in a row for the address of the operand of that number."""


class Case(NamedTuple):
    """A row: its kernel, samples, units and width, operands (those that it writes hold NaN), and settings.

    The last `indirect` operands have no slot of their own: the context or the settings lead to them.
    """

    kernel: int
    m: int
    units: int
    width: int
    operands: list[Array]
    settings: tuple[int, ...] = ()
    scalars: Array | None = None
    indirect: int = 0


Rows = Iterator[Case]


def numbers(shape: Any, dtype: str = "float64") -> Array:
    return np.random.default_rng(np.atleast_1d(shape)).uniform(0.1, 2, shape).astype(dtype)


def blank(shape: Any, dtype: str = "float64") -> Array:
    return np.full(shape, np.nan, dtype)


def formula(dtype: str, m: int, n: int) -> Rows:
    mixed = trace(lambda a, b, c, d, s: (a * b + np.exp(-c) * d, s - a), 5)
    kernel = address("formula", dtype, mixed, ("full", "column", "unit", "scalar", "full", "full"), 1)
    operands = [numbers((m, n), dtype), *(numbers(size, dtype) for size in (n, m, 1))]
    results, scalars = [blank((m, n), dtype), blank((m, n), dtype)], numbers(3, dtype)
    yield Case(kernel, m, 0, n, [*operands, *results], (2,), scalars)
    alike = trace(lambda a, b: np.tanh(a) / b, 2)
    yield Case(address("formula", dtype, alike, ("full",) * 3), m, 0, n, [operands[0], operands[0] + 1, results[0]])
    yield Case(address("formula", dtype, alike, ("unit",) * 3), m, 0, 1, [operands[2], operands[2], blank(m, dtype)])


def sums(dtype: str, m: int, n: int) -> Rows:
    kernel = address("sums", dtype, trace(lambda a, y: (a - y) * (a - y), 2), ("full", "full", "unit"))
    yield Case(kernel, m, 0, n, [numbers((m, n), dtype), numbers((m, n), dtype) + 1, blank(m)])


def order(m: int) -> Array:
    return np.random.default_rng(m).permutation(SAMPLES)[:m]


def gather(dtype: str, m: int, n: int) -> Rows:
    for code, source in enumerate(("float32", "float64", "uint8", "int64")):
        table = (numbers((SAMPLES, n)) * 50).astype(source)
        settings = (table.strides[0], code)
        yield Case(address("gather", dtype), m, 0, n, [table, blank((m, n), dtype), order(m)], settings, None, 1)


def one_hot(dtype: str, m: int, n: int) -> Rows:
    labels = np.arange(SAMPLES) % (n + 2) - 1
    yield Case(address("one_hot", dtype), m, 0, n, [labels, blank((m, n), dtype), order(m)], indirect=1)


def sample_weights(dtype: str, m: int, n: int) -> Rows:
    operands = [numbers(SAMPLES), blank(m, dtype)]
    yield Case(address("sample_weights", dtype), m, 0, 1, [*operands, order(m)], (n - 1,), numbers(n, dtype), 1)


def affine(dtype: str, m: int, n: int) -> Rows:
    follow = address("formula", dtype, trace(lambda z, s: np.maximum(z, 0) * s, 2), ("full",) * 3)
    for k in (1, 5, 33):
        operands = [numbers(shape, dtype) for shape in ((m, k), (k, n), n)]
        yield Case(address("affine", dtype), m, 0, n, [*operands, blank((m, n), dtype)], (k, 0, 0))
        operands += [blank((m, n), dtype), numbers((m, n), dtype)]
        yield Case(
            address("affine", dtype),
            m,
            0,
            n,
            operands,
            (k, follow, 3, OperandAddress(3), OperandAddress(4), OperandAddress(3)),
            None,
            1,
        )


def propagate(dtype: str, m: int, n: int) -> Rows:
    for k in (1, 5, 33):
        operands = [numbers((m, k), dtype), numbers((n, k), dtype), blank((m, n), dtype)]
        yield Case(address("propagate", dtype), m, 0, n, operands, (k, 0, 0))


def bp4(dtype: str, m: int, n: int) -> Rows:
    for units in (1, 5, 33):
        operands = [numbers((m, n), dtype), numbers((m, units), dtype), blank((units, n), dtype)]
        yield Case(address("bp4", dtype), m, units, n, operands)


def sparse(rows: Callable[[str, int, int], Rows], kind: str, x: int) -> Callable[[str, int, int], Rows]:
    """The rows of a product whose operand `x` is half zeros, with the kernel that skips them."""

    def sparse_rows(dtype: str, m: int, n: int) -> Rows:
        for case in rows(dtype, m, n):
            operands = list(case.operands)
            operands[x] = operands[x] * (operands[x] > 1)
            yield case._replace(kernel=address(f"sparse_{kind}", dtype), operands=operands)

    return sparse_rows


def mixed(rows: Callable[[str, int, int], Rows], kind: str) -> Callable[[str, int, int], Rows]:
    """The rows of a product of mixed precision, whatever the dtype: its operands are words of two bfloat16 numbers."""

    def mixed_rows(dtype: str, m: int, n: int) -> Rows:
        for case in rows("float32", m, n):
            kernel, settings = address(f"mixed_{kind}", "float32"), case.settings
            words = [packed(operand, pairing) for operand, pairing in zip(case.operands, PAIRINGS[kind], strict=False)]
            terms = settings if kind == "bp4" else (pair_count(settings[0]), *settings[1:])
            yield case._replace(kernel=kernel, operands=[*words, *case.operands[2:]], settings=terms)

    return mixed_rows


def bfloat16(dtype: str, m: int, n: int) -> Rows:
    kernel, x, shapes = (
        address("bfloat16", "float32"),
        numbers((m, n), "float32"),
        ((m, pair_count(n)), (pair_count(m), n)),
    )
    operands = [x, *(np.zeros(shape, np.float32) for shape in shapes)]
    for by_columns, by_rows in ((OperandAddress(1), OperandAddress(2)), (OperandAddress(1), 0), (0, OperandAddress(2))):
        for units in (0, m):  # samples, or rows of W
            yield Case(kernel, m, units, n, operands, (by_columns, by_rows), None, 2)


def by_unit(kind: str, reads: int, writes: int) -> Callable[[str, int, int], Rows]:
    """A row that reduces over the samples, for each unit."""

    def rows(dtype: str, m: int, n: int) -> Rows:
        operands = [numbers((m, n), dtype)] * reads + [blank(n, dtype)] * writes
        yield Case(address(kind, dtype), m, n, 1, operands)

    return rows


def by_sample(kind: str, reads: int, *results: str, settings: tuple[int, ...] = ()) -> Callable[[str, int, int], Rows]:
    """A row over the features of each sample, with results per feature or per sample, in the dtype or float64."""

    def rows(dtype: str, m: int, n: int) -> Rows:
        arrays = {"features": blank((m, n), dtype), "sample": blank(m, dtype), "float64": blank(m)}
        operands = [numbers((m, n), dtype)] * reads + [arrays[result] for result in results]
        yield Case(address(kind, dtype), m, 0, n, operands, settings)

    return rows


def by_group(kind: str, reads: int, *results: str) -> Callable[[str, int, int], Rows]:
    """A row of softmax: all features as one group, and in several groups."""

    def rows(dtype: str, m: int, n: int) -> Rows:
        for groups in ((n,), (n // 2, n - n // 2), (1,) * n) if n > 1 else ((n,),):
            yield from by_sample(kind, reads, *results, settings=(len(groups), *groups))(dtype, m, n)

    return rows


def select(dtype: str, m: int, n: int) -> Rows:
    n = min(n, WIDEST)
    numbers_of_columns = np.arange(n)
    in_runs = np.concatenate([numbers_of_columns[n // 2 :], numbers_of_columns[: n // 3]])
    for columns in (numbers_of_columns[::2].tolist(), in_runs.tolist()):
        for copies in (1, 3, 16):
            operands = [numbers((m, n), dtype), blank((m, len(columns) * copies), dtype)]
            settings = (n, copies, len(columns), *columns)
            yield Case(address("select", dtype), m, 0, len(columns) * copies, operands, settings)


def add_selected(dtype: str, m: int, n: int) -> Rows:
    n = min(n, WIDEST)
    columns = np.arange(n)[::2].tolist()
    for copies in (1, 3, 16):
        operands = [numbers((m, len(columns) * copies), dtype), blank((m, n), dtype)]
        yield Case(address("add_selected", dtype), m, 0, n, operands, (n, copies, len(columns), *columns))
    yield Case(address("add_selected", dtype), m, 0, n, [numbers((m, 2), dtype), blank((m, n), dtype)], (n, 1, 0))


def concatenate(dtype: str, m: int, n: int) -> Rows:
    operands = [numbers((m, n), dtype), numbers((m, 3), dtype), blank((m, n + 3), dtype)]
    yield Case(address("concatenate", dtype), m, 0, n + 3, operands, (n, 3))


def split(dtype: str, m: int, n: int) -> Rows:
    operands = [numbers((m, n + 3), dtype), blank((m, n), dtype), blank((m, 3), dtype)]
    yield Case(address("split", dtype), m, 0, n, operands, (n, 3))


GROUPS = ((1, 1), (3, 16), (2, 5), (1, 33))  # outputs and terms of each group


def grouped_affine(dtype: str, m: int, n: int) -> Rows:
    n = min(n, WIDEST)
    for outputs, terms in GROUPS:
        units = n * outputs
        operands = [numbers((m, n * terms), dtype), numbers((units, terms), dtype), numbers(units, dtype)]
        result = blank((m, units), dtype)
        yield Case(address("grouped_affine", dtype), m, 0, units, [*operands, result], (outputs, terms))


def grouped_propagate(dtype: str, m: int, n: int) -> Rows:
    n = min(n, WIDEST)
    for outputs, terms in GROUPS:
        operands = [numbers((m, n * outputs), dtype), numbers((n * outputs, terms), dtype)]
        result = blank((m, n * terms), dtype)
        yield Case(address("grouped_propagate", dtype), m, 0, n * terms, [*operands, result], (outputs, terms))


def grouped_bp4(dtype: str, m: int, n: int) -> Rows:
    n = min(n, WIDEST)
    for outputs, terms in GROUPS:
        operands = [numbers((m, n * outputs), dtype), numbers((m, n * terms), dtype)]
        result = blank((n * outputs, terms), dtype)
        yield Case(address("grouped_bp4", dtype), m, n * outputs, terms, [*operands, result], (outputs, terms))


def coded(m: int, n: int, dtype: str) -> tuple[Array, tuple[int, ...], int]:
    """x with codes in every second column, the numbers and levels of these columns, and the number of vectors."""
    x = np.random.default_rng([m, n]).integers(-1, 7, (m, n)).astype(dtype)
    x[::3, ::2] = np.nan
    pairs = [(column, 1 + column % 5) for column in range(0, n, 2)]
    return x, tuple(number for pair in pairs for number in pair), sum(levels + 1 for _, levels in pairs)


def look_up(dtype: str, m: int, n: int) -> Rows:
    n = min(n, WIDEST)
    x, pairs, vectors = coded(m, n, dtype)
    for outputs in (1, 8, 17):
        width, count = len(pairs) // 2 * outputs, len(pairs) // 2
        operands = [x, numbers((vectors, outputs), dtype), blank((m, width), dtype)]
        yield Case(address("look_up", dtype), m, 0, width, operands, (n, outputs, count, *pairs))


def look_up_gradient(dtype: str, m: int, n: int) -> Rows:
    n = min(n, WIDEST)
    x, pairs, vectors = coded(m, n, dtype)
    for outputs in (1, 8, 17):
        width, count = len(pairs) // 2 * outputs, len(pairs) // 2
        operands = [numbers((m, width), dtype), x, blank((vectors, outputs), dtype)]
        yield Case(address("look_up_gradient", dtype), m, vectors, outputs, operands, (n, outputs, count, *pairs))


def scheduled_dropout(dtype: str, m: int, n: int) -> Rows:
    rate = int(np.float64(0.3).view(np.int64))
    operands = [numbers((m, n), dtype), blank((m, n), dtype)]
    yield Case(address("scheduled_dropout", dtype), m, 0, n, operands, (rate, 5, 6, n - 1), numbers(n, dtype))


def square_means(dtype: str, m: int, n: int) -> Rows:
    for fan_in in (1, 5, 33):
        operands = [numbers((fan_in, n), dtype), blank(n, dtype)]
        yield Case(address("square_means", dtype), m, n, 1, operands, (fan_in,))


def mean_cost(dtype: str, m: int, n: int) -> Rows:
    penalties = [numbers(n), numbers(2)]
    yield Case(address("mean_cost", dtype), m, 0, 4, [numbers(m), *penalties, blank(1)], (0, 2, n, 2))
    weighted = [numbers(m), numbers(m, dtype), *penalties, blank(1)]
    yield Case(address("mean_cost", dtype), m, 0, 5, weighted, (1, 2, n, 2))


def clip_scale(dtype: str, m: int, n: int) -> Rows:
    operands = [numbers(m), numbers(n), blank(1, dtype)]
    yield Case(address("clip_scale", dtype), 1, 1, 3, operands, (2, m, n, n - 1), numbers(n, dtype))


ROWS: dict[str, Callable[[str, int, int], Rows]] = {
    "formula": formula,
    "sums": sums,
    "gather": gather,
    "one_hot": one_hot,
    "sample_weights": sample_weights,
    "affine": affine,
    "propagate": propagate,
    "bp4": bp4,
    "sparse_affine": sparse(affine, "affine", 0),
    "mixed_affine": mixed(affine, "affine"),
    "mixed_propagate": mixed(propagate, "propagate"),
    "mixed_bp4": mixed(bp4, "bp4"),
    "bfloat16": bfloat16,
    "sparse_bp4": sparse(bp4, "bp4", 1),
    "bp3": by_unit("bp3", 1, 1),
    "mean_product": by_unit("mean_product", 2, 1),
    "moments": by_unit("moments", 1, 2),
    "feature_mean": by_sample("feature_mean", 1, "sample"),
    "feature_mean_product": by_sample("feature_mean_product", 2, "sample"),
    "feature_moments": by_sample("feature_moments", 1, "sample", "sample"),
    "softmax": by_group("softmax", 1, "features"),
    "softmax_error": by_group("softmax_error", 2, "features"),
    "softmax_cost": by_group("softmax_cost", 2, "float64"),
    "softmax_and_cost": by_group("softmax_and_cost", 2, "features", "float64"),
    "dropout": by_sample("dropout", 1, "features", settings=(2**31, 5, 6, int(np.float64(2).view(np.int64)))),
    "select": select,
    "add_selected": add_selected,
    "concatenate": concatenate,
    "split": split,
    "grouped_affine": grouped_affine,
    "grouped_propagate": grouped_propagate,
    "grouped_bp4": grouped_bp4,
    "look_up": look_up,
    "look_up_gradient": look_up_gradient,
    "noise": by_sample("noise", 1, "features", settings=(int(np.float64(0.3).view(np.int64)), 5, 6)),
    "scheduled_dropout": scheduled_dropout,
    "square_means": square_means,
    "mean_cost": mean_cost,
    "clip_scale": clip_scale,
}

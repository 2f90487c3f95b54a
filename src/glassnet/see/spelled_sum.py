"""The sum behind one number of a stage, product by product: the shares that make up a z, an arriving error, a gradient.

The shares are products of the numbers that the equation read; the sum is the number that it wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from glassnet.errors import ParameterError
from glassnet.see.stage import LabelledArray, Stage, factor_text
from glassnet.see.trace import number
from glassnet.see.walk import WalkStage

MAX_TERMS, MAX_IN_TEXT = 100, 6


class Share(NamedTuple):
    """One product: what its factors are called, and their values. `right` is empty where there is one factor only."""

    left: str
    left_value: float
    right: str
    right_value: float

    @property
    def product(self) -> float:
        """The share of the sum."""
        return self.left_value * self.right_value


class SpelledSum(NamedTuple):
    """The shares of one number, the largest first; `rest` is the sum of `more` shares that are not listed.

    `total` is the number itself, of which the shares add up to `divisor` times.
    """

    name: str
    shares: tuple[Share, ...]
    rest: float
    more: int
    total: float
    divisor: int = 1

    @property
    def text(self) -> str:
        """The sum in one line, its largest shares in full."""
        parts = [_share_text(share) for share in self.shares[:MAX_IN_TEXT]]
        hidden = len(self.shares) - len(parts) + self.more
        parts += [f"… ({hidden} smaller)"] if hidden else []
        total = " + ".join(parts)
        if self.divisor > 1:
            total = f"({total}) / {self.divisor}"
        return f"{self.name} = {total} = {number(self.total)}"


def spelled_sum(walk_stage: WalkStage, row: int, column: int, sample: int | None = None) -> SpelledSum:
    """The sum behind a number of a stage's result; with `sample`, that sample's share of a mean.

    Raises ParameterError where the stage has no sum, or no such number.
    """
    stage = walk_stage.stage
    result = [term for term in stage.terms if isinstance(term, LabelledArray)][-1]
    rows, columns = result.values.shape
    if not (0 <= row < rows and 0 <= column < columns):
        raise ParameterError(f"{result.symbol} is ({rows}, {columns}); it has no number at [{row}, {column}].")
    shares, m = list(_shares(walk_stage, row, column)), 1
    total = float(result.values[row, column])
    if walk_stage.mean:
        m = len(shares)
        if sample is not None:
            if not 0 <= sample < m:
                raise ParameterError(f"the batch has {m} samples; there is no sample {sample} in it.")
            shares = [shares[sample]]
            total, m = shares[0].product, 1
    shares.sort(key=lambda share: -abs(share.product))
    rest = shares[MAX_TERMS:]
    name = f"{result.symbol}[{row}, {column}]{f' of sample {sample}' if walk_stage.mean and sample is not None else ''}"
    return SpelledSum(name, tuple(shares[:MAX_TERMS]), sum(share.product for share in rest), len(rest), total, m)


def _shares(walk_stage: WalkStage, row: int, column: int) -> Iterator[Share]:
    """The products that add up to a number."""
    stage = walk_stage.stage
    arrays = [term for term in stage.terms if isinstance(term, LabelledArray)]
    signs = [term for term in stage.terms if isinstance(term, str)]
    if walk_stage.product:
        left, right = arrays[:2]
        for k in range(left.values.shape[1]):
            yield Share(*_entry(left, row, k), *_entry(right, k, column))
        if "+" in signs:
            yield Share(*_entry(arrays[2], row, 0), "", 1.0)
    elif walk_stage.mean:
        for k in range(arrays[0].values.shape[1]):
            yield Share(*_entry(arrays[0], row, k), "", 1.0)
    elif signs[0] == "⊙":
        yield Share(*_entry(arrays[0], row, column), *_entry(arrays[1], row, column))
    elif signs[0] == "−":
        yield Share(*_entry(arrays[0], row, column), "", 1.0)
        yield Share(*_entry(arrays[1], row, column), "−1", -1.0)
    else:
        raise ParameterError(f"stage {_title(stage)} has no sum that could be spelled out.")


def _entry(array: LabelledArray, row: int, column: int) -> tuple[str, float]:
    """A number with its name, that of the quantity itself where the array is its transpose."""
    value = float(array.values[row, column])
    if array.is_transposed:
        row, column = column, row
    return f"{array.symbol.removesuffix('ᵀ')}[{row}, {column}]", value


def _share_text(share: Share) -> str:
    if not share.right:
        return factor_text(share.left_value)
    return f"{factor_text(share.left_value)}·{factor_text(share.right_value)}"


def _title(stage: Stage) -> str:
    return f"{stage.label} ({stage.title})"

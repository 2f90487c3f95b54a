"""The report on a fitted model: how good it is on rows that its networks left out, and what is odd about the table.

It is plain data with a printed form and one for notebooks; `report_findings` looks at the table, `report_scores`
measures. A model file stores it with the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from glassnet.data.stored_values import typed
from glassnet.errors import printable
from glassnet.result_html import paragraph_html, table_html
from glassnet.tabular.plain_data import real

DIGITS = 4
WIDTH = 110


@dataclass(frozen=True)
class Report:
    """What was measured on which rows, and what was found in the table.

    Parameters
    ----------
    title : what was fitted to how much
    scores : for the model, the linear model and a constant, the value of each metric on the rows left out
    spread : for each metric the least and the greatest value of the networks, each on its own rows
    findings : pairs of a label and a sentence, in the order in which they are printed
    """

    title: str
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    spread: dict[str, tuple[float, float]] = field(default_factory=dict)
    findings: tuple[tuple[str, str], ...] = ()

    @property
    def metrics(self) -> list[str]:
        """The names of the metrics."""
        return list(next(iter(self.scores.values()), {}))

    def __str__(self) -> str:
        rows = [["", *self.metrics], *self._cells()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = ["   ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
        return printable("\n".join([self.title, "", *table, "", *(_wrapped(*finding) for finding in self.findings)]))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        findings = "".join(paragraph_html(f"{label}: {sentence}") for label, sentence in self.findings)
        return table_html(self.title, ["", *self.metrics], self._cells()) + findings

    def _cells(self) -> list[list[str]]:
        """The scores as text, a row for each model."""
        cells = [[name, *(number_text(row[metric]) for metric in self.metrics)] for name, row in self.scores.items()]
        if self.spread:
            cells.insert(1, ["each network", *(range_text(*self.spread[metric]) for metric in self.metrics)])
        return cells

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data."""
        spread = {metric: list(ends) for metric, ends in self.spread.items()}
        findings = [list(finding) for finding in self.findings]
        return {"title": self.title, "scores": self.scores, "spread": spread, "findings": findings}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
        scores = {typed(name, str): _numbers(row) for name, row in document["scores"].items()}
        spread = {typed(metric, str): (real(low), real(high)) for metric, (low, high) in document["spread"].items()}
        findings = tuple((typed(label, str), typed(sentence, str)) for label, sentence in document["findings"])
        report = cls(typed(document["title"], str), scores, spread, findings)
        if any(list(row) != report.metrics for row in scores.values()) or list(spread) not in ([], report.metrics):
            raise ValueError("report")
        return report


def number_text(value: float) -> str:
    """A score with four digits, without an exponent where it is not needed."""
    rounded = float(f"{value:.{DIGITS}g}")
    return f"{rounded:,.0f}" if 1e3 <= abs(rounded) < 1e9 else f"{rounded:.{DIGITS}g}"


def range_text(low: float, high: float) -> str:
    """`0.91 to 0.94`."""
    return f"{number_text(low)} to {number_text(high)}"


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    return {typed(metric, str): real(value) for metric, value in row.items()}


def _wrapped(label: str, sentence: str) -> str:
    """A finding in lines of limited width, the label in a column of its own."""
    import textwrap

    return textwrap.fill(sentence, WIDTH, initial_indent=f"{label:<14}", subsequent_indent=" " * 14)

"""The plan for a column, which the person reads as a note, and the phrases of such notes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.data.date_spelling import DateSpelling
from glassnet.data.evidence import TextEvidence
from glassnet.data.number_spelling import units
from glassnet.data.readings import Reading
from glassnet.data.summary import ColumnSummary

MIN_DOUBT = 0.9  # the share of cells that a doubt is about


@dataclass(frozen=True)
class ColumnPlan:
    """How a column is read, or why it is left out; `how` says how it was told, `odd` are texts that do not fit."""

    name: str
    reading: Reading | None
    how: str = ""
    left_out: str = ""
    overrule: str = ""
    odd: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """One sentence, or nothing where there is nothing to say."""
        text = self.left_out or self.how
        return f"{self.name}: {text}{f'; {self.overrule} overrules' if self.overrule else ''}" if text else ""


def trimmed_phrase(column: ColumnSummary) -> str:
    """That blanks around cells do not count; empty without any."""
    cells = "1 cell" if column.trimmed == 1 else f"{column.trimmed:,} cells"
    return f"blanks around {cells} are ignored" if column.trimmed else ""


def doubt_phrase(evidence: TextEvidence) -> str:
    """What kept a column of text from being numbers or dates, if it nearly was; otherwise empty."""
    known, counts = evidence.known()
    if not len(known):
        return ""
    followed, words = units(known)
    if len(words) > 1 and counts[followed].sum() >= MIN_DOUBT * counts.sum():
        return f"numbers with different words behind them ({', '.join(words[:3])})"
    orders = [DateSpelling(order).parse(known)[1] for order in ("dmy", "mdy")]
    if counts[orders[0] | orders[1]].sum() >= MIN_DOUBT * counts.sum():
        examples = [known[int(np.argmax(fits & ~other))].as_py() for fits, other in (orders, orders[::-1])]
        return f"dates in two orders ({' and '.join(examples)})"
    return ""


def has_digit(text: str) -> bool:
    """Whether a text has a digit."""
    return any(character.isdigit() for character in text)

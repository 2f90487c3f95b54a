"""The plan for a column, which the person reads as a note, and the phrases of such notes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.date_spelling import DateSpelling
from glassnet.data.evidence import TextEvidence
from glassnet.data.number_spelling import PLAIN, units
from glassnet.data.reading import Array
from glassnet.data.readings import Reading
from glassnet.data.summary import ColumnSummary

MIN_DOUBT = 0.9  # the share of cells that a doubt is about
MIN_DIFFERENT = 20  # texts with a number that are hardly levels


@dataclass(frozen=True)
class ColumnPlan:
    """How a column is read, or why it is left out.

    `how` says how it was told, `odd` are texts that do not fit, `doubt` asks a question.
    """

    name: str
    reading: Reading | None
    how: str = ""
    left_out: str = ""
    overrule: str = ""
    odd: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def note(self) -> str:
        """One sentence, or nothing where there is nothing to say."""
        text = self.left_out or self.how
        text += f"; {self.overrule} overrules" if text and self.overrule else ""
        text = "; ".join(filter(None, (text, self.doubt)))
        return f"{self.name}: {text}" if text else ""


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
    return _date_doubt(known, counts, evidence) or _number_doubt(known, counts)


def _date_doubt(known: pa.Array, counts: Array, evidence: TextEvidence) -> str:
    """Dates in two orders, dates beside other texts, or dates beside numbers."""
    orders = [DateSpelling(order).parse(known)[1] for order in ("dmy", "mdy")]
    dates = orders[0] | orders[1]
    share = counts[dates].sum() / counts.sum()
    if share >= MIN_DOUBT and not (orders[0] >= orders[1]).all() and not (orders[1] >= orders[0]).all():
        examples = [known[int(np.argmax(fits & ~other))].as_py() for fits, other in (orders, orders[::-1])]
        return f"dates in two orders ({' and '.join(examples)})"
    if share > 0.5:
        return f"mostly dates ({known[int(np.argmin(dates))].as_py()!r} is none)"
    if share > 0.1 and evidence.fit(evidence.spelling[0]).share > 0.1:
        return "both numbers and dates"
    return ""


def _number_doubt(known: pa.Array, counts: Array) -> str:
    """Cells that contain one number each, in a form that is not known, such as ~1.5."""
    one = pc.match_substring_regex(known, r"^[^\d\w]*\d+([.,]\d+)?[^\d\w]*$").to_numpy(zero_copy_only=False)
    if one.sum() < MIN_DIFFERENT or counts[one].sum() < MIN_DOUBT * counts.sum():
        return ""
    plain = pc.match_substring_regex(known, PLAIN).to_numpy(zero_copy_only=False)
    return f"numbers with other signs ({known[int(np.argmax(one & ~plain))].as_py()})"


def has_digit(text: str) -> bool:
    """Whether a text has a digit."""
    return any(character.isdigit() for character in text)

"""The reading of each column of a table, chosen from its summary as a person would from looking at the column.

Whatever is guessed, left out or unusual is a note of one sentence that names the option to overrule it. A person's
options come first; then numbers, dates and booleans in their spellings; everything else is a category.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.arrow_types import as_text
from glassnet.data.column_doubts import column_doubt
from glassnet.data.date_spelling import DateSpelling
from glassnet.data.evidence import TextEvidence, quoted
from glassnet.data.missing_words import NULL_WORDS
from glassnet.data.number_spelling import NumberSpelling
from glassnet.data.omission import identifier_reason, omission_reason
from glassnet.data.options import ReadingOptions
from glassnet.data.plans import ColumnPlan, doubt_phrase, has_digit, trimmed_phrase
from glassnet.data.readings import (
    BooleanReading,
    CategoryReading,
    DateReading,
    NumberReading,
    boolean_levels,
    lower_case_texts,
)
from glassnet.data.statistics import Levels
from glassnet.data.summary import ColumnSummary, Summary
from glassnet.data.table import Table
from glassnet.errors import DataError

MIN_FIT = 0.9  # the share of cells that fit a reading although the others do not
MIN_NUMBERS = 10  # distinct numbers that a column with other cells needs to be numbers
MAX_ODD_TEXTS = 100
MAX_KNOWN_LEVELS = 2_000  # a model file lists this many per column
DECIMAL_NAMES = {",": "comma", ".": "point"}
FIRST_DATE, LAST_DATE = 18000101, 21001231  # of dates that are written as one whole number


class ColumnChooser:
    """Chooses the readings of the columns of a summary; with the table itself, lines and all levels are known."""

    def __init__(self, summary: Summary, options: ReadingOptions | None = None, table: Table | None = None) -> None:
        self.summary, self.table = summary, table
        self.options = (options or ReadingOptions()).file_options().for_columns(summary.columns, summary.path)
        self.missing = lower_case_texts(self.options.missing)
        self._evidence: dict[str, TextEvidence] = {}

    def choose(self, name: str, *, keep: bool = False) -> ColumnPlan:
        """The plan for one column; with `keep` it is used whatever its cells are, as a target is."""
        column, asked = self.summary.columns[name], self.options.requested(name)
        if asked == "drop" and not keep:
            return ColumnPlan(name, None, left_out="left out as requested")
        if asked and column.present:
            requested = {"category": self._as_category, "number": self._requested_number, "date": self._requested_date}
            return requested[asked](column) if asked in requested else self._by_cells(column)
        keep = keep or name in self.options.keep
        reason = omission_reason(column, name in self.summary.index_columns)
        if reason and not (keep and column.present and column.kind != "other"):
            overrule = f"--keep {quoted(name)}" if column.present and column.kind != "other" else ""
            return ColumnPlan(name, None, left_out=reason, overrule=overrule)
        plan = self._by_cells(column)
        reason = "" if keep or not isinstance(plan.reading, CategoryReading) else identifier_reason(column)
        if reason and column.kind == "text" and (doubt := doubt_phrase(self.evidence(column))):
            reason += f"; they are {doubt}"
        if reason or plan.reading is None:
            return replace(plan, reading=None, left_out=reason, overrule=f"--keep {quoted(name)}")
        return replace(plan, doubt=column_doubt(column, plan.reading, self.missing, keep=keep))

    def odd_among_numbers(self, name: str, max_numbers: int) -> list[str]:
        """The texts of a category most cells of which are numbers, more than `max_numbers` different ones."""
        column = self.summary.columns[name]
        if column.kind != "text" or not column.levels.counts or column.codes:
            return []
        share, odd, numbers = self.evidence(column).fit(self._spelling(column)[0])
        return odd if share > 0.5 and numbers > max_numbers else []

    def evidence(self, column: ColumnSummary) -> TextEvidence:
        """The evidence of a column of text."""
        if column.name not in self._evidence:
            self._evidence[column.name] = TextEvidence(column.levels, self.missing)
        return self._evidence[column.name]

    @cached_property
    def decimal(self) -> str:
        """The decimal mark where a column leaves two: a person's, or that of most other columns, or empty."""
        if self.options.decimal:
            return self.options.decimal
        marks = [self._clear_mark(column) for column in self.summary.columns.values() if column.kind == "text"]
        comma, point = marks.count(","), marks.count(".")
        if comma == point > 0 and self.summary.delimiter == ";":
            return ","
        return "," if comma > point else "." if point else ""

    def _clear_mark(self, column: ColumnSummary) -> str:
        if column.all_plain:
            return "." if column.point == "clear" else ""
        evidence = self.evidence(column)
        spelling, ambiguous = evidence.spelling
        fit = evidence.fit(spelling)
        if ambiguous or not fit.fitting or fit.odd:
            return ""
        marked = spelling.decimal == "," or pc.any(pc.match_substring(evidence.known()[0], ".")).as_py()
        return spelling.decimal if marked else ""

    def _by_cells(self, column: ColumnSummary) -> ColumnPlan:
        plan = self._by_spelling(column)
        if not column.declared or not isinstance(plan.reading, NumberReading | DateReading):
            return plan
        return self._as_category(column, "a category, as its type says", f"--number {quoted(column.name)}")

    def _by_spelling(self, column: ColumnSummary) -> ColumnPlan:
        name, missing = column.name, self.missing
        if column.kind == "number" and self._compact_dates(column):
            return ColumnPlan(name, DateReading(missing=missing), "dates", overrule=f"--number {quoted(name)}")
        if column.kind in ("number", "duration"):
            how = "a duration, in seconds" if column.kind == "duration" else ""
            return ColumnPlan(name, NumberReading(missing=missing, binary=column.binary), how)
        if column.kind == "boolean":
            return ColumnPlan(name, BooleanReading(missing=missing))
        if column.kind in ("date", "time"):
            return ColumnPlan(name, DateReading(DateSpelling("time" if column.kind == "time" else "ymd"), missing))
        if column.kind != "text" or not column.present:
            what = "has no values" if not column.present else f"has type {column.type_name}, which cannot be read"
            raise DataError(f"{self.summary.path}: column {name!r} {what}; drop it.")
        return self._text(column)

    def _text(self, column: ColumnSummary) -> ColumnPlan:
        plain = column.all_plain and not self._compact_dates(column)
        if plain and column.codes:
            how = "read as text, because numbers have leading zeros or more than 15 digits"
            return self._as_category(column, how, f"--number {quoted(column.name)}")
        if plain and (column.point != "unclear" or not column.levels.counts):
            return ColumnPlan(column.name, NumberReading(missing=self.missing, binary=column.binary))
        plan = self._date(column) or self._number(column) or self._boolean(column)
        if plan := plan or self._mixed(column):
            return plan
        if doubt := doubt_phrase(self.evidence(column)):
            return self._as_category(column, f"{doubt} are read as a category")
        return self._as_category(column, trimmed_phrase(column))

    # numbers

    def _requested_number(self, column: ColumnSummary) -> ColumnPlan:
        how = "a number, as requested"
        if column.kind != "text" or not column.levels.counts:
            return ColumnPlan(column.name, NumberReading(missing=self.missing), how)
        spelling, _ = self._spelling(column)
        fit = self.evidence(column).fit(spelling)
        if not fit.fitting:
            raise DataError(f"{self.summary.path}: column {column.name!r} has no numbers; it cannot be --number.")
        return self._number_plan(column, spelling, fit.odd, [how])

    def _number(self, column: ColumnSummary) -> ColumnPlan | None:
        evidence = self.evidence(column)
        spelling, how = self._spelling(column)
        share, odd, numbers = evidence.fit(spelling)
        if not numbers or share < MIN_FIT or len(odd) > MAX_ODD_TEXTS or column.codes:
            return None
        few_whole = column.numbers.whole and numbers <= 2 * MIN_NUMBERS
        if odd and (numbers < MIN_NUMBERS or (few_whole and any(has_digit(text) for text in odd))):
            return None
        unusual = not spelling.plain or bool(how)
        what = f"{spelling.description() or 'decimal point'} ({evidence.example(spelling)}{how})" if unusual else ""
        return self._number_plan(column, spelling, odd, [what, evidence.unmarked(spelling)])

    def _spelling(self, column: ColumnSummary) -> tuple[NumberSpelling, str]:
        """The spelling of a column of numbers, and how it was told where its decimal mark is ambiguous."""
        evidence = self.evidence(column)
        spelling, ambiguous = evidence.spelling
        if not ambiguous:
            return spelling, ""
        known, _ = evidence.known()
        comma = bool(pc.any(pc.match_substring(known, ",")).as_py())
        preferred = self.decimal or ("," if comma and self.summary.delimiter == ";" else ".")
        spelling, _ = NumberSpelling.discover(known, preferred)
        if self.options.decimal:
            return spelling, ", as requested"
        if self.decimal:
            return spelling, ", as in other columns"
        return spelling, f", as a file with the delimiter {self.summary.delimiter} suggests" if comma else ", assumed"

    def _number_plan(
        self, column: ColumnSummary, spelling: NumberSpelling, odd: list[str], how: list[str]
    ) -> ColumnPlan:
        missing = sorted({*self.missing, *(text.lower() for text in odd)})
        reading = NumberReading(spelling, missing, column.binary and not odd and spelling.plain)
        parts = [*how, self.evidence(column).missing_words(), self._odd_text(column, odd, "no number")]
        phrase = "; ".join(filter(None, parts))
        mark = "," if spelling.decimal == "." else "."
        unsure = self.evidence(column).spelling[1] and not self.options.decimal
        overrule = f"--decimal {DECIMAL_NAMES[mark]}" if unsure else f"--category {quoted(column.name)}"
        return ColumnPlan(column.name, reading, phrase, overrule=overrule if phrase else "", odd=tuple(odd))

    # dates, booleans and categories

    def _requested_date(self, column: ColumnSummary) -> ColumnPlan:
        if column.kind in ("date", "time"):
            return self._by_cells(column)
        plan = self._date(replace(column, levels=self._levels(column)), self.options.date_orders.get(column.name), 0.5)
        if plan is None:
            raise DataError(f"{self.summary.path}: column {column.name!r} holds no dates; it cannot be --date.")
        return plan

    def _date(self, column: ColumnSummary, order: str | None = None, min_fit: float = MIN_FIT) -> ColumnPlan | None:
        if column.all_plain and min_fit == MIN_FIT and not self._compact_dates(column):
            return None
        evidence = TextEvidence(column.levels, self.missing)
        known, _ = evidence.known()
        if not len(known):
            return None
        spelling, how = DateSpelling.discover(known, order)
        share, odd, dates = evidence.fit_of(spelling.parse(known)[1])
        if share < min_fit or not dates or len(odd) > MAX_ODD_TEXTS:
            return None
        missing = sorted({*self.missing, *(text.lower() for text in odd)})
        what = "times" if spelling.order == "time" else "dates"
        parts = [f"{what}, {how}" if how else what, evidence.missing_words(), self._odd_text(column, odd, "no date")]
        other = {"dmy": "mdy", "mdy": "dmy"}.get(spelling.order, "") if "assumed" in how else ""
        overrule = f"--date {quoted(column.name)}={other}" if other else f"--category {quoted(column.name)}"
        overrule = f"--number {quoted(column.name)}" if column.all_plain else overrule
        how = "; ".join(filter(None, parts))
        return ColumnPlan(column.name, DateReading(spelling, missing), how, overrule=overrule, odd=tuple(odd))

    def _compact_dates(self, column: ColumnSummary) -> bool:
        """Whether all numbers are dates such as 20200131."""
        numbers = column.numbers
        if not (numbers.whole and numbers.low >= FIRST_DATE and numbers.high <= LAST_DATE and column.levels.counts):
            return False
        known, _ = self.evidence(column).known()
        return len(known) > 2 and bool(DateSpelling().parse(known)[1].all())

    def _boolean(self, column: ColumnSummary) -> ColumnPlan | None:
        evidence = self.evidence(column)
        levels = boolean_levels(*evidence.known(NULL_WORDS))
        if levels is None:
            return None
        how = evidence.missing_words(NULL_WORDS) or trimmed_phrase(column)
        return ColumnPlan(column.name, BooleanReading(levels, self.missing), how)

    def _mixed(self, column: ColumnSummary) -> ColumnPlan | None:
        """A category with a warning where most cells are numbers, so that the others may be mistakes."""
        share, odd, _ = self.evidence(column).fit(self._spelling(column)[0])
        if share <= 0.5 or not odd:
            return None
        where = self._where(column.name, odd[0])
        how = f"{where}{odd[0]!r}: most cells are numbers, but the column is read as a category"
        return self._as_category(column, how, f"--number {quoted(column.name)}")

    def _as_category(
        self, column: ColumnSummary, how: str = "a category, as requested", overrule: str = ""
    ) -> ColumnPlan:
        levels = self._levels(column)
        counts = {text: n for text, n in levels.counts.items() if text.lower() not in self.missing}
        frequent = sorted(counts, key=lambda text: (-counts[text], text))[:MAX_KNOWN_LEVELS]
        if not frequent:
            raise DataError(f"{self.summary.path}: column {column.name!r} has no values; drop it.")
        complete = len(frequent) == len(counts) and not levels.other
        return ColumnPlan(
            column.name, CategoryReading(sorted(frequent), self.missing, complete), how, overrule=overrule
        )

    def _levels(self, column: ColumnSummary) -> Levels:
        """All levels of a column, counted in the table if the summary did not count them."""
        if not column.levels.other or self.table is None:
            return column.levels
        cells = pc.utf8_trim_whitespace(as_text(self.table.column(column.name)))
        return Levels.of(pc.if_else(pc.equal(cells, ""), pa.scalar(None, cells.type), cells))

    def _odd_text(self, column: ColumnSummary, odd: list[str], what: str) -> str:
        """A phrase for the cells that do not fit, which are missing; empty without any."""
        if not odd:
            return ""
        count = sum(column.levels.counts[text] for text in odd)
        cells = "it is missing" if count == 1 else f"{count:,} such cells are missing"
        return f"{self._where(column.name, odd[0])}{odd[0][:40]!r}, which is {what}: {cells}"

    def _where(self, name: str, text: str) -> str:
        """`line 5 has `, where the table is at hand."""
        if self.table is None:
            return "a cell has "
        cells = pc.utf8_trim_whitespace(as_text(self.table.column(name)))
        return f"{self.table.row_name(int(pc.index(cells, text).as_py()))} has "

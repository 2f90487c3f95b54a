"""What a person says about the columns of a table, which overrules what would be inferred from their cells.

The command line and the tabular estimators take the same options. Column names are checked against the table once,
before anything is read from the columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from glassnet.data.frame import column_name
from glassnet.errors import ParameterError, no_column

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " ", "\\t": "\t"}
DECIMALS = {"comma": ",", ",": ",", "point": ".", ".": "."}
DATE_ORDERS = ("ymd", "dmy", "mdy")
COLUMN_OPTIONS = ("drop", "number", "category", "date", "keep")


@dataclass(frozen=True)
class ReadingOptions:
    """Options of reading a table.

    Parameters
    ----------
    drop, number, category, date : columns to leave out, or to read as numbers, categories or dates. A date may give
        the order of its parts: `"when=dmy"`.
    keep : columns that are used although they look like identifiers, row counters, constants or free text.
    missing : further words that mean a missing cell, in any column.
    delimiter, encoding, decimal : of a text file; None to find out. `decimal` is the decimal mark, "." or ",".
    header : whether the first row of a text file holds the names of the columns; None takes it for that, and says where
        it looks like data. Without a header they are called column_1, column_2, ...
    drop_missing_target : whether rows without a target are left out; otherwise they are refused.
    """

    drop: Sequence[Any] = ()
    number: Sequence[Any] = ()
    category: Sequence[Any] = ()
    date: Sequence[Any] = ()
    keep: Sequence[Any] = ()
    missing: Sequence[str] = ()
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    header: bool | None = None
    drop_missing_target: bool = True
    date_orders: dict[str, str] = field(default_factory=dict)

    def file_options(self) -> Self:
        """The same options of the file, with the delimiter and the decimal mark as characters.

        Raises ParameterError (a ValueError) for one that cannot be used.
        """
        decimal = self.decimal if self.decimal is None else DECIMALS.get(str(self.decimal).lower())
        if self.decimal is not None and decimal is None:
            raise ParameterError(f"decimal is {self.decimal!r}; it must be comma or point.")
        delimiter = self.delimiter if self.delimiter is None else DELIMITERS.get(self.delimiter, self.delimiter)
        if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n'):
            names = ", ".join(list(DELIMITERS)[:5])
            raise ParameterError(f"delimiter is {self.delimiter!r}; it must be one character, or one of {names}.")
        return replace(self, delimiter=delimiter, decimal=decimal)

    def for_columns(self, names: Iterable[str], path: str) -> Self:
        """The same options with each list of columns resolved to names of the table.

        Raises ParameterError (a ValueError) for an unknown column and for one with two contradictory options.
        """
        known = dict.fromkeys(names)
        orders = dict(self.date_orders)
        lists = {option: tuple(_resolve(getattr(self, option), known, orders, path)) for option in COLUMN_OPTIONS}
        requested: dict[str, str] = {}
        for option in COLUMN_OPTIONS[:4]:
            for name in lists[option]:
                if requested.setdefault(name, option) != option:
                    raise ParameterError(f"column {name!r} is both {requested[name]} and {option}; give one of them.")
        for name in lists["keep"]:
            if requested.get(name) == "drop":
                raise ParameterError(f"column {name!r} is both drop and keep; give one of them.")
        changes: dict[str, Any] = {**lists, "date_orders": orders}
        return replace(self, **changes)

    def requested(self, name: str) -> str:
        """What a person asked for: "drop", "number", "category", "date", or an empty string."""
        return next((option for option in COLUMN_OPTIONS[:4] if name in getattr(self, option)), "")


def _resolve(entries: Sequence[Any], known: dict[str, None], orders: dict[str, str], path: str) -> Iterable[str]:
    """The names in the entries, each a name or, from the command line, several with commas between them."""
    if isinstance(entries, str):
        entries = (entries,)
    for entry in entries:
        text = column_name(entry)
        parts = [text] if text in known or not isinstance(entry, str) else [part.strip() for part in text.split(",")]
        for part in filter(None, parts):
            yield _known_name(part, known, orders, path)


def _known_name(part: str, known: dict[str, None], orders: dict[str, str], path: str) -> str:
    name, _, order = part.rpartition("=")
    if part not in known and name in known:
        if order.lower() not in DATE_ORDERS:
            raise ParameterError(f"{part!r}: the order of a date is one of {', '.join(DATE_ORDERS)}.")
        orders[name] = order.lower()
        return name
    if part not in known:
        raise ParameterError(no_column(path, part, known))
    return part

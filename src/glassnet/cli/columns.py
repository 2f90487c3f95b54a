"""`glassnet columns`: how each column of a file is read, without training anything."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from glassnet.cli import options


def columns(
    file: Annotated[str, Argument(metavar="FILE", help="CSV (gzip too), Parquet, or a folder of Parquet files.")],
    target: options.TargetOption = None,
    drop: options.DropOption = [],  # noqa: B006 (read only; Typer wants a list)
    number: options.NumberOption = [],  # noqa: B006
    category: options.CategoryOption = [],  # noqa: B006
    date: options.DateOption = [],  # noqa: B006
    keep: options.KeepOption = [],  # noqa: B006
    missing: options.MissingOption = [],  # noqa: B006
    delimiter: options.DelimiterOption = None,
    encoding: options.EncodingOption = None,
    decimal: options.DecimalOption = None,
    header: options.HeaderOption = None,
    drop_missing_target: options.DropMissingTargetOption = "yes",
) -> None:
    """Show how each column of FILE is read: type, missing cells, levels or range, and what happens to it."""
    reading = options.reading_options(locals())
    from glassnet.cli.column_report import print_columns

    print_columns(file, target, reading)

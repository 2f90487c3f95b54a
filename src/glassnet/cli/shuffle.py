"""`glassnet shuffle`: write the rows of a file of any size in random order."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option

IN_HELP = "CSV, Parquet, a folder of Parquet files, or .npy."


def shuffle(
    file: Annotated[str, Argument(metavar="IN", help=IN_HELP)],
    out: Annotated[str, Argument(metavar="OUT", help="The file to write, in the same format.")],
    seed: Annotated[int, Option(min=0, help="Seed of the order; use the same for .npy files of x and y.")] = 0,
) -> None:
    """Write the rows of IN, a file of any size, to OUT in random order; the folder of OUT needs room for a copy of IN.

    `glassnet train` reads a file that does not fit in memory in blocks, and shuffles the blocks and the rows of each.
    With a sorted file this gives a worse model: shuffle it once with this command.
    """
    import os

    from glassnet.cli.output_paths import check_output
    from glassnet.cli.printing import print_text
    from glassnet.data.external_shuffle import shuffle_into
    from glassnet.data.row_kinds import row_kind
    from glassnet.errors import DataError, counted
    from glassnet.files.atomic_file import atomic_file

    check_output(out, file, error=DataError)
    source = row_kind(file)
    if not out.lower().endswith(source.endings):
        names = " or ".join(source.endings)
        raise DataError(f"{out}: the rows are written in the format of {file}; its name must end in {names}.")
    with atomic_file(out, DataError) as written:
        rows = shuffle_into(source, written, os.path.dirname(os.path.abspath(out)), seed, name=file)
    print_text(f"{counted(rows, 'row')} of {file} in random order: {out}")

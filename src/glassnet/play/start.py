"""The run with which the page opens: of toy data, of a file that the command names, or of a link."""

from __future__ import annotations

import os

from glassnet.errors import ParameterError
from glassnet.play.link import read_link, write_link
from glassnet.play.network import default_setup
from glassnet.play.own_data import OwnData

DEFAULT_DATA = "moons"


def start_link(own: OwnData, given: str | None = None, target: str | None = None) -> str:
    """The link of the first run. Raises DataError or ParameterError for a file or a link that cannot be used."""
    if given is None:
        return write_link(default_setup(DEFAULT_DATA))
    if "v=" in given and "=" in given and not os.path.exists(given):
        read_link(given)
        return "#" + given.rpartition("#")[2]
    return _of_file(own, given, target)


def _of_file(own: OwnData, path: str, target: str | None) -> str:
    from glassnet.play.table_samples import table_samples

    table = own.add_file(path)
    if target is None:
        names = ", ".join(table.table.names[:20]) + (" ..." if table.table.names[20:] else "")
        raise ParameterError(f"--target is missing: which column of {path} is to be predicted? Columns: {names}.")
    setup = default_setup("csv")._replace(file=table.file, target=target)
    samples = table_samples(table, setup)  # a cell that cannot be used is named before a page opens
    setup = setup._replace(shape=(len(samples.x), *setup.shape[1:-1], samples.widths[0]))
    return "&".join(
        f"{part}" for part in write_link(setup).split("&") if not part.startswith(("shape=", "act=", "cost="))
    )

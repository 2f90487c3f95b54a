"""The run with which the page opens: of toy data, of a file that the command names, or of a link."""

from __future__ import annotations

import os

from glassnet.errors import ParameterError
from glassnet.play.array_samples import TARGET
from glassnet.play.chosen_samples import run_samples
from glassnet.play.link import read_link, write_link
from glassnet.play.network import default_setup
from glassnet.play.own_data import OwnArrays, OwnData

DEFAULT_DATA = "moons"


def start_link(
    own: OwnData, given: str | None = None, target: str | None = None, notes: list[str] | None = None
) -> str:
    """The link of the first run; one that a person asked for names its screen too. How a file is read goes to `notes`.

    Raises DataError or ParameterError for a file or a link that cannot be used.
    """
    if given is None:
        return write_link(default_setup(DEFAULT_DATA))
    if "v=" in given and "=" in given and not os.path.exists(given):
        read_link(given)
        return _with_view("#" + given.rpartition("#")[2])
    return _with_view(_of_file(own, given, target, [] if notes is None else notes))


def _with_view(link: str) -> str:
    """A link with the screen it opens on."""
    return link if "view=" in link else f"{link}&view=watch"


def _of_file(own: OwnData, path: str, target: str | None, notes: list[str]) -> str:
    opened = own.add_file(path)
    if isinstance(opened, OwnArrays):
        if target is not None:
            raise ParameterError(f"{path} holds arrays, whose target is y; leave --target out.")
        target = TARGET
    elif target is None:
        names = ", ".join(opened.table.names[:20]) + (" ..." if opened.table.names[20:] else "")
        raise ParameterError(f"--target is missing: which column of {path} is to be predicted? Columns: {names}.")
    setup = default_setup("csv")._replace(file=opened.file, target=target)
    samples = run_samples(setup, own)  # a cell that cannot be used is named before a page opens
    notes += samples.notes
    setup = setup._replace(shape=(len(samples.x), *setup.shape[1:-1], samples.widths[0]))
    return "&".join(
        f"{part}" for part in write_link(setup).split("&") if not part.startswith(("shape=", "act=", "cost="))
    )

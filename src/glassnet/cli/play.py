"""`glassnet play`: open the page in a browser, on toy data, a file of one's own, or the run of a link."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option

from glassnet.cli import options
from glassnet.errors import ParameterError

FileArgument = Annotated[
    str | None,
    Argument(
        metavar="[FILE|LINK]",
        help="A table (CSV, Parquet) with --target, a .npz file of x and y, or a link in quotes: '#v=1&...'.",
    ),
]


def play(
    file: FileArgument = None,
    target: options.TargetOption = None,
    port: Annotated[int, Option(help="Port on 127.0.0.1; 0 takes any free one.")] = 8711,
    browser: Annotated[bool, Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
) -> None:
    """Open a page where a network learns: watch it, step through its equations, nudge numbers, go back to any step.

    The page is served to this machine only. It needs more packages: pip install "glassnet[play]".
    """
    from glassnet.play.launch import check_installed, serve
    from glassnet.play.own_data import OwnData
    from glassnet.play.start import start_link

    check_installed()
    if target is not None and (file is None or "#" in file or "v=1" in file):
        raise ParameterError("--target names a column of a file; give FILE as well.")
    own, notes = OwnData(), list[str]()
    link = start_link(own, file, target, notes)
    serve(port, browser=browser, link=link, own=own, notes=notes)

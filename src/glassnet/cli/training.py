"""The frame of `glassnet train` around both kinds of model: read the file, train, save, draw, with a line for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer import Exit

from glassnet.cli.opened_file import open_file
from glassnet.cli.output_paths import make_folder
from glassnet.cli.printing import print_line
from glassnet.cli.progress_lines import ProgressLines, progress_lines
from glassnet.cli.saving import save_model
from glassnet.cli.tabular_run import train_tabular_on
from glassnet.cli.training_run import train_network_on
from glassnet.data.options import ReadingOptions

if TYPE_CHECKING:
    from glassnet.cli.train_request import TrainRequest
    from glassnet.tabular.model import TabularModel

INTERRUPTED = 130  # the exit code of a program that Ctrl-C has ended


def train_model(request: TrainRequest) -> None:
    """Train as requested and write the model file, which is left as it was unless a model was trained."""
    with progress_lines(request.progress) as lines:
        opened = open_file(request)
        if request.tabular is None:
            model, draw, interrupted = train_network_on(request, opened, lines)
        else:
            model, draw, interrupted = train_tabular_on(request, opened, lines)
        finish(model, request, lines)
        if interrupted:
            raise Exit(INTERRUPTED)
        if request.plots:
            draw(make_folder(request.plots))


def finish(model: TabularModel, request: TrainRequest, lines: ProgressLines) -> None:
    """Save the model and print its file."""
    model.training.update(file_options(request.reading))
    save_model(model, request.out)
    print_line("Model", request.out)
    lines.event("saved", path=request.out)


def file_options(reading: ReadingOptions) -> dict[str, Any]:
    """The encoding and delimiter that were given, which a later file needs as well."""
    given = {name: getattr(reading, name) for name in ("delimiter", "encoding")}
    given = {name: value for name, value in given.items() if value is not None}
    return {"file options": given} if given else {}

"""`glassnet train --report FOLDER`: the training as one HTML file, the page of `glassnet play` with a recording."""

from __future__ import annotations

import os
from pathlib import Path

from glassnet.cli.printing import print_line
from glassnet.frames.report_samples import table_names
from glassnet.tabular.model import TabularModel

NAME = "run.html"


def write_run_report(model: TabularModel, folder: Path, file: str) -> None:
    """Write the report of the (first) network of a model and print where it is."""
    history = model.members[0].network.history
    if history is None or history.reporter is None:
        print_line("Report", "none: this network was not trained here")
        return
    members, source = len(model.members), os.path.basename(os.path.abspath(file))
    notes = [f"The data are {source}; y is {model.target.name!r}."]
    if members > 1:
        notes.append(f"The model is the mean of {members} networks; this is the training of the first of them.")
    if model.members[0].best_epoch:
        notes.append(f"The model has the weights of epoch {model.members[0].best_epoch}.")
    title = f"{model.target.name} from {source}"
    history.reporter.names = table_names(model.preparation, model.target, title, tuple(notes))
    history.report(folder / NAME)
    print_line("Report", folder / NAME)

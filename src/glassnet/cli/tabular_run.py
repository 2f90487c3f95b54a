"""The work of `glassnet train` with a tabular model: fit, and say what was learnt, how well, and what is doubtful."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet import __version__
from glassnet.cli.constant import constant_of
from glassnet.cli.corrections import correction_lines
from glassnet.cli.dataset import repeated_share
from glassnet.cli.printing import print_line
from glassnet.cli.progress_lines import ProgressLines
from glassnet.cli.training import Opened, print_notes
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget, fit_target
from glassnet.errors import DivergedError, counted
from glassnet.tabular.ensemble import Execution
from glassnet.tabular.fitting import Fitted, Rows, Settings, fit_model
from glassnet.tabular.model import TabularModel
from glassnet.tabular.observer import FitObserver
from glassnet.training.history import Report

if TYPE_CHECKING:
    from glassnet.cli.tabular_options import TabularOptions
    from glassnet.cli.train_request import TrainRequest
    from glassnet.tabular.recipe import Recipe

MIN_REPEATED_SHARE = 0.01  # of repeated rows, from which on they are said


class Follower(FitObserver):
    """Prints the short form of the reading before the training, and keeps and passes on the score of each epoch."""

    def __init__(self, opened: Opened, lines: ProgressLines) -> None:
        self.opened, self.lines = opened, lines
        self.scores: dict[int, list[float]] = {}
        self.recipe: Recipe | None = None

    def prepared(self, preparation: TablePreparation, leaks: Sequence[str], rows: int, recipe: Recipe) -> None:
        """Print how the columns were read."""
        self.recipe = recipe
        print_line("Columns", preparation.summary())
        print_notes((*self.opened.data_file.notes, *preparation.notes, *leaks), self.opened.data_file.path)
        self.lines.event(
            "start", model="tabular", rows=rows, inputs=preparation.width, members=recipe.members, epochs=recipe.epochs
        )

    def epoch(self, member: int, report: Report, score: float) -> None:
        """Keep the score, and write a line for other programs."""
        self.scores.setdefault(member, []).append(score)
        if self.lines and self.recipe is not None:
            self.lines.event("epoch", member=member, epochs=self.recipe.epochs, **report._asdict(), score=score)


def train_tabular_on(
    request: TrainRequest, opened: Opened, lines: ProgressLines
) -> tuple[TabularModel, Callable[[Path], None], bool]:
    """Train a tabular model; return it, what draws its pictures, and whether it was interrupted."""
    options = request.tabular
    assert options is not None
    chooser = opened.data_file.chooser
    assert chooser is not None
    rows, follower, started = fitted_rows(opened, options), Follower(opened, lines), time.perf_counter()
    try:
        fitted = fit_model(rows, chooser, settings(options, follower))
    except DivergedError as error:
        raise error.reworded("Look for extreme values with glassnet columns; no model file was written.") from error
    model = fitted.model
    model.training.update(summary(request, rows))
    print_trained(model, time.perf_counter() - started)
    print_scores(model, rows, lines)
    print_doubts(fitted, opened)

    def draw(folder: Path) -> None:
        from glassnet.cli.tabular_pictures import draw_pictures

        draw_pictures(model, rows, follower.scores, folder)

    return model, draw, model.training.get("stopped") == "interrupted"


def fitted_rows(opened: Opened, options: TabularOptions) -> Rows:
    """The raw columns without the target, and the encoded target with the weights of its classes."""
    data_file, table = opened.data_file, opened.data_file.data
    assert isinstance(table, Table)
    everything = np.arange(len(data_file.values))
    target = fit_target((data_file.target, data_file.reading), data_file.values, everything, opened.task)
    encoded = target.encode(data_file.values)
    columns = replace(table, data=table.data.drop_columns([data_file.target]))
    return Rows(columns, target, encoded, class_weights(encoded, options.class_weight, target))


def class_weights(encoded: Any, requested: str | None, target: Any) -> Any:
    """A weight per row, with which each class counts the same; None where none is asked for. Raises ParameterError."""
    from glassnet.errors import ParameterError

    if requested is None:
        return None
    if not isinstance(target, ClassTarget):
        raise ParameterError("--class-weight is for classes, but the task is regression; leave it out.")
    counts = np.bincount(encoded, minlength=len(target.classes))
    return (len(encoded) / (len(counts) * counts))[encoded]


def settings(options: TabularOptions, follower: FitObserver) -> Settings:
    """The settings of a fit."""
    execution = Execution(options.threads, options.time_limit, 0 if options.quiet else 1, follower)
    return Settings(options.preset, options.metric, options.seed, execution)


def summary(request: TrainRequest, rows: Rows) -> dict[str, Any]:
    """What the model file says about the training beside what the fit itself says, as plain data."""
    assert request.tabular is not None
    return {
        "glassnet": __version__,
        "file": os.path.basename(os.path.abspath(request.file)),
        "rows": rows.table.rows,
        "class weight": request.tabular.class_weight or "none",
        "time limit": request.tabular.time_limit,
        **constant_of(rows.target, rows.y),
    }


def print_trained(model: TabularModel, seconds: float) -> None:
    """Print what was trained and how long it took."""
    architecture = model.members[0].network.architecture
    widths = "-".join(map(str, [architecture.inputs, *(dense.fan_out for dense in architecture.dense)]))
    best = ", ".join(str(member.best_epoch) for member in model.members)
    epochs = f"best epoch{'' if len(model.members) == 1 else 's'} {best} of {model.training['recipe']['epochs']}"
    stopped = f" ({model.training['stopped']})" if model.training.get("stopped") else ""
    print_line("Trained", f"{counted(len(model.members), 'network')} {widths} in {seconds:.1f} s{stopped}; {epochs}")


def print_scores(model: TabularModel, rows: Rows, lines: ProgressLines) -> None:
    """Print the scores on rows that the networks had left out, beside a linear model's and the constant's."""
    from glassnet.cli.honest_scores import honest_predictions
    from glassnet.cli.scores import left_out_text, score_table
    from glassnet.cli.stored_model import scores_of

    predictions, chosen = honest_predictions(model, rows)
    scores = {name: scores_of(model, values, rows.y[chosen]) for name, values in predictions.items()}
    model.training["scores"] = scores["model"].values
    print_line("Scores", left_out_remark(len(chosen), rows.table.rows))
    print("\n" + "\n".join(f"  {line}" for line in score_table(scores)) + "\n", flush=True)
    if text := left_out_text(scores["model"]):
        print_line("Left out", text)
    for label, line in correction_lines(model):
        print_line(label, line)
    lines.event("scores", rows="left out", **{name: score.values for name, score in scores.items()})


def left_out_remark(scored: int, rows: int) -> str:
    """Which rows the scores are of, and how far they can be trusted."""
    if scored == rows:
        return (
            f"of all {rows:,} rows, each predicted by networks that left it out of training (it chose their epoch only)"
        )
    return f"of {scored:,} of {rows:,} rows, which the network left out (they only chose its epoch)"


def print_doubts(fitted: Fitted, opened: Opened) -> None:
    """Print what may be wrong; questions about single columns were printed with the columns."""
    repeated = repeated_share(opened.data_file.data) or 0.0
    if repeated >= MIN_REPEATED_SHARE:
        what = f"{repeated:.0%} of the rows repeat an earlier one, so that rows left out were seen after all"
        print_line("Warning", f"{what}: the scores are better than those of new rows")
    for problem in fitted.problems:
        if problem not in fitted.notes:
            print_line("Warning", problem)

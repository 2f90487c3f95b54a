"""What `glassnet train` prints of a tabular model: how the columns were read, what was learnt, how well, and doubts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from glassnet.cli.constant import constant_of, constant_prediction
from glassnet.cli.corrections import correction_lines
from glassnet.cli.dataset import DataFile, repeated_share
from glassnet.cli.opened import print_notes, print_warnings
from glassnet.cli.printing import print_line, print_text
from glassnet.cli.progress_lines import ProgressLines
from glassnet.cli.scores import left_out_text, score_table
from glassnet.cli.stored_model import scores_of
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.target import ClassTarget
from glassnet.errors import counted
from glassnet.tabular.fitting import Fitted, Rows
from glassnet.tabular.model import TabularModel
from glassnet.tabular.observer import FitObserver
from glassnet.tabular.refinement import Refinement
from glassnet.tabular.report import Report as FitReport
from glassnet.tabular.reporting import KEY as REPORT
from glassnet.tabular.scores import Scores
from glassnet.training.history import Report

if TYPE_CHECKING:
    import numpy as np

    from glassnet.tabular.hyperparameters import Hyperparameters

MIN_REPEATED_SHARE = 0.01  # of repeated rows; a smaller share is not reported
MODEL, LINEAR, CONSTANT = "model", "linear model", "constant"  # the columns of the scores
FINDINGS = ("Classes", "Drift")  # of the report; the command line reports the others in its own lines


class Follower(FitObserver):
    """Prints the short form of the reading before the training, and passes on the score of each epoch."""

    def __init__(self, data_file: DataFile, rows: Rows, lines: ProgressLines) -> None:
        self.data_file, self.rows, self.lines = data_file, rows, lines
        self.hyperparameters: Hyperparameters | None = None

    def prepared(
        self, preparation: TablePreparation, leaks: Sequence[str], rows: int, hyperparameters: Hyperparameters
    ) -> None:
        """Print how the columns were read."""
        self.hyperparameters = hyperparameters
        print_line("Columns", preparation.summary())
        print_notes(all_notes(self.data_file, self.rows, preparation), self.data_file.path, self.lines)
        self.lines.event(
            "start",
            model="tabular",
            rows=rows,
            inputs=preparation.width,
            members=hyperparameters.members,
            epochs=hyperparameters.epochs,
        )

    def epoch(self, member: int, report: Report, score: float) -> None:
        """Write a line for other programs."""
        if self.lines and self.hyperparameters is not None:
            self.lines.event(
                "epoch", member=member, epochs=self.hyperparameters.epochs, **report._asdict(), score=score
            )


def all_notes(data_file: DataFile, rows: Rows, preparation: TablePreparation) -> tuple[str, ...]:
    """What was unusual about the file, the target and the columns."""
    target = getattr(rows.target, "note", "").replace("log_target=False", "--log-target no")
    return tuple(filter(None, (*data_file.notes, target, *preparation.notes)))


def print_trained(model: TabularModel, seconds: float) -> None:
    """Print what was trained and how long it took."""
    architecture = model.members[0].network.architecture
    widths = "-".join(map(str, [architecture.inputs, *(dense.fan_out for dense in architecture.dense)]))
    best = ", ".join(str(member.best_epoch) for member in model.members)
    stopped = f" ({reason})" if (reason := model.training.get("stopped")) else ""
    epochs = f"best epoch{'' if len(model.members) == 1 else 's'} {best}"
    print_line("Trained", f"{counted(len(model.members), 'network')} {widths} in {seconds:.1f} s{stopped}; {epochs}")


def print_scores(fitted: Fitted, rows: Rows, lines: ProgressLines) -> None:
    """Print the scores on rows that the networks had left out, beside a linear model's and the constant's."""
    model, refinement = fitted.model, fitted.refinement
    scores = left_out_scores(model, refinement, rows)
    model.training["scores"] = scores[MODEL].values
    weighted = "" if rows.weights is None else "; each class counts the same"
    print_line("Scores", left_out_remark(len(refinement.rows), rows.table.rows) + weighted)
    print_text("\n" + "\n".join(f"  {line}" for line in score_table(scores)) + "\n", flush=True)
    if text := left_out_text(scores[MODEL]):
        print_line("Left out", text)
    for label, line in correction_lines(model):
        print_line(label, line)
    lines.event("scores", rows="left out", **{name.split()[0]: score.values for name, score in scores.items()})


def left_out_scores(model: TabularModel, refinement: Refinement, rows: Rows) -> dict[str, Scores]:
    """The scores of the model, a linear model and the constant on rows that were left out, by the weights of rows."""

    def scores(predictions: np.ndarray, numbers: np.ndarray, *, decode: bool = True) -> Scores:
        is_encoded = decode and not isinstance(model.target, ClassTarget)
        values = model.target.decode(predictions) if is_encoded else predictions
        return scores_of(model, values, rows.y[numbers], None if rows.weights is None else rows.weights[numbers])

    result = {MODEL: scores(refinement.predictions, refinement.rows)}
    if refinement.linear is not None:
        result[LINEAR] = scores(refinement.linear.predictions, refinement.linear.rows)
    stored = constant_of(model.target, rows.y, rows.weights)
    constant = constant_prediction(model.target, stored, len(refinement.rows))
    if constant is not None:
        result[CONSTANT] = scores(constant, refinement.rows, decode=False)
    return result


def left_out_remark(scored: int, rows: int) -> str:
    """Which rows the scores are of, and who predicted them."""
    if scored == rows:
        return f"of all {rows:,} rows, each predicted by networks that were not trained on it"
    return f"of {scored:,} of {rows:,} rows, which were left out of training"


def print_doubts(fitted: Fitted, data_file: DataFile, lines: ProgressLines) -> None:
    """Print what may be wrong, columns that give the target away first."""
    report = FitReport.from_json(fitted.model.training[REPORT])
    for label, sentence in report.findings:
        if label in FINDINGS:
            print_line(label, sentence.removesuffix("."))
    print_warnings([*fitted.problems, *repetition_warnings(repeated_share(data_file.data), together=True)], lines)


def repetition_warnings(repeated: float | None, *, together: bool = False) -> list[str]:
    """That rows repeat earlier ones, where a noteworthy share does; `together`: copies were left out together."""
    if not repeated or repeated < MIN_REPEATED_SHARE:
        return []
    what = f"{repeated:.0%} of the rows repeat an earlier one"
    if together:
        return [f"{what}; copies were left out together, so that the scores hold for rows that are new"]
    return [f"{what}, so that rows left out were seen after all: new rows will be predicted less well"]

"""From a fit to its report: the scores, what was found in the table, and what was done with each column."""

from __future__ import annotations

from typing import Any, NamedTuple

from glassnet.data.preprocessing import TablePreparation
from glassnet.data.target import ClassTarget
from glassnet.errors import counted
from glassnet.tabular.model import TabularModel
from glassnet.tabular.refinement import Refinement
from glassnet.tabular.report import Report
from glassnet.tabular.report_findings import class_balance, copies, drift, too_many_classes
from glassnet.tabular.report_scores import Scorer, measure
from glassnet.tabular.training_data import TrainingData

KEY = "report"
COLUMN = "Column"  # the label of what was done with a column


class Reported(NamedTuple):
    """A report, and sentences to warn of."""

    report: Report
    problems: list[str]


def report_on(model: TabularModel, data: TrainingData, refinement: Refinement, notes: list[str]) -> Reported:
    """Measure a fitted model; `notes` say what was done with the columns, and ask about some of them."""
    measured = measure(model.members, refinement, Scorer(data, model.target))
    problems = measured.problems
    if isinstance(model.target, ClassTarget):
        doubt = too_many_classes(model.target, data.y, len(refinement.rows))
        problems = [doubt, *problems] if doubt else problems
    labelled = [("Warning", problem) for problem in problems]
    labelled += measured.findings
    if isinstance(model.target, ClassTarget):
        labelled.append(("Classes", class_balance(model.target, data.y)))
    labelled += [("Copies", copies(data)), ("Drift", drift(data, _columns_of_inputs(model)))]
    labelled += [(COLUMN, note) for note in notes]
    findings = tuple((label, sentence) for label, sentence in labelled if sentence)
    return Reported(Report(_title(model, data), measured.scores, measured.spread, findings), problems)


def stored_notes(document: Any) -> list[str]:
    """The notes on columns in a stored report; none where there is no report that can be read."""
    try:
        return [sentence for label, sentence in Report.from_json(document).findings if label == COLUMN]
    except (AttributeError, KeyError, TypeError, ValueError):
        return []


def _title(model: TabularModel, data: TrainingData) -> str:
    task = "Classification" if data.are_classes else "Regression"
    assert isinstance(model.preparation, TablePreparation)
    used, left_out = len(model.preparation.columns), len(model.preparation.left_out)
    columns = counted(used, "column") + (f" ({left_out} left out)" if left_out else "")
    networks = counted(len(model.members), "network")
    return f"{task} of {len(data.x):,} rows, {columns}, {data.x.shape[1]:,} inputs: {networks}"


def _columns_of_inputs(model: TabularModel) -> list[str]:
    """The name of the column of each input."""
    assert isinstance(model.preparation, TablePreparation)
    return [column.name for column in model.preparation.columns for _ in column.features]

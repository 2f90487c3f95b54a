"""From a table and a target to a tabular model: columns are read, inputs prepared once, members trained and judged.

The estimators and the command line call it. The summary, levels and statistics of columns come from all fitted rows,
because what they say of a row is little beside what its target says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.choice import ColumnChooser
from glassnet.data.copies import first_equal_rows
from glassnet.data.leakage import leakage_notes
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.table import Table
from glassnet.data.tabular_encodings import tabular_encodings
from glassnet.data.target import ClassTarget, NumberTarget, TargetColumn
from glassnet.engine.signals import defer_signals
from glassnet.errors import DataError
from glassnet.tabular.ensemble import Execution, train_members
from glassnet.tabular.hyperparameters import Hyperparameters
from glassnet.tabular.member import Member
from glassnet.tabular.metrics import Metric
from glassnet.tabular.model import TabularModel
from glassnet.tabular.plain_data import plain
from glassnet.tabular.python_notes import python_note
from glassnet.tabular.refinement import FittedMembers, Refinement
from glassnet.tabular.reporting import KEY as REPORT
from glassnet.tabular.reporting import report_on
from glassnet.tabular.training_data import InputKinds, TrainingData

Array = np.ndarray[Any, Any]


class Settings(NamedTuple):
    """What decides about a fit beside the data."""

    hyperparameters: Hyperparameters
    metric: Any = "auto"
    seed: int = 0
    execution: Execution = Execution()


class Rows(NamedTuple):
    """The fitted rows: raw columns, the target with its encoded values (n,) or (n, outputs), and weights or None."""

    table: Table
    target: TargetColumn
    y: Array
    weights: Array | None = None

    @property
    def outputs(self) -> int:
        """The width of the last layer."""
        return len(self.target.classes) if isinstance(self.target, ClassTarget) else len(self.target.mean)


class Fitted(NamedTuple):
    """A model, notes on its columns, sentences to warn of, and predictions for the rows that its members left out.

    Notes and sentences are worded for the command line; `python_note` turns them into those of the estimators.
    """

    model: TabularModel
    notes: list[str]
    problems: list[str]
    refinement: Refinement


def fit_model(rows: Rows, chooser: ColumnChooser, settings: Settings) -> Fitted:
    """Fit a tabular model. Raises DataError and ParameterError (ValueErrors) for what cannot be used."""
    metric, plan = Metric(settings.metric, rows.target), settings.hyperparameters
    preparation, leaks = prepare(rows, chooser, plan)
    x = preparation.transform(rows.table)
    data = TrainingData(x, rows.y, rows.weights, rows.outputs, InputKinds.of(preparation))
    data = replace(data, copies=first_equal_rows(rows.table, [column.name for column in preparation.columns]))
    settings.execution.observer.prepared(preparation, leaks, len(x), plan)
    members, stopped = train_members(data, plan, settings.seed, metric, settings.execution)
    model = TabularModel(preparation, rows.target, members, _summary(members, settings, stopped))
    if plan.clip_output and not data.are_classes:
        model.output_range = rows.y.min(axis=0).tolist(), rows.y.max(axis=0).tolist()
    notes = [*preparation.notes, *leaks]
    try:
        with defer_signals():  # so that Ctrl-C does not lose the members, which are trained
            refined = _refine_into(model, data, notes, plan.linear)
    except KeyboardInterrupt:
        model.training["stopped"] = "interrupted"
    refinement, findings = refined
    problems = [*leaks, *(_interruption(members, plan, stopped) or findings)]
    return Fitted(model, notes, problems, refinement)


def _refine_into(
    model: TabularModel, data: TrainingData, notes: list[str], linear: bool
) -> tuple[Refinement, list[str]]:
    """Fit what comes after the members and report on the whole, in the model; return what to warn of."""
    refinement = Refinement.fit(FittedMembers(model.members, data, model.output_range, linear))
    model.calibration, model.intervals = refinement.calibration, refinement.intervals
    model.linear = refinement.linear.path if refinement.linear else None
    if isinstance(model.target, NumberTarget) and model.target.log:
        rows = refinement.rows
        weights = None if data.weights is None else data.weights[rows]
        model.target = model.target.smeared(refinement.predictions, model.target.decode(data.y[rows]), weights)
    report, problems = report_on(model, data, refinement, list(map(python_note, notes)))
    model.training[REPORT] = report.to_json()
    return refinement, problems


def prepare(rows: Rows, chooser: ColumnChooser, plan: Hyperparameters) -> tuple[TablePreparation, list[str]]:
    """The fitted preparation of the columns, and a question about each that gives the target away."""
    table, name = rows.table, rows.target.name
    if not table.names:
        raise DataError(f"{table.path} has no columns.")
    everything = np.arange(table.rows)
    while name in table:
        name += " of the fit"  # it is not among the columns, where a column may have its name
    encodings = tabular_encodings(plan.max_one_hot)
    preparation = TablePreparation.fit(table, name, everything, chooser, encodings)
    task = rows.target.kind
    return preparation, leakage_notes(preparation, table, rows.y, everything, task)


def _interruption(members: list[Member], plan: Hyperparameters, stopped: str) -> list[str]:
    if not stopped:
        return []
    epochs = sum(len(member.network.history or ()) for member in members)
    done = f"{len(members)} of {plan.members} networks and {epochs:,} of {plan.members * plan.epochs:,} epochs"
    reason = "was interrupted" if stopped == "interrupted" else f"ended early: {stopped}"
    return [f"The fit {reason} after {done}; the model can be used, but more time may make it better."]


def _summary(members: list[Member], settings: Settings, stopped: str) -> dict[str, Any]:
    """What the model says about its training, as plain data."""
    metric = settings.metric if isinstance(settings.metric, str) else "a scorer"
    return {
        "metric": metric,
        "seed": settings.seed,
        "hyperparameters": plain(settings.hyperparameters._asdict()),
        "best epochs": [member.best_epoch for member in members],
        "stopped": stopped,
    }

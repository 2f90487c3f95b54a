"""The scores of a report: model, single networks, linear model and constant, on rows that networks left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from glassnet.data.target import NumberTarget, TargetColumn
from glassnet.errors import counted
from glassnet.tabular.blend import row_losses, standard_error
from glassnet.tabular.calibration import calibration_error
from glassnet.tabular.member import Member
from glassnet.tabular.out_of_holdout import Array
from glassnet.tabular.refinement import Refinement
from glassnet.tabular.scores import SCORE_NAMES, accuracy, class_shares, log_loss, number_scores
from glassnet.tabular.training_data import TrainingData

MIN_STANDARD_ERRORS = 2.0
MODEL, LINEAR, CONSTANT = "the model", "a linear model", "a constant"


class Measured(NamedTuple):
    """The scores by model and metric, how they spread over the networks, and sentences about them with labels."""

    scores: dict[str, dict[str, float]]
    spread: dict[str, tuple[float, float]]
    findings: list[tuple[str, str]]
    problems: list[str]


class Scorer:
    """Scores of predictions for some of the fitted rows, in the units of the target, with the weights of the rows."""

    def __init__(self, data: TrainingData, target: TargetColumn) -> None:
        self.data, self.target = data, target
        self.weights = np.ones(len(data.x)) if data.weights is None else data.weights

    def scores(self, predictions: Array, rows: Array) -> dict[str, float]:
        """The value of each metric for predictions (m, outputs) of the given rows (m,)."""
        y, weights = self.data.y[rows], self.weights[rows]
        if isinstance(self.target, NumberTarget):
            return _number_scores(self.target.decode(predictions), self.target.true_values(y), weights)
        functions = {"log_loss": log_loss, "accuracy": accuracy}
        return {SCORE_NAMES[key]: score(predictions, y, weights) for key, score in functions.items()}

    def losses(self, predictions: Array, rows: Array) -> Array:
        """The loss (m,) of each row: −log p, or the squared error on the scale that the networks learn."""
        return row_losses(predictions, self.data.y[rows])

    def constant_scores(self, rows: Array) -> dict[str, float]:
        """The scores of the best constant: shares of the classes, or the mean in the units of the target."""
        if not isinstance(self.target, NumberTarget):
            return self.scores(self.constant(rows), rows)
        values, weights = self.target.true_values(self.data.y), self.weights
        mean = np.broadcast_to(np.average(values, axis=0, weights=weights), values[rows].shape)
        return _number_scores(mean, values[rows], weights[rows])

    def constant(self, rows: Array) -> Array:
        """The best constant prediction, (m, outputs), on the scale that the networks learn: class shares, or means."""
        y, weights = self.data.y, self.weights
        are_classes = y.ndim == 1
        best = class_shares(y, self.data.outputs, weights) if are_classes else np.average(y, axis=0, weights=weights)
        return np.broadcast_to(best, (len(rows), len(best)))


def measure(members: Sequence[Member], refinement: Refinement, scorer: Scorer) -> Measured:
    """Measure everything on the rows that networks left out."""
    rows = refinement.rows
    scores = {MODEL: scorer.scores(refinement.predictions, rows)}
    findings = [("Measured on", _measured_on(members, refinement, scorer))]
    linear = refinement.linear
    if linear is not None:
        scores[LINEAR] = scorer.scores(linear.predictions, linear.rows)
        findings.append(("Linear model", _linear_sentence(refinement)))
    scores[CONSTANT] = scorer.constant_scores(rows)
    findings += _calibration_findings(refinement, scorer)
    verdict, scores = no_better_than_constant(refinement, scorer), _shared(scores)
    spread = _spread(members, refinement.soften, scorer, scores[MODEL])
    return Measured(scores, spread, findings, [verdict] if verdict else [])


def _shared(scores: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The metrics that are defined for all models: R² is not where the rows of one have a single value."""
    metrics = [metric for metric in scores[MODEL] if all(metric in row for row in scores.values())]
    return {name: {metric: row[metric] for metric in metrics} for name, row in scores.items()}


def _spread(
    members: Sequence[Member], calibrated: Callable[[Array], Array], scorer: Scorer, metrics: Iterable[str]
) -> dict[str, tuple[float, float]]:
    """The least and the greatest score of the members, each on its own rows; empty for one member."""
    each = [scorer.scores(calibrated(member.holdout_outputs), member.holdout) for member in members]
    values = {metric: [scores[metric] for scores in each if metric in scores] for metric in metrics}
    if len(each) == 1 or not all(values.values()):
        return {}
    return {metric: (min(scores), max(scores)) for metric, scores in values.items()}


def no_better_than_constant(refinement: Refinement, scorer: Scorer) -> str:
    """A sentence where the loss on the rows left out is not clearly lower than that of a constant; or empty."""
    rows = refinement.rows
    weights = scorer.weights[rows]
    constant = scorer.constant(rows)
    gains = scorer.losses(constant, rows) - scorer.losses(refinement.predictions, rows)
    if np.average(gains, weights=weights) > MIN_STANDARD_ERRORS * standard_error(gains, weights):
        return ""
    name = "log-loss" if scorer.data.are_classes else "RMSE"
    score, reference = scorer.scores(refinement.predictions, rows)[name], scorer.constant_scores(rows)[name]
    weighted = "" if scorer.data.weights is None else ", which count by their weights"
    numbers = f"{name} {score:.4g} on rows that were left out of training{weighted}, against {reference:.4g}"
    return f"The model is not clearly better than a constant ({numbers}): do the columns say anything about y?"


def _number_scores(values: Array, y: Array, weights: Array) -> dict[str, float]:
    return {SCORE_NAMES[key]: score for key, score in number_scores(values, y, weights).values.items()}


def _measured_on(members: Sequence[Member], refinement: Refinement, scorer: Scorer) -> str:
    count, total = len(refinement.rows), len(scorer.data.x)
    left_out = sum(len(member.holdout) for member in members) / count
    networks = "a network" if left_out < 1.5 else f"{left_out:.0f} networks"
    part = f"all {total:,} fitted rows" if count == total else f"{count:,} of {total:,} fitted rows"
    sentence = f"{part}, each predicted by {networks} that did not train on it"
    if len(members) > 1:
        sentence += f"; new rows are predicted by the average of all {len(members)}, which is usually a little better"
    weighted = "" if scorer.data.weights is None else "; rows count by their weights"
    return f"{sentence}{weighted}."


def _linear_sentence(refinement: Refinement) -> str:
    linear = refinement.linear
    assert linear is not None
    part = "" if len(linear.rows) == len(refinement.rows) else f"measured on {counted(len(linear.rows), 'row')}; "
    if linear.path is None:
        return f"{part}adding it to the networks does not help clearly, so that it is not used."
    if linear.path.weight > 0.995:
        return f"{part}the networks add nothing to it, so that it makes the predictions."
    return f"{part}it makes up {linear.path.weight:.0%} of a prediction, the networks the rest."


def _calibration_findings(refinement: Refinement, scorer: Scorer) -> list[tuple[str, str]]:
    """What the calibration did to the probabilities."""
    calibration, rows = refinement.calibration, refinement.rows
    if calibration is None:
        return []
    after = calibration_error(refinement.predictions, scorer.data.y[rows], scorer.weights[rows])
    before, final = (scorer.scores(p, rows)["log-loss"] for p in (refinement.networks, refinement.predictions))
    parts = [f"a temperature of {calibration.temperature:.3g}"] if calibration.temperature != 1 else []
    parts += ["the linear model"] if refinement.linear is not None and refinement.linear.path is not None else []
    parts += ["isotonic steps"] if calibration.isotonic else []
    sentence = f"the networks' log-loss is {before:.4g}, and no temperature lowers it"
    if parts and final > before:
        sentence = (
            f"{' and '.join(parts)} makes the probabilities more cautious than these rows alone would: the log-loss is "
            f"{final:.4g}, without it {before:.4g}"
        )
    elif parts:
        sentence = (
            f"the networks' log-loss is {before:.4g}; with {' and '.join(parts)} it is {final:.4g} on the same rows"
        )
    sentence += (
        f". Probabilities are off by {after.error:.3f} on average, of which chance alone makes {after.expected:.3f}."
    )
    if scorer.data.weights is not None:
        sentence += (
            " They are those of the weighted rows: where classes have weights, the probability of a class is not its "
            "share among new rows."
        )
    return [("Calibration", sentence)]

"""Warnings of a poor fit: the findings of a diagnosis that cost almost no time, each in one sentence.

Columns and targets are checked before a fit and the losses after it; the layers only where the loss hardly fell.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from glassnet.batches.sources import Sources
from glassnet.batches.sparse import is_sparse
from glassnet.batches.targets import numeric_targets
from glassnet.errors import DataError, DivergedError, ParameterError
from glassnet.estimators.inputs import engine_rows
from glassnet.estimators.loss_curve import loss_history
from glassnet.network import NeuralNetwork
from glassnet.see import data_rules, learning_rules, target_rules
from glassnet.see.diagnosis import RULES, Diagnosis, diagnosis_of, findings
from glassnet.see.evidence import LEARNT_ENOUGH, Evidence, Finding, evidence_of_run, examine, reference_costs
from glassnet.see.wording import ESTIMATOR, Wording
from glassnet.training.layer_monitor import spread_samples

MAX_SAMPLES = 1024  # samples whose columns and targets are checked before a fit
EXAMINE_LAYERS_BELOW = 0.5  # of Evidence.learnt, by the last loss
WARN_BELOW = LEARNT_ENOUGH  # of Evidence.learnt, for findings about the training
WARN_OF_DATA_BELOW = 0.9  # of Evidence.learnt, for findings about the data
DATA_CHECKS = (
    target_rules.wrong_output,
    data_rules.unscaled,
    target_rules.large_targets,
    target_rules.small_targets,
)
LENGTH_CHECKS = (learning_rules.noisy_batch,)  # not for a fit that stopped by itself
RULES_BEFORE_FIT = tuple(rule for rule in RULES if rule.find in DATA_CHECKS)
NOT_AFTER_FIT = (learning_rules.overfit, learning_rules.worse_than_constant)
RULES_AFTER_FIT = tuple(rule for rule in RULES if not (rule.find in NOT_AFTER_FIT or rule.needs_all_data))
RULES_AFTER_STOP = tuple(rule for rule in RULES_AFTER_FIT if rule.find not in LENGTH_CHECKS)


class FitWarning(ConvergenceWarning):
    """A fit probably gives a poor model: the message says why and what to change; `finding` is the evidence or None."""

    def __init__(self, sentence: str, finding: Finding | None = None) -> None:
        super().__init__(sentence)
        self.finding = finding


class DivergedFitError(DivergedError, ValueError):
    """A fit produced a number that is not finite; the estimator keeps the weights from before that step."""


def diverged(error: DivergedError) -> DivergedFitError:
    """The error with the message that scikit-learn's users search for, followed by where the number occurred."""
    cause = "The input data may contain large values and need to be preprocessed."
    return DivergedFitError(f"Solver produced non-finite parameter weights. {cause} In short: {error}")


def data_findings(estimator: Any, network: NeuralNetwork, sources: Sources) -> tuple[Finding, ...]:
    """The problems that the columns and targets are likely to cause, from evenly spaced samples, before a fit."""
    every = -(-sources.x.shape[0] // MAX_SAMPLES)
    x = None if is_sparse(sources.x) else sources.x[::every]
    y = None if sources.y.ndim == 1 else sources.y[::every]
    evidence = Evidence(network.model, None, None, x, y, is_complete=False, wording=wording(estimator))
    return findings(evidence, RULES_BEFORE_FIT)


def warn_after_fit(estimator: Any, network: NeuralNetwork, not_converged: str, problems: tuple[Finding, ...]) -> None:
    """Warn of what went wrong in a finished fit, or of nothing where it learnt well.

    `not_converged` is scikit-learn's message, or empty where the fit converged; the first finding is appended to it.
    `problems` are the findings made before the fit.
    """
    rules = RULES_AFTER_FIT if not_converged else RULES_AFTER_STOP
    evidence = _evidence_of_losses(estimator, network)
    if problems or evidence.learnt_less_than(EXAMINE_LAYERS_BELOW) or findings(evidence, rules):
        evidence = evidence_of_run(network.model, network.history, network.recent_samples, wording(estimator))
    named = {finding.name for finding in problems}
    others = [finding for finding in findings(evidence, rules) if finding.name not in named]
    main_problem = others[:1] if evidence.learnt_less_than(WARN_BELOW) else []
    reported = (*problems, *main_problem) if not_converged or evidence.learnt_less_than(WARN_OF_DATA_BELOW) else ()
    if not_converged and not reported:
        warnings.warn(not_converged, ConvergenceWarning, stacklevel=2)
    for number, finding in enumerate(reported):
        sentence = finding.sentence if number or not not_converged else f"{not_converged} {finding.sentence}"
        warnings.warn(FitWarning(sentence, finding), stacklevel=2)


def _evidence_of_losses(estimator: Any, network: NeuralNetwork) -> Evidence:
    """What the losses of a fit tell, beside that of a constant prediction; the network computes nothing for it."""
    samples, history = network.recent_samples, network.history
    if samples is None or not history:
        return Evidence(network.model, history, None, wording=wording(estimator))
    targets = numeric_targets(samples.y, network.architecture.outputs).astype(np.float64)
    levels = (history[-1].cost, *reference_costs(network.architecture.cost, targets, network.architecture.groups))
    return Evidence(network.model, history, None, None, None, None, *levels, False, wording(estimator))


def wording(estimator: Any) -> Wording:
    """The wording of findings for users of estimators, with the names of X's columns and of the classes."""
    classes = getattr(estimator, "classes_", None)
    return ESTIMATOR._replace(
        columns=getattr(estimator, "feature_names_in_", None),
        classes=None if isinstance(classes, list) else classes,
        rate=float(estimator.learning_rate_init),
        epochs=estimator.max_iter,
    )


def diagnosis(estimator: Any, X: Any, y: Any) -> Diagnosis:
    """The diagnosis of a fitted estimator from its last fit, and from X and y where they are given."""
    check_is_fitted(estimator)
    if (X is None) != (y is None):
        raise ParameterError("diagnose needs X and y together, or neither.")
    network = estimator._synced_network()
    if network.history is None and getattr(estimator, "loss_curve_", None):
        network.history = loss_history(estimator)
    if X is None and network.history is None and network.recent_samples is None:
        raise ParameterError("there is no record of a fit (copies after solver='lbfgs' have none): pass X and y.")
    if X is None:
        return diagnosis_of(evidence_of_run(network.model, network.history, network.recent_samples, wording(estimator)))
    return diagnosis_of(examine(network.model, network.history, *_evidence_data(estimator, network, X, y)))


def _evidence_data(estimator: Any, network: NeuralNetwork, X: Any, y: Any) -> tuple[Sources, Wording, bool]:
    """X and y as the network reads them, the wording, and whether they are complete: a large sparse X is sampled."""
    X, y = estimator._validated_X(X), y if is_sparse(y) else np.asarray(y)
    if y.shape[:1] != X.shape[:1]:
        raise DataError(f"X has {X.shape[0]} rows, but y has the shape {y.shape}.")
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    sources = Sources(engine_rows(X, network.dtype), estimator._encode(y), None)
    sampled = is_sparse(sources.x)
    return (spread_samples(sources) if sampled else sources), wording(estimator), not sampled

"""What a fit says of itself: the findings of a diagnosis that it can tell at hardly any cost, each in a sentence.

Columns and targets are looked at before a fit; the losses after it, and the layers only where the losses hardly fell.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from glassnet.batches.sparse import is_sparse
from glassnet.errors import DataError, DivergedError, ParameterError
from glassnet.estimators.inputs import rows_of
from glassnet.estimators.pictures import history
from glassnet.execution.reference import Sources
from glassnet.network import NeuralNetwork
from glassnet.see import data_rules, learning_rules
from glassnet.see.diagnosis import RULES, Diagnosis, diagnosed, findings
from glassnet.see.evidence import Evidence, Finding, examined, gathered
from glassnet.see.wording import ESTIMATOR, Reader
from glassnet.training.layer_monitor import some

Array = np.ndarray[Any, Any]
ROWS = 1024  # samples whose columns and targets are looked at before a fit
LITTLE = 0.2  # share of the first loss that is gone; a fit that has come less far has its layers looked at
FAR, WHOLE = learning_rules.LEARNT_ENOUGH, 0.9  # learnt: from there on a run, and data out of scale, need no word
OF_DATA = (data_rules.wrong_output, data_rules.unscaled, data_rules.large_targets)
BEFORE = tuple(rule for rule in RULES if rule.find in OF_DATA)
OF_LENGTH = (learning_rules.rate_too_low, learning_rules.noisy_batch)  # a fit that stopped by itself hears none of them
AFTER = tuple(rule for rule in RULES if not (rule.find in (*OF_DATA, learning_rules.overfit) or rule.counts))
STOPPED = tuple(rule for rule in AFTER if rule.find not in OF_LENGTH)


class FitWarning(ConvergenceWarning):
    """A fit that probably gives a poor model, and what to do about it: `finding` is what a diagnosis finds, or None."""

    def __init__(self, sentence: str, finding: Finding | None = None) -> None:
        super().__init__(sentence)
        self.finding = finding


class DivergedFitError(DivergedError, ValueError):
    """A fit met a number that is not finite; the weights of the step before are kept."""


def diverged(error: DivergedError) -> DivergedFitError:
    """The error in the words that scikit-learn's users look for, and where it came from."""
    return DivergedFitError(
        "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
        f"preprocessed. In short: {error}"
    )


def check_weights(weights: Array) -> None:
    """Refuse sample weights that are negative, or all 0."""
    if (weights < 0).any():
        place = int(np.argmax(weights < 0))
        raise DataError(f"sample_weight[{place}] is {weights[place]:g}; weights must be 0 or more.")
    if not weights.any():
        raise DataError("sample_weight is zero for all samples; at least one sample must count.")


def look_ahead(model: Any, network: NeuralNetwork, sources: Sources) -> tuple[Finding, ...]:
    """What may go wrong with these columns and targets."""
    each = -(-sources.x.shape[0] // ROWS)
    x = None if is_sparse(sources.x) else sources.x[::each]
    y = None if sources.y.ndim == 1 else sources.y[::each]
    return findings(Evidence(network, None, None, x, y, whole=False, reader=reader(model)), BEFORE)


def look_back(model: Any, network: NeuralNetwork, unfinished: str, ahead: tuple[Finding, ...]) -> None:
    """Say what went wrong in a fit that has ended, and nothing where it has learnt.

    `unfinished` are scikit-learn's words where it has not converged; the first finding follows them. `ahead` is what
    was found before it.
    """
    evidence = Evidence(network, network.history, None, reader=reader(model))
    if ahead or evidence.learnt_less_than(LITTLE):
        evidence = gathered(network, reader=reader(model))
    found = findings(evidence, AFTER if unfinished else STOPPED)[:1] if evidence.learnt_less_than(FAR) else ()
    said = (*ahead, *found) if unfinished or evidence.learnt_less_than(WHOLE) else ()
    if unfinished and not said:
        warnings.warn(unfinished, ConvergenceWarning, stacklevel=2)
    for number, finding in enumerate(said):
        sentence = finding.sentence if number or not unfinished else f"{unfinished} {finding.sentence}"
        warnings.warn(FitWarning(sentence, finding), stacklevel=2)


def reader(model: Any) -> Reader:
    """For whom a fit's findings are said."""
    return Reader(ESTIMATOR, getattr(model, "feature_names_in_", None))


def diagnosis(model: Any, X: Any, y: Any) -> Diagnosis:
    """What ails a fitted estimator: by its last fit, or by X and y as well."""
    check_is_fitted(model)
    if (X is None) != (y is None):
        raise ParameterError("diagnose needs X and y together, or neither.")
    network = model._current()
    if network.history is None and getattr(model, "loss_curve_", None):
        network.history = history(model)
    if X is None and network.history is None and network.seen is None:
        raise ParameterError("nothing of a fit is left to go by (a copy of solver='lbfgs' keeps none): pass X and y.")
    if X is None:
        return diagnosed(gathered(network, reader=reader(model)))
    return diagnosed(examined(network, *_samples(model, network, X, y)))


def _samples(model: Any, network: NeuralNetwork, X: Any, y: Any) -> tuple[Sources, Reader, bool]:
    """X and y as the network reads them, for whom, and whether these are all the rows; of a large sparse X some are."""
    X, y = model._checked(X), y if is_sparse(y) else np.asarray(y)
    if y.shape[:1] != X.shape[:1]:
        raise DataError(f"X has {X.shape[0]} rows, but y has the shape {y.shape}.")
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    sources = Sources(rows_of(X, network.dtype), model._encoded(y), None)
    part = is_sparse(sources.x)
    return (some(sources) if part else sources), reader(model), not part

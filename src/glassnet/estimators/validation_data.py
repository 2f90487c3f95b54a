"""Samples held out to judge a fit: split off as scikit-learn does it, or given by a person."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split

from glassnet.execution.reference import Sources

Array = np.ndarray[Any, Any]


class Held(NamedTuple):
    """The samples as the network sees them, and their targets as a scorer wants them."""

    sources: Sources
    y: Array


def split(model: Any, sources: Sources, rng: np.random.RandomState) -> tuple[Array, Held]:
    """Places to train on, in scikit-learn's order, and the samples held out; two classes are stratified."""
    stratify = sources.y.astype(bool) if is_classifier(model) and model.n_outputs_ == 1 else None
    numbers = np.arange(sources.x.shape[0])
    train, held = train_test_split(numbers, random_state=rng, test_size=model.validation_fraction, stratify=stratify)
    if len(held) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    weights = None if sources.weights is None else sources.weights[held]
    part = Sources(sources.x[held], sources.y[held], weights)
    return train, Held(part, model._decoded(part.y))


def scored(model: Any, held: Held) -> float:
    """The score of a person's scorer on held-out samples."""
    judge = copy.copy(model)
    vars(judge).pop("feature_names_in_", None)  # the rows that were kept have no names
    words = {} if held.sources.weights is None else {"sample_weight": held.sources.weights}
    return float(get_scorer(model.scoring)(judge, held.sources.x, held.y, **words))

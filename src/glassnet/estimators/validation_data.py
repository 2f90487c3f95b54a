"""The samples that judge a fit: split off X as scikit-learn does, or passed as `validation_data`."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split

from glassnet.batches.sources import Sources

Array = np.ndarray[Any, Any]


class ValidationData(NamedTuple):
    """Validation samples as the network reads them, and their y as a scorer expects it."""

    sources: Sources
    y: Array


def split(estimator: Any, sources: Sources, rng: np.random.RandomState) -> tuple[Array, ValidationData]:
    """The indices of the training samples, in scikit-learn's order, and the validation data.

    The split is stratified where there are two classes.
    """
    stratify = sources.y.astype(bool) if is_classifier(estimator) and estimator.n_outputs_ == 1 else None
    indices, fraction = np.arange(sources.x.shape[0]), estimator.validation_fraction
    train, validation = train_test_split(indices, random_state=rng, test_size=fraction, stratify=stratify)
    if len(validation) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    part = sources.part(validation)
    return train, ValidationData(part, estimator._decode(part.y))


def user_score(estimator: Any, validation: ValidationData) -> float:
    """The score that `scoring`, a scorer or its name, gives the estimator on the validation data."""
    unnamed = copy.copy(estimator)
    vars(unnamed).pop("feature_names_in_", None)  # the validation samples are arrays without column names
    sources = validation.sources
    metadata = {} if sources.weights is None else {"sample_weight": sources.weights}
    return float(get_scorer(estimator.scoring)(unnamed, sources.x, validation.y, **metadata))

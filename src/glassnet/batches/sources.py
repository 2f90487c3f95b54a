"""The data of a run, samples as rows: what is trained on, and what is held out to judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.batches.mini_batches import split_validation
from glassnet.batches.samples import input_rows, target_rows, weight_vector
from glassnet.errors import DataError, ParameterError
from glassnet.execution.reference import Sources
from glassnet.program.parameters import Array

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork


def run_sources(
    network: NeuralNetwork, x: Any, y: Any, validation: Any, weights: Any
) -> tuple[Sources, Sources | None]:
    """The checked data of a run and of its validation: (x, y) as given, or a fraction of the samples."""
    sources = checked_sources(network, x, y, weights)
    if validation is None:
        return sources, None
    if not isinstance(validation, (tuple, list)):
        return _split(sources, validation, network.seed)
    if len(validation) != 2:
        raise ParameterError(f"validation has {len(validation)} parts; pass (x, y) or a fraction such as 0.1.")
    try:
        return sources, checked_sources(network, *validation)
    except DataError as error:
        raise DataError(f"in validation: {error}") from None


def checked_sources(network: NeuralNetwork, x: Any, y: Any, weights: Any = None) -> Sources:
    """x, y and sample weights of one set of samples."""
    architecture = network.architecture
    rows = input_rows(x, architecture.inputs, network.dtype)
    targets = target_rows(y, architecture.cost, architecture.groups, len(rows), network.dtype)
    return Sources(rows, targets, weight_vector(weights, len(rows)))


def _split(sources: Sources, fraction: Any, seed: int) -> tuple[Sources, Sources]:
    """Hold out a fraction of the samples, drawn from the seed."""
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float, np.floating)) or not 0 < fraction < 1:
        found = " ".join(repr(fraction).split())
        raise ParameterError(f"validation must be (x, y) or a fraction between 0 and 1, not {found:.60}.")
    if len(sources.x) < 2:
        raise ParameterError("validation as a fraction needs 2 samples or more.")
    parts = [_part(sources, places) for places in split_validation(len(sources.x), float(fraction), seed)]
    for part, what in zip(parts, ("train on", "validate on"), strict=True):
        if not (len(part.x) if part.weights is None else part.weights.any()):
            raise ParameterError(f"validation={fraction:g} leaves no sample (of weight above 0) to {what}.")
    return parts[0], parts[1]


def _part(sources: Sources, places: Array) -> Sources:
    """Some of the samples."""
    weights = None if sources.weights is None else sources.weights[places]
    return Sources(sources.x[places], sources.y[places], weights)

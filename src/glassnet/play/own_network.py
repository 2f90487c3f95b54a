"""A person's own network and arrays as a run of the page: what `net.play()` shows in a notebook.

The page trains a float64 copy, since its settings may change on the way; the network itself stays as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.batches.sources import checked_fraction, checked_sources
from glassnet.errors import ParameterError
from glassnet.network import NeuralNetwork
from glassnet.play.opening import RunOptions, open_setup
from glassnet.play.own_data import MAX_COLUMNS, OwnData
from glassnet.play.run import Run
from glassnet.play.run_samples import RunSamples, held_out_rows
from glassnet.play.setup import MAX_DENSE, NOTEBOOK_DATA, Setup, checked_values
from glassnet.tables.activations import activation
from glassnet.tables.costs import cost
from glassnet.tables.initializers import initializer

DTYPE = np.dtype("float64")


def own_run(network: NeuralNetwork, data: tuple[Any, Any, Any], settings: dict[str, Any], own: OwnData) -> Run:
    """The run of a network on x, y and a fraction held out, trained with settings such as lr and batch.

    Raises ParameterError for a network that the page cannot show.
    """
    samples = own_samples(network, *data)
    setup = own_setup(network)._replace(**checked_values(settings), file=own.add_arrays(samples))
    copy = network.astype(DTYPE)
    return open_setup(setup, set(), own, RunOptions(start=copy.parameters.vector.copy()))


def own_setup(network: NeuralNetwork) -> Setup:
    """The settings of a network. Raises ParameterError for layers and entries that the page does not have."""
    architecture = network.architecture
    dense = architecture.dense
    if architecture.input_layers or any(layer.before or layer.after for layer in dense):
        raise ParameterError("play shows only dense layers; this network has others between them.")
    if len(dense) > MAX_DENSE:
        raise ParameterError(f"play shows up to {MAX_DENSE} layers; this network has {len(dense)}.")
    names = [layer.activation.name for layer in dense]
    given = [*(layer.activation for layer in dense), architecture.cost, network.model.initializer]
    usual = [*map(activation, names), cost(architecture.cost.name), initializer(network.model.initializer.name)]
    for entry, plain in zip(given[:-1], usual[:-1], strict=True):
        if entry != plain:
            raise ParameterError(f"play shows {entry.name} with its usual settings alone, not {entry!r}.")
    return Setup(
        data=NOTEBOOK_DATA,
        test=0.0,
        shape=(architecture.inputs, *(layer.fan_out for layer in dense)),
        act=tuple(names),
        cost=architecture.cost.name,
        l1=architecture.l1,
        l2=architecture.l2,
        init=network.model.initializer.name,
        seed=network.seed,
        lr=0.1,
    )


def own_samples(network: NeuralNetwork, x: Any, y: Any, validation: float | None) -> RunSamples:
    """x (fan_in, batch) and y of a person as the samples of a run; None takes those of the last training."""
    sources = network.recent_samples if x is None else None
    if sources is None:
        if x is None or y is None:
            raise ParameterError("play needs x and y, samples as columns: this network has not been trained yet.")
        sources = checked_sources(network.architecture, DTYPE, x, y, None)
    rows, targets = np.asarray(sources.x, np.float64), sources.y
    held_out = np.zeros(len(rows), bool)
    if validation is not None:
        held_out = held_out_rows(len(rows), checked_fraction(validation))
    names = tuple(f"x{number}" for number in range(1, rows.shape[1] + 1))[:MAX_COLUMNS] or ("x",)
    outputs, classes = _output_names(network, targets)
    y_columns = targets if targets.ndim == 1 else np.ascontiguousarray(np.asarray(targets, np.float64).T)
    return RunSamples(
        "Your data", np.ascontiguousarray(rows.T), y_columns, held_out, names, outputs, classes, is_ready=True
    )


def _output_names(network: NeuralNetwork, targets: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the outputs, or of the classes where the cost is a cross-entropy."""
    count, name = network.architecture.outputs, network.architecture.cost.name
    if targets.ndim == 1 or name.endswith("cross_entropy"):
        return (), tuple(map(str, range(max(2, count))))
    return tuple(f"y{number}" for number in range(1, count + 1)), ()

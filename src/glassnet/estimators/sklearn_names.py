"""scikit-learn's words for what glassnet's tables call otherwise, and the network that an estimator's words make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.errors import ParameterError
from glassnet.network import NeuralNetwork
from glassnet.tables.activations import Activation, activation
from glassnet.tables.costs import Cost, cost, own_cost
from glassnet.tables.interval import REAL
from glassnet.tables.layers import BatchNorm, Dropout, LayerNorm

ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}
LOSSES = {
    "squared_error": "quadratic",
    "absolute_error": "absolute",
    "poisson": "poisson_deviance",
    "log_loss": "categorical_cross_entropy",
}


def hidden_sizes(sizes: Any) -> list[int]:
    """hidden_layer_sizes as a list of widths; a single number is one layer."""
    widths = list(sizes) if hasattr(sizes, "__iter__") and not isinstance(sizes, str) else [sizes]
    if any(not isinstance(width, (int, np.integer)) or isinstance(width, bool) for width in widths):
        raise ParameterError(f"hidden_layer_sizes must be whole numbers such as (100,), got {sizes!r}.")
    if any(width <= 0 for width in widths):
        raise ParameterError(f"hidden_layer_sizes must be > 0, got {widths}.")
    return [int(width) for width in widths]


def activation_row(word: Any) -> Activation:
    """The row of an activation, by either library's name."""
    return activation(ACTIVATIONS.get(word, word) if isinstance(word, str) else word)


def activation_name(row: Activation) -> str:
    """scikit-learn's name of an activation where it has one."""
    return next((name for name, ours in ACTIVATIONS.items() if ours == row.name), row.name)


def hidden_rows(word: Any, count: int) -> list[Activation]:
    """The activation of each hidden layer: one for all, or a list with one for each."""
    words = [word] * count if isinstance(word, (str, Activation)) or not isinstance(word, Sequence) else list(word)
    if len(words) != count:
        raise ParameterError(
            f"activation has {len(words)} entries, but hidden_layer_sizes has {count} layers; give one for each."
        )
    rows = [activation_row(word) for word in words]
    for row in rows:
        if not row.elementwise:
            raise ParameterError(f"activation {row.name!r} is for the output layer; hidden layers need another.")
    return rows


def is_logistic(word: Any) -> bool:
    """Whether scikit-learn would draw smaller first weights: its rule asks for the one word of all hidden layers."""
    return isinstance(word, str) and activation_row(word).name == "sigmoid"


def loss_row(word: Any) -> Cost:
    """The row of a loss, by either library's name."""
    return cost(LOSSES.get(word, word) if isinstance(word, str) else word)


def averaged(row: Cost, outputs: int) -> Cost:
    """scikit-learn's loss of several outputs: the mean over them is reported, but the gradient is that of their sum."""
    return own_cost(f"{row.name} (mean of outputs)", lambda a, y: row.value(a, y) / outputs, row.gradient)


def default_output(row: Cost) -> str:
    """The output activation that belongs to a regressor's loss."""
    return "linear" if row.outputs == REAL else next(iter(row.pairs), "linear")


def make_network(
    widths: Sequence[int], hidden: Sequence[Activation], output: Activation, row: Cost, **words: Any
) -> NeuralNetwork:
    """The untrained network; `words` are dropout, batch_norm, layer_norm, alpha, dtype and seed.

    Dropout follows each hidden layer's activation, normalisation comes before it.
    """
    between: list[Any] = []
    between += [BatchNorm(before_activation=True)] if words["batch_norm"] else []
    between += [LayerNorm(before_activation=True)] if words["layer_norm"] else []
    between += [Dropout(words["dropout"])] if words["dropout"] else []
    layers: list[Any] = [widths[0]]
    for width in widths[1:-1]:
        layers += [width, *between]
    return NeuralNetwork(
        [*layers, widths[-1]],
        [*hidden, output],
        cost=row,
        initializer="zeros",
        l2=words["alpha"],
        dtype=words["dtype"],
        seed=words["seed"],
    )


def move(old: NeuralNetwork, new: NeuralNetwork) -> None:
    """Take over all parameters and statistics where the layers are the same."""
    if old.parameters.segments == new.parameters.segments and old.dtype == new.dtype:
        new.parameters.vector[:], new.statistics.vector[:] = old.parameters.vector, old.statistics.vector
        new.seed = old.seed

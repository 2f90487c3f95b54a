"""scikit-learn's names for entries of glassnet's tables, and the network that an estimator's parameters describe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.errors import ParameterError
from glassnet.network import NeuralNetwork
from glassnet.tables.activations import Activation, activation
from glassnet.tables.costs import Cost, cost, custom_cost
from glassnet.tables.interval import REAL
from glassnet.tables.layers import BatchNorm, Dropout, LayerNorm

SKLEARN_ACTIVATION = {"linear": "identity", "sigmoid": "logistic"}
LOSSES = {
    "squared_error": "quadratic",
    "absolute_error": "absolute",
    "poisson": "poisson_deviance",
    "log_loss": "categorical_cross_entropy",
}


def hidden_widths(hidden_layer_sizes: Any) -> list[int]:
    """hidden_layer_sizes as a list of widths; a single number means one layer."""
    is_list = hasattr(hidden_layer_sizes, "__iter__") and not isinstance(hidden_layer_sizes, str)
    widths = list(hidden_layer_sizes) if is_list else [hidden_layer_sizes]
    if any(not isinstance(width, (int, np.integer)) or isinstance(width, bool) for width in widths):
        raise ParameterError(f"hidden_layer_sizes must be whole numbers such as (100,), got {hidden_layer_sizes!r}.")
    if any(width <= 0 for width in widths):
        raise ParameterError(f"hidden_layer_sizes must be > 0, got {widths}.")
    return [int(width) for width in widths]


def activation_name(entry: Activation) -> str:
    """scikit-learn's name of an activation, or ours where it has none."""
    return SKLEARN_ACTIVATION.get(entry.name, entry.name)


def hidden_activations(given: Any, count: int) -> list[Activation]:
    """The activation of each hidden layer, from one for all layers or a list with one per layer."""
    single = isinstance(given, (str, Activation)) or not isinstance(given, Sequence)
    entries = [activation(one) for one in ([given] * count if single else given)]
    if len(entries) != count:
        given = f"activation has {len(entries)} entries, but hidden_layer_sizes has {count} layers"
        raise ParameterError(f"{given}; give one for each.")
    for entry in entries:
        if not entry.elementwise:
            raise ParameterError(f"activation {entry.name!r} is for the output layer; hidden layers need another.")
    return entries


def is_logistic(given: Any) -> bool:
    """Whether scikit-learn would draw smaller initial weights: only one name for all hidden layers counts."""
    return isinstance(given, str) and activation(given).name == "sigmoid"


def loss_entry(given: Any, outputs: int | None = None) -> Cost:
    """The cost of a name in either library, or the given entry itself; `outputs` is their number, where it is known."""
    try:
        return cost(LOSSES.get(given, given) if isinstance(given, str) else given, outputs)
    except ParameterError as error:
        raise ParameterError(_in_sklearns_words(str(error))) from None


def _in_sklearns_words(message: str) -> str:
    """The message about a loss, where it proposes one of ours that scikit-learn names differently."""
    for theirs, ours in LOSSES.items():
        message = message.replace(f"Did you mean {ours!r}", f"Did you mean {theirs!r} (glassnet's {ours!r})")
    return message.replace("cost '", "loss '", 1) if message.startswith("cost '") else message


def mean_over_outputs(entry: Cost, outputs: int) -> Cost:
    """scikit-learn's loss of several outputs: reported as their mean, but with the gradient of their sum."""
    return custom_cost(f"{entry.name} (mean of outputs)", lambda a, y: entry.value(a, y) / outputs, entry.gradient)


def default_output(entry: Cost) -> str:
    """The output activation that fits a regressor's loss."""
    return "linear" if entry.outputs == REAL else next(iter(entry.pairs), "linear")


def build_network(widths: Sequence[int], hidden: Any, output: Activation, loss: Cost, **options: Any) -> NeuralNetwork:
    """The untrained network; `options` are dropout, batch_norm, layer_norm, alpha, dtype, precision and seed.

    `hidden` is one activation for all hidden layers or a list of them. Normalisation precedes a hidden layer's
    activation, dropout follows it.
    """
    extra: list[Any] = []
    extra += [BatchNorm(before_activation=True)] if options["batch_norm"] else []
    extra += [LayerNorm(before_activation=True)] if options["layer_norm"] else []
    extra += [Dropout(options["dropout"])] if options["dropout"] else []
    layers: list[Any] = [widths[0]]
    for width in widths[1:-1]:
        layers += [width, *extra]
    activations = [*hidden_activations(hidden, len(widths) - 2), output]
    settings = {"l2": options["alpha"], **{name: options[name] for name in ("dtype", "precision", "seed")}}
    return NeuralNetwork([*layers, widths[-1]], activations, cost=loss, initializer="zeros", **settings)


def copy_into(new: NeuralNetwork, old: NeuralNetwork) -> None:
    """Copy all parameters, statistics and the seed from `old`, if both networks have the same layers and dtype."""
    if old.parameters.segments == new.parameters.segments and old.dtype == new.dtype:
        new.parameters.vector[:], new.statistics.vector[:] = old.parameters.vector, old.statistics.vector
        new.model.seed = old.seed

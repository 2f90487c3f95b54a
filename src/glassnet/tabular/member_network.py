"""The network of a member: built, started and trained as the hyperparameters say.

The rates make it the NTK parametrisation of RealMLP, with ordinary weights: each is divided by √fan_in.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from glassnet.network import NeuralNetwork
from glassnet.program.parameters import Segment
from glassnet.tables.costs import CategoricalCrossEntropy, Cost, Quadratic
from glassnet.tables.embeddings import Embedding, PeriodicEmbedding, PiecewiseLinear
from glassnet.tables.layer import Layer
from glassnet.tables.layers import Dropout, ParametricActivation, Scaling
from glassnet.tables.optimizers import Adam, AdamW
from glassnet.tabular.bins import Bins
from glassnet.tabular.hyperparameters import Hyperparameters
from glassnet.tabular.training_data import InputKinds, TrainingData
from glassnet.training.fit import Callback
from glassnet.training.history import History

MAX_INITIAL_ROWS = 8192  # that weights and biases are drawn by
MAX_WAVED = 128  # columns of numbers; more of them would make the waves cost more than the dense layers


def build_network(data: TrainingData, hyperparameters: Hyperparameters, seed: int) -> NeuralNetwork:
    """The untrained network of a member, for data whose rows it will be trained on."""
    hidden: list[Any] = []
    for _ in range(hyperparameters.layers):
        hidden += [
            hyperparameters.width,
            *([ParametricActivation(hyperparameters.activation)] if hyperparameters.parametric else []),
        ]
        hidden += [Dropout(hyperparameters.dropout)] if hyperparameters.dropout else []
    bins = Bins(data.x, data.kinds.numbers, hyperparameters.bins)
    layers = [data.x.shape[1], *bins.layers, *_input_layers(data.kinds, hyperparameters), *hidden, data.outputs]
    activations = ["linear" if hyperparameters.parametric else hyperparameters.activation] * hyperparameters.layers
    activations.append("softmax" if data.are_classes else "linear")
    cost: Cost = CategoricalCrossEntropy(hyperparameters.label_smoothing) if data.are_classes else Quadratic()
    network = NeuralNetwork(layers, activations, cost, "lecun", seed=seed, precision=hyperparameters.precision)
    bins.set_edges_of(network)
    if hyperparameters.from_data:
        every = -(-len(data.x) // MAX_INITIAL_ROWS)
        network.initialize(data.x[::every].T)
    _inplace_initial_values(network, hyperparameters, seed)
    return network


def _input_layers(kinds: InputKinds, hyperparameters: Hyperparameters) -> list[Layer]:
    """What acts on x: waves of numbers, then vectors for codes, then a factor per input."""
    layers: list[Layer] = []
    if hyperparameters.waves and 0 < len(kinds.numbers) <= MAX_WAVED:
        layers.append(PeriodicEmbedding(kinds.numbers, hyperparameters.waves, scale=hyperparameters.wave_scale))
    if kinds.codes:
        layers.append(Embedding(tuple(kinds.codes.values()), tuple(kinds.codes), hyperparameters.level_width))
    return [*layers, *([Scaling()] if hyperparameters.scaling else [])]


def _inplace_initial_values(network: NeuralNetwork, hyperparameters: Hyperparameters, seed: int) -> None:
    rng, last = np.random.default_rng((seed, 1)), hyperparameters.layers
    for layer in range(last if hyperparameters.random_biases and not hyperparameters.from_data else 0):
        network.biases[layer] = rng.normal(size=(hyperparameters.width, 1))
    if hyperparameters.zero_output:
        network.weights[last] = np.zeros(network.weights[last].shape)


def train_network(
    network: NeuralNetwork,
    data: TrainingData,
    hyperparameters: Hyperparameters,
    time_limit: float | None,
    after_epoch: Callback,
) -> History:
    """Train a network by its hyperparameters on one thread, at most so many seconds."""
    y = data.y if data.are_classes else data.y.T
    options = training_options(network, hyperparameters)
    return network.train(
        data.x.T, y, sample_weight=data.weights, callbacks=[after_epoch], time_limit=time_limit, **options
    )


def training_options(network: NeuralNetwork, hyperparameters: Hyperparameters) -> dict[str, Any]:
    """The arguments of `NeuralNetwork.train` by the hyperparameters; the rates make it the NTK parametrisation."""
    factors = {segment.name: _factors(segment, hyperparameters) for segment in network.parameters.segments.values()}
    rates = {name: rate for name, (rate, _) in factors.items()}
    options: dict[str, Any] = {
        **{
            "batch_size": hyperparameters.batch,
            "epochs": hyperparameters.epochs,
            "lr": hyperparameters.lr,
            "schedule": hyperparameters.schedule,
        },
        **{"optimizer": Adam(beta2=hyperparameters.beta2), "lr_factors": rates, "verbose": 0, "threads": 1},
        **{
            "max_norm": hyperparameters.max_norm,
            "dropout_schedule": hyperparameters.dropout_schedule if hyperparameters.dropout else None,
        },
    }
    if hyperparameters.decay:
        optimizer = AdamW(beta2=hyperparameters.beta2, weight_decay=hyperparameters.decay)
        decays = {name: decay for name, (_, decay) in factors.items()}
        options |= {"optimizer": optimizer, "decay_factors": decays, "decay_schedule": hyperparameters.decay_schedule}
    return options


def _factors(segment: Segment, hyperparameters: Hyperparameters) -> tuple[float, float]:
    """The factors on the rate and on the weight decay of some parameters."""
    if segment.is_weight:
        root = sqrt(segment.shape[0])
        return (hyperparameters.first_lr if segment.layer == 1 else 1.0) / root, root
    if segment.name == f"b{segment.layer}":
        return hyperparameters.bias_lr, 0.0
    if segment.name.startswith(PiecewiseLinear.name):
        return 0.0, 0.0  # the edges stay where the quantiles are
    kind = segment.name.rstrip("0123456789").rpartition("_")[2]
    factor = {
        "alpha": hyperparameters.slope_lr,
        "gamma": hyperparameters.scale_lr,
        "vectors": hyperparameters.level_lr,
    }.get(kind, hyperparameters.wave_lr)
    return factor, factor

"""The network of a setup, exactly as its Python code would make it, and settings made to suit the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.toy_sets import TOY_SETS
from glassnet.errors import ParameterError
from glassnet.network import NeuralNetwork
from glassnet.play.run_samples import RunSamples
from glassnet.play.setup import Setup
from glassnet.play.template import Template
from glassnet.tables.costs import COSTS
from glassnet.tables.initializers import Normal

DTYPE = "float64"
DEFAULTS: dict[str, dict[str, Any]] = {
    "one": {"n": 1, "noise": 0.0, "test": 0.0, "shape": (2, 2, 1), "batch": 1, "cost": "quadratic"},
    "spirals": {"n": 300, "noise": 0.05, "shape": (2, 16, 16, 1), "opt": "adam", "lr": 0.01},
    "curve": {"n": 100, "shape": (1, 12, 1), "lr": 0.1},
    "plane": {"shape": (2, 4, 1), "lr": 0.05},
    "clusters": {"shape": (2, 8, 3)},
    "digits": {"n": 1797, "noise": 0.0, "shape": (64, 32, 10), "opt": "adam", "lr": 0.003, "batch": 32},
    "csv": {"n": 200, "noise": 0.0, "shape": (2, 16, 1), "opt": "adam", "lr": 0.01},
    "points": {"n": 200, "noise": 0.0, "test": 0.0},
}


def initializer_of(setup: Setup) -> Any:
    """The initializer: its name, or Normal with the scale behind the colon."""
    name, colon, scale = setup.init.partition(":")
    return Normal(float(scale)) if colon else name


def make_network(setup: Setup, template: Template | None = None) -> NeuralNetwork:
    """The network of a setup, made from a person's own one where there is a template, with its start weights.

    Raises ParameterError where its parts do not fit.
    """
    layers, activations, cost, initializer = list(setup.shape), list(setup.act), setup.cost, setup.init
    if template is not None:
        layers, activations, cost, initializer = template.parts(setup)
    network = NeuralNetwork(
        layers,
        activations,
        cost=cost,
        initializer=initializer_of(setup) if initializer == setup.init else initializer,
        l1=setup.l1,
        l2=setup.l2,
        dtype=DTYPE,
        seed=setup.seed,
        engine=setup.engine,
    )
    if setup.w:
        set_weights(network, setup.w)
    return network


def set_weights(network: NeuralNetwork, values: tuple[float, ...]) -> None:
    """Set all weights and biases, layer by layer, W by rows and then b. Raises ParameterError for another number."""
    wanted = sum(w.size + b.size for w, b in zip(network.weights, network.biases, strict=True))
    if len(values) != wanted:
        raise ParameterError(f"w has {len(values):,} numbers; this network has {wanted:,} weights and biases.")
    numbers, first = np.array(values), 0
    for parameters in zip(network.weights, network.biases, strict=True):
        for array in parameters:
            array[...] = numbers[first : first + array.size].reshape(array.shape)
            first += array.size


def default_setup(data: str) -> Setup:
    """The settings with which a data set opens."""
    setup = Setup()._replace(data=data, **DEFAULTS.get(data, {}))
    numbers = data in TOY_SETS and TOY_SETS[data].kind == "numbers"
    cost = "quadratic" if numbers else setup.cost
    if data == "digits" or data == "clusters":
        cost = "categorical_cross_entropy"
    hidden = ("sigmoid",) if data == "one" else ("relu",) if data == "digits" else ("tanh",)
    output = "linear" if numbers else "softmax" if cost == "categorical_cross_entropy" else "sigmoid"
    return setup._replace(cost=cost, act=hidden * (len(setup.shape) - 2) + (output,))


def suited(setup: Setup, given: set[str], samples: RunSamples) -> tuple[Setup, list[str]]:
    """The setup with its inputs, outputs, output activation and cost made to suit the samples.

    What a person gave and cannot stand is changed with a note; what they did not give just follows.
    """
    if samples.is_ready and (setup.shape[0], setup.shape[-1:]) == (len(samples.x), samples.widths):
        return setup, []
    setup, notes = _with_cost(setup, given, samples)
    widths = (len(samples.x), *setup.shape[1:-1], _width(setup, samples))
    if widths != setup.shape and "shape" in given:
        notes.append(f"shape is {_joined(widths)}: the data have {widths[0]} inputs and need {widths[-1]} outputs.")
    setup = setup._replace(shape=widths, w=setup.w if widths == setup.shape else ())
    hidden = setup.act[:-1] if "act" in given or len(setup.act) == len(widths) - 1 else setup.act[:1] or ("tanh",)
    hidden = (hidden + (hidden or ("tanh",))[-1:] * len(widths))[: len(widths) - 2]
    act = (*hidden, _output_activation(setup, given, numbers=not samples.classes))
    if "act" in given and act != setup.act:
        notes.append(
            f"act is {_joined(act)}: one for each of the {len(act)} layers with weights; the last one suits the cost."
        )
    return setup._replace(act=act), notes


def _joined(values: tuple[Any, ...]) -> str:
    return "-".join(map(str, values))


def cost_kinds(name: str) -> list[str]:
    """What a cost is for: "classes", "numbers" or both."""
    if COSTS[name].targets.high <= 1:
        return ["classes"]
    return ["classes", "numbers"] if name == "quadratic" else ["numbers"]


def _with_cost(setup: Setup, given: set[str], samples: RunSamples) -> tuple[Setup, list[str]]:
    kind, notes = "classes" if samples.classes else "numbers", list[str]()
    if kind in cost_kinds(setup.cost) and not (len(samples.classes) > 2 and setup.cost == "binary_cross_entropy"):
        return setup, notes
    wanted = {True: "quadratic", False: "categorical_cross_entropy"}[kind == "numbers"]
    wanted = "binary_cross_entropy" if len(samples.classes) == 2 else wanted
    if "cost" in given:
        notes.append(f"cost is {wanted}: {setup.cost} does not suit {kind} of this kind.")
    return setup._replace(cost=wanted), notes


def _width(setup: Setup, samples: RunSamples) -> int:
    if setup.cost == "categorical_cross_entropy":
        return len(samples.classes)
    if setup.cost == "binary_cross_entropy" and len(samples.classes) == 2:
        return 1
    return setup.shape[-1] if setup.shape[-1] in samples.widths else samples.widths[0]


def _output_activation(setup: Setup, given: set[str], *, numbers: bool) -> str:
    """The last activation: the person's where it fits the cost, else the one that belongs to it."""
    last = setup.act[-1] if setup.act else ""
    if numbers:
        return last if "act" in given and len(setup.act) > 1 else "linear"
    if setup.cost == "categorical_cross_entropy":
        return "softmax"
    if setup.cost == "binary_cross_entropy":
        return last if last == "sigmoid" else "sigmoid"
    if "cost" in given and "act" not in given and last == "softmax":
        return "sigmoid"
    return last

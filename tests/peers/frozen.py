"""Frozen runs of peers, and the same runs in glassnet: networks and Trainings from the settings in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.network import NeuralNetwork
from glassnet.tables.layers import LAYERS
from glassnet.tables.optimizers import OPTIMIZERS
from glassnet.tables.schedules import Constant
from glassnet.training.recipe import Recipe
from glassnet.training.training import Training

Array = np.ndarray[Any, Any]


class Frozen:
    """One network of a peer's file: its settings and its arrays by name, among them its initial parameters."""

    def __init__(self, peer: str, network: str) -> None:
        self.settings, arrays = read(peer)
        self.about = self.settings["networks"][network]
        prefix = f"{network}/"
        self.arrays = {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}

    def numbers(self, name: str) -> dict[str, Array]:
        """A flat vector as arrays by parameter name, each in glassnet's shape (fan_out, fan_in) or (width, 1)."""
        vector, result, first = self.arrays[name], {}, 0
        for key, shape in self.about["shapes"].items():
            size = int(np.prod(shape))
            if first < len(vector):
                result[key] = vector[first : first + size].reshape(shape[0], -1)
            first += size
        return result

    def sources(self) -> Sources:
        """The data, with samples as rows, as peers and engine read them."""
        y = self.arrays["y"]
        if self.about["cost"] != "categorical_cross_entropy":
            y = y.reshape(len(y), -1).astype(np.float64)
        return Sources(self.arrays["x"], y, self.arrays.get("weights"))

    def network(self, engine: str, l2: float = 0.0) -> NeuralNetwork:
        """The network with its initial parameters."""
        layers = [_layer(entry) if isinstance(entry, dict) else entry for entry in self.about["layers"]]
        options = {"cost": self.about["cost"], "l2": l2, "dtype": "float64", "seed": 0, "engine": engine}
        network = NeuralNetwork(layers, self.about["activations"], **options)
        for name, values in self.numbers("start").items():
            network.parameters[name] = values
        return network

    def training(self, network: NeuralNetwork, run: dict[str, Any], batch_size: int) -> Training:
        """A Training that reads the samples in order."""
        rule = OPTIMIZERS[run["optimizer"]](**run.get("settings", {}))
        rest = {"clip_value": run.get("clip_value"), "shuffle": False}
        return Training(network.model, self.sources(), Recipe(batch_size, 100, run["lr"], rule, Constant(), **rest))

    def trained(self, run: str, engine: str) -> NeuralNetwork:
        """The network after the run's steps."""
        options = self.about["runs"][run]
        network = self.network(engine, options.get("l2", 0.0))
        self.training(network, options, self.settings["batch_size"]).run(steps=self.settings["steps"])
        return network


def _layer(entry: dict[str, Any]) -> Any:
    return LAYERS[entry["name"]](**{key: value for key, value in entry.items() if key != "name"})


@cache
def read(peer: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """The settings and the arrays of a peer's file."""
    with np.load(Path(__file__).with_name(f"{peer}.npz"), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return json.loads(str(arrays.pop("settings"))), arrays


def networks(peer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every network of a peer's file with its settings."""
    yield from read(peer)[0]["networks"].items()


def difference(result: dict[str, Array], expected: dict[str, Array]) -> float:
    """The largest difference between two numbers, relative to the largest number of their array."""
    return max(float(np.abs(result[name] - value).max() / np.abs(value).max()) for name, value in expected.items())

"""Frozen runs of peers, and the same runs in glassnet: from a file's settings to a network and its Training."""

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
    """One network of a peer's file: its settings, its arrays by name, and its first parameters."""

    def __init__(self, peer: str, network: str) -> None:
        self.settings, held = read(peer)
        self.about = self.settings["networks"][network]
        head = f"{network}/"
        self.arrays = {name.removeprefix(head): values for name, values in held.items() if name.startswith(head)}

    def numbers(self, name: str) -> dict[str, Array]:
        """A flat vector as arrays by parameter name, each in glassnet's shape (fan_out, fan_in) or (width, 1)."""
        vector, found, first = self.arrays[name], {}, 0
        for key, shape in self.about["shapes"].items():
            size = int(np.prod(shape))
            if first < len(vector):
                found[key] = vector[first : first + size].reshape(shape[0], -1)
            first += size
        return found

    def sources(self) -> Sources:
        """The data: samples as rows, as the peers hold them and the engine reads them."""
        y = self.arrays["y"]
        if self.about["cost"] != "categorical_cross_entropy":
            y = y.reshape(len(y), -1).astype(np.float64)
        return Sources(self.arrays["x"], y, self.arrays.get("weights"))

    def network(self, engine: str, l2: float = 0.0) -> NeuralNetwork:
        """The network with its first parameters."""
        layers = [_layer(entry) if isinstance(entry, dict) else entry for entry in self.about["layers"]]
        words = {"cost": self.about["cost"], "l2": l2, "dtype": "float64", "seed": 0, "engine": engine}
        network = NeuralNetwork(layers, self.about["activations"], **words)
        for name, values in self.numbers("start").items():
            network.parameters[name] = values
        return network

    def training(self, network: NeuralNetwork, words: dict[str, Any], batch_size: int) -> Training:
        """A Training that reads the samples in order."""
        rule = OPTIMIZERS[words["optimizer"]](**words.get("settings", {}))
        rest = {"clip_value": words.get("clip_value"), "shuffle": False}
        return Training(network.model, self.sources(), Recipe(batch_size, 100, words["lr"], rule, Constant(), **rest))

    def trained(self, run: str, engine: str) -> NeuralNetwork:
        """The network after the run's steps."""
        words = self.about["runs"][run]
        network = self.network(engine, words.get("l2", 0.0))
        self.training(network, words, self.settings["batch_size"]).run(steps=self.settings["steps"])
        return network


def _layer(entry: dict[str, Any]) -> Any:
    return LAYERS[entry["name"]](**{key: value for key, value in entry.items() if key != "name"})


@cache
def read(peer: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """The settings and the arrays of a peer's file."""
    with np.load(Path(__file__).with_name(f"{peer}.npz"), allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}
    return json.loads(str(held.pop("settings"))), held


def networks(peer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every network of a peer's file with its settings."""
    yield from read(peer)[0]["networks"].items()


def difference(found: dict[str, Array], wanted: dict[str, Array]) -> float:
    """The largest difference of a number, relative to the largest of its own array."""
    return max(float(np.abs(found[name] - value).max() / np.abs(value).max()) for name, value in wanted.items())

"""The layers between the prepared inputs and the first dense layer of a member: what it sees of the numbers.

Members that see them differently make different mistakes, so that their average is better than that of equal ones
(docs/tabular.md has the measurements). Bins suit steps and bends, waves what repeats.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.network import NeuralNetwork
from glassnet.tables.embeddings import PeriodicEmbedding, PiecewiseLinear, slopes_and_offsets
from glassnet.tables.layers import Scaling
from glassnet.tabular.recipe import BINNED, PERIODIC, Recipe

Array = np.ndarray[Any, Any]

MAX_NEW_INPUTS = 2048  # of bins or waves; tables with more columns of numbers get fewer for each, or none
MIN_EDGES = 3  # fewer bound one bin, which says nothing that the number does not


class InputLayers:
    """The layers of one member on its inputs x (n, features); `numbers` are the columns that hold numbers."""

    def __init__(self, x: Array, numbers: tuple[int, ...], recipe: Recipe) -> None:
        self.recipe = recipe
        self.columns, self.edges = _binned(x, numbers, recipe.bins) if recipe.view == BINNED else ((), [])
        if recipe.view == PERIODIC and len(numbers) * (recipe.waves - 1) <= MAX_NEW_INPUTS:
            self.columns = numbers

    @property
    def layers(self) -> list[Any]:
        """The layers, in their order."""
        layers: list[Any] = []
        if self.edges:
            layers.append(PiecewiseLinear(self.columns, len(self.edges[0]) - 1))
        elif self.columns:
            layers.append(PeriodicEmbedding(self.columns, outputs=self.recipe.waves))
        return [*layers, Scaling()] if self.recipe.scaling else layers

    def set_edges_of(self, network: NeuralNetwork) -> None:
        """Give the bins of the network their edges."""
        if not self.edges:
            return
        for key, values in slopes_and_offsets(self.edges).items():
            name = next(name for name in network.parameters if name.endswith(f"_{key}"))
            network.parameters[name] = np.array(values)[:, np.newaxis]


def _binned(x: Array, numbers: tuple[int, ...], bins: int) -> tuple[tuple[int, ...], list[list[float]]]:
    """The columns that get bins, and the edges of these: quantiles of the column, with empty bins where few differ."""
    bins = min(bins, MAX_NEW_INPUTS // max(len(numbers), 1))
    if bins < MIN_EDGES - 1 or not numbers:
        return (), []
    quantiles = np.quantile(x[:, numbers], np.linspace(0, 1, bins + 1), axis=0).T
    distinct = {column: np.unique(edges) for column, edges in zip(numbers, quantiles, strict=True)}
    distinct = {column: edges for column, edges in distinct.items() if len(edges) >= MIN_EDGES}
    return tuple(distinct), [_extended(edges, bins) for edges in distinct.values()]


def _extended(edges: Array, bins: int) -> list[float]:
    """The edges of exactly `bins` bins: those beyond the last edge are never reached."""
    beyond = np.arange(1, bins + 2 - len(edges)) + float(edges[-1])
    return [*edges.tolist(), *beyond.tolist()]

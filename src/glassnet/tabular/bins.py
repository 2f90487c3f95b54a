"""The bins of the numbers that a member sees beside the numbers themselves: where they lie, and the layer they make."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.network import NeuralNetwork
from glassnet.tables.embeddings import PiecewiseLinear, slopes_and_offsets
from glassnet.tables.layer import Layer

Array = np.ndarray[Any, Any]

MAX_INPUTS = 2048  # of all bins of a table; one with many columns of numbers gets fewer for each, or none
MIN_EDGES = 3  # fewer bound one bin, which says nothing that the number does not
MIN_BINS = 4  # for each column where columns are many


class Bins:
    """At most `bins` bins for each of the columns `numbers` of x (n, features), with quantiles as their edges."""

    def __init__(self, x: Array, numbers: tuple[int, ...], bins: int) -> None:
        self.count = min(bins, MAX_INPUTS // max(len(numbers), 1))
        self.edges: dict[int, list[float]] = {}
        if not numbers or self.count < min(bins, MIN_BINS) or self.count < MIN_EDGES - 1:
            return
        quantiles = np.quantile(x[:, numbers], np.linspace(0, 1, self.count + 1), axis=0).astype(np.float64).T
        for column, edges in zip(numbers, map(np.unique, quantiles), strict=True):
            if len(edges) >= MIN_EDGES:
                self.edges[column] = self._completed(edges)

    def _completed(self, edges: Array) -> list[float]:
        """The edges of exactly `count` bins; where too few differ, the last bins lie beyond all numbers."""
        beyond = np.arange(1, self.count + 2 - len(edges)) + float(edges[-1])
        return [*edges.tolist(), *beyond.tolist()]

    @property
    def layers(self) -> list[Layer]:
        """The layer that makes them, or none where no column has bins."""
        return [PiecewiseLinear(tuple(self.edges), self.count)] if self.edges else []

    def set_edges_of(self, network: NeuralNetwork) -> None:
        """Give the layer in `network` these edges."""
        values = slopes_and_offsets(list(self.edges.values()))
        for name in network.parameters:
            if name.startswith(PiecewiseLinear.name):
                network.parameters[name] = np.array(values[name.rpartition("_")[2]])[:, np.newaxis]

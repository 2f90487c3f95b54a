"""A person's own network as what a run is made from: entries with settings of their own, and layers without weights.

A setup names activations, cost, initializer and optimiser. Where it names what the network has at the same place, the
network's own entry is taken, such as LeakyReLU(0.3), and else that of the table; the layers between stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from glassnet.execution.model import Model
from glassnet.play.setup import Setup
from glassnet.program.architecture import Dense
from glassnet.program.parameters import Parameters
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS
from glassnet.tables.entry import is_plain
from glassnet.tables.initializers import INITIALIZERS
from glassnet.tables.optimizers import OPTIMIZERS, Optimizer

TABLES: dict[str, Any] = {"act": ACTIVATIONS, "cost": COSTS, "opt": OPTIMIZERS, "init": INITIALIZERS}


class Start(NamedTuple):
    """The parameters and running statistics with which a run begins."""

    parameters: Parameters
    statistics: Parameters

    @classmethod
    def of(cls, model: Model) -> Start:
        """Copies of those of a model."""
        return cls(*map(_copy, (model.parameters, model.statistics)))

    def put_into(self, model: Model) -> None:
        """Give a model of the same layers these parameters; one of others keeps its own."""
        pairs = list(zip(self, (model.parameters, model.statistics), strict=True))
        if all(_shapes(own) == _shapes(other) for own, other in pairs):
            for own, other in pairs:
                other.vector[:] = own.vector


def _copy(parameters: Parameters) -> Parameters:
    copy = parameters.like()
    copy.vector[:] = parameters.vector
    return copy


def _shapes(parameters: Parameters) -> dict[str, tuple[int, ...]]:
    return {name: segment.shape for name, segment in parameters.segments.items()}


class Template:
    """A network, and the optimiser that trains it."""

    def __init__(self, model: Model, optimizer: Optimizer) -> None:
        self.model, self.architecture, self.optimizer = model, model.architecture, optimizer

    def parts(self, setup: Setup) -> tuple[list[Any], list[Any], Any, Any]:
        """The layers, activations, cost and initializer of a setup's network, as NeuralNetwork takes them."""
        activations = [self._entry(own.activation if own else None, name) for own, name in self._placed(setup)]
        cost = self._entry(self.architecture.cost, setup.cost)
        return self._layers(setup), activations, cost, self._entry(self.model.initializer, setup.init)

    def optimizer_of(self, setup: Setup) -> Any:
        """The optimiser that a setup names."""
        return self._entry(self.optimizer, setup.opt)

    def _placed(self, setup: Setup) -> Iterator[tuple[Dense | None, str]]:
        """The name of each activation of a setup, with the network's own layer at its place: first with first, last
        with last.
        """
        *hidden, last = self.architecture.dense
        for position, name in enumerate(setup.act):
            if position == len(setup.act) - 1:
                yield last, name
            else:
                yield (hidden[position] if position < len(hidden) else None), name

    def _layers(self, setup: Setup) -> list[Any]:
        layers = [setup.shape[0], *self.architecture.input_layers]
        for (own, _), width in zip(self._placed(setup), setup.shape[1:], strict=True):
            layers += [width, *((*own.before, *own.after) if own else ())]
        return layers

    @staticmethod
    def _entry(own: Any, name: str) -> Any:
        return own if own is not None and own.name == name else name

    # What a page must know ------------------------------------------------------------------------------------------

    def entries(self) -> dict[str, list[Any]]:
        """The entries by setting that are not those of the tables."""
        all_entries: dict[str, list[Any]] = {
            "act": [dense.activation for dense in self.architecture.dense],
            "cost": [self.architecture.cost],
            "opt": [self.optimizer],
            "init": [self.model.initializer],
        }
        return {key: [entry for entry in each if not is_plain(entry, TABLES[key])] for key, each in all_entries.items()}

    def names(self) -> dict[str, set[str]]:
        """The names of these entries: a person may choose them again, even those that no table has."""
        return {key: {entry.name for entry in each} for key, each in self.entries().items()}

    def kind(self) -> tuple[Any, ...]:
        """What decides which kernels it needs, beside the names in a setup."""
        return tuple(map(repr, (*self.architecture.input_layers, *self.architecture.dense, self.architecture.cost)))

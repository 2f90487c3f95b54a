"""A Training that notes the cost of each step, and how one is made for a setup and its samples.

It runs the same steps as `NeuralNetwork.train`: the number of epochs is only a limit, which no equation reads.
"""

from __future__ import annotations

from typing import Any

from glassnet.batches.mini_batches import EpochBlock
from glassnet.frames.samples import Samples
from glassnet.network import NeuralNetwork
from glassnet.play.cost_log import CostLog
from glassnet.play.network import make_network
from glassnet.play.setup import Setup
from glassnet.play.template import Template
from glassnet.program.parameters import Array
from glassnet.training.settings import checked_recipe
from glassnet.training.training import Training

MAX_EPOCHS = 10**9
MAX_REPORTS = 1000  # of finished epochs that are kept; a run at full speed finishes thousands per second


class RecordedTraining(Training):
    """A run whose costs go to some logs."""

    network: NeuralNetwork  # whose model is trained
    logs: tuple[CostLog, ...] = ()

    def _account(self, block: EpochBlock, first: int, costs: Array, rates: Array) -> None:
        for log in self.logs:
            log.add(self.counters.step, costs)
        super()._account(block, first, costs, rates)
        if len(self.counters.reports) > MAX_REPORTS:
            del self.counters.reports[1::2]

    def light_state(self) -> dict[str, Any]:
        """The state without the reports of all epochs, which would grow with every snapshot."""
        counters = {name: value for name, value in vars(self.counters).items() if name != "reports"}
        return {"arrays": self._arrays(), **counters, "reports": []}


def open_training(setup: Setup, samples: Samples, template: Template | None = None) -> RecordedTraining:
    """A run of a setup at its first step; `setup` has no changes in it (see Setup.at)."""
    network = make_network(setup, template)
    options = {"optimizer": setup.opt if template is None else template.optimizer_of(setup)}
    recipe = checked_recipe(tuple(network.parameters.segments.values()), setup.batch, MAX_EPOCHS, setup.lr, options)
    sources = samples.part(samples.trained)
    recipe = recipe._replace(batch_size=min(recipe.batch_size, len(sources.x)))
    training = RecordedTraining(network.model, sources, recipe)
    training.network = network
    return training


def adopted_state(state: dict[str, Any], before: Setup, after: Setup) -> dict[str, Any]:
    """The state with which a run goes on when settings change: parameters stay, the rest where it still fits.

    Another optimiser starts with states of 0. Another batch size begins the present epoch again, since its batches are
    cut differently.
    """
    arrays = dict(state["arrays"])
    if before.opt != after.opt:
        arrays = {name: values for name, values in arrays.items() if not name.startswith("state")}
    state = state | {"arrays": arrays}
    if before.batch != after.batch:
        state |= {"batch": 0, "cost_sum": 0.0, "weight_sum": 0.0}
    return state

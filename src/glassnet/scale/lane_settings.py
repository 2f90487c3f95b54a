"""The settings of a run in lanes: what a person passes, checked, and what is recorded in the model."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from glassnet.errors import ParameterError
from glassnet.execution.model import Model
from glassnet.scale.round_length import StateSize, steps_per_round
from glassnet.training.recipe import Recipe
from glassnet.training.settings import positive, whole

LANES = 8
MAX_LANES = 1024
WARM_UP = 1.0  # epochs
MAX_FACTOR = 3.0  # on the learning rate, which may be as large as is stable already
OUTER_MOMENTUM = 0.5
LANES_WITH_MOMENTUM = 4  # from which on the mean moves less far than one process; docs/scale.md has the measurements


class LaneOptions(NamedTuple):
    """What a person asks for; None leaves the choice to the rules of this file."""

    lanes: int = LANES
    steps_per_round: int | None = None
    rate_factor: float | None = None
    warm_up: float = WARM_UP
    outer_momentum: float | None = None

    @classmethod
    def checked(
        cls, lanes: Any, steps_per_round: Any, rate_factor: Any, warm_up: Any, outer_momentum: Any
    ) -> LaneOptions:
        """The options, each checked. Raises ParameterError or ParameterTypeError."""
        if whole("lanes", lanes) > MAX_LANES:
            raise ParameterError(f"lanes is {lanes:,}; it must be at most {MAX_LANES:,}.")
        return cls(
            whole("lanes", lanes),
            None if steps_per_round is None else whole("steps_per_round", steps_per_round),
            None if rate_factor is None else positive("rate_factor", rate_factor),
            positive("warm_up", warm_up),
            None if outer_momentum is None else _fraction("outer_momentum", outer_momentum),
        )

    def settings(self, model: Model, recipe: Recipe, lanes: int, batches_per_epoch: int) -> LaneSettings:
        """The settings of a run on blocks that were dealt to `lanes`."""
        factor = default_rate_factor(lanes) if self.rate_factor is None else self.rate_factor
        momentum = default_outer_momentum(lanes, recipe)
        if self.outer_momentum is not None:
            momentum = self.outer_momentum
        steps = self.steps_per_round
        if steps is None:
            size = StateSize(model.parameters.count, 1 + len(recipe.optimizer.states), model.dtype.itemsize)
            steps = steps_per_round(size, recipe.batch_size, lanes, batches_per_epoch)
        return LaneSettings(lanes, min(steps, batches_per_epoch), factor, self.warm_up, momentum)


class LaneSettings(NamedTuple):
    """What defines the lanes of a run; a model and its checkpoint have them.

    Each lane makes `steps_per_round` steps (τ) between two averages. The learning rate is multiplied by `rate_factor`,
    to which it rises over the first `warm_up` epochs. `outer_momentum` is that of the steps between rounds.
    """

    lanes: int
    steps_per_round: int
    rate_factor: float = 1.0
    warm_up: float = WARM_UP
    outer_momentum: float = 0.0

    def described(self) -> dict[str, float]:
        """The settings by name, as a History, a model file and a checkpoint have them."""
        return self._asdict()


def default_rate_factor(lanes: int) -> float:
    """The factor on the learning rate for so many lanes; docs/scale.md has the measurements."""
    return min(math.sqrt(lanes), MAX_FACTOR)


def default_outer_momentum(lanes: int, recipe: Recipe) -> float:
    """The momentum of the steps between rounds; none where these could leave the limit of the weights' norm.

    The rate's factor alone makes up for few lanes.
    """
    return OUTER_MOMENTUM if lanes >= LANES_WITH_MOMENTUM and recipe.max_norm is None else 0.0


def _fraction(name: str, value: Any) -> float:
    """A number of at least 0 and below 1."""
    number = 0.0 if value == 0 else positive(name, value)
    if number >= 1:
        raise ParameterError(f"{name} is {value!r}; it must be below 1.")
    return number

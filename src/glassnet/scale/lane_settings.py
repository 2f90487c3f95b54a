"""The settings of a run in lanes: what a person passes, checked, and what is recorded in the model."""

from __future__ import annotations

from typing import Any, NamedTuple

from glassnet.errors import ParameterError
from glassnet.execution.model import Model
from glassnet.scale.round_length import steps_per_round
from glassnet.training.settings import positive, whole

LANES = 8
MAX_LANES = 1024
WARM_UP = 1.0  # epochs


class LaneOptions(NamedTuple):
    """What a person asks for; None leaves the choice to the rules of this file."""

    lanes: int = LANES
    steps_per_round: int | None = None
    rate_factor: float | None = None
    warm_up: float = WARM_UP

    @classmethod
    def checked(cls, lanes: Any, steps_per_round: Any, rate_factor: Any, warm_up: Any) -> LaneOptions:
        """The options, each checked. Raises ParameterError or ParameterTypeError."""
        if whole("lanes", lanes) > MAX_LANES:
            raise ParameterError(f"lanes is {lanes:,}; it must be at most {MAX_LANES:,}.")
        return cls(
            whole("lanes", lanes),
            None if steps_per_round is None else whole("steps_per_round", steps_per_round),
            None if rate_factor is None else positive("rate_factor", rate_factor),
            positive("warm_up", warm_up),
        )

    def settings(self, model: Model, lanes: int, vectors: int, batch_size: int, batches_per_epoch: int) -> LaneSettings:
        """The settings of a run on blocks that were dealt to `lanes`; `vectors` are averaged after each round."""
        factor = default_rate_factor(lanes) if self.rate_factor is None else self.rate_factor
        steps = self.steps_per_round
        if steps is None:
            itemsize = model.dtype.itemsize
            steps = steps_per_round(model.parameters.count, vectors, itemsize, batch_size, lanes, batches_per_epoch)
        return LaneSettings(lanes, min(steps, batches_per_epoch), factor, self.warm_up)


class LaneSettings(NamedTuple):
    """What defines the lanes of a run; a model and its checkpoint have them.

    Each lane makes `steps_per_round` steps (τ) between two averages. The learning rate is multiplied by `rate_factor`,
    to which it rises over the first `warm_up` epochs.
    """

    lanes: int
    steps_per_round: int
    rate_factor: float = 1.0
    warm_up: float = WARM_UP

    def described(self) -> dict[str, float]:
        """The settings by name, as a History, a model file and a checkpoint have them."""
        return self._asdict()


def default_rate_factor(lanes: int) -> float:
    """The factor on the learning rate that does best for so many lanes (docs/scale.md has the measurements)."""
    return float(min(lanes, 4))

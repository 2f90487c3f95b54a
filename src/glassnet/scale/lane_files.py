"""The checkpoint of a run in lanes: the file of any other run, written after every round.

It says what the run depends on, which is neither a cluster nor its size: it goes on with or without Dask.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glassnet.errors import ModelFileError, ParameterError
from glassnet.estimators.base_mlp import BaseMLP
from glassnet.files.checkpoint import CheckpointWriter, read_checkpoint
from glassnet.files.model_file import describe_model
from glassnet.files.run_description import describe_recipe
from glassnet.scale.lane_run import LaneTraining
from glassnet.tables.entry import Entry, describe
from glassnet.training.history import Report
from glassnet.training.layer_measures import LayerHistory
from glassnet.training.recipe import Recipe

OF_NO_EFFECT = ("verbose", "callbacks", "time_limit", "threads", "progress", "random_state", "client", "timeout")
IN_SETTINGS = (
    "lanes",
    "steps_per_round",
    "rate_factor",
    "warm_up",
    "outer_momentum",
)  # parameters of a DaskMLPClassifier


class LaneCheckpoint(CheckpointWriter):
    """Writes a checkpoint after each round, or after the first round that ends `every` steps or more after the last."""

    def __init__(self, training: LaneTraining, path: Path, every: int | None, description: dict[str, Any]) -> None:
        super().__init__(training, path, every, description)
        self.last_step = training.counters.step

    def steps_left(self) -> int:
        """One step is one round."""
        return 1

    def after_steps(self) -> None:
        """Write the checkpoint, if it is time."""
        if self.training.counters.step - self.last_step >= (self.every or 1):
            self.save()

    def after_epoch(self, report: Report, layers: LayerHistory) -> None:
        """No-op: `after_steps` follows."""

    def save(self) -> None:
        """Write the checkpoint now."""
        self.last_step = self.training.counters.step
        super().save()


def describe_lanes(training: LaneTraining, recipe: Recipe) -> dict[str, Any]:
    """What must be the same for a run to go on: the model, the recipe as a person gave it, the lanes and the data."""
    return {**describe_recipe(recipe), **_describe_run(training)}


def describe_estimator_lanes(training: LaneTraining, estimator: BaseMLP) -> dict[str, Any]:
    """The same for an estimator, whose parameters are its recipe."""
    parameters = estimator.get_params(deep=False)
    plain = {name: _plain(value) for name, value in parameters.items() if name not in (*OF_NO_EFFECT, *IN_SETTINGS)}
    return {"parameters": plain, "order": list(training.key), **_describe_run(training)}


def _plain(value: Any) -> Any:
    """A parameter as plain data."""
    if isinstance(value, Entry):
        return describe(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)


def _describe_run(training: LaneTraining) -> dict[str, Any]:
    data, held_out = training.runner.data, training.held_out
    return {
        **describe_model(training.model),
        "lanes": training.settings.described(),
        "data": data.digest,
        "blocks": list(data.sizes),
        "validation data": list(data.validation_sizes) if held_out is None else held_out.fraction,
    }


def restore(training: LaneTraining, path: Path, description: dict[str, Any]) -> None:
    """Go on from a checkpoint. Raises ModelFileError where it is damaged or belongs to another run."""
    try:
        training.restore(read_checkpoint(path, training, description))
    except ParameterError as error:
        raise ModelFileError(f"{path} is a damaged checkpoint: {error}") from None

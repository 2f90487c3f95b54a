"""Trains a NeuralNetwork in lanes: what `NeuralNetwork.train` does for data in one place, for blocks and a runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from glassnet.batches.sources import checked_fraction
from glassnet.batches.streamed_sources import HeldOut
from glassnet.batches.targets import target_classes
from glassnet.errors import DataError, DivergedError, ParameterError, unknown_name
from glassnet.files.run_files import RunFiles, checked_files
from glassnet.frames.reporter import Reporter
from glassnet.network import NeuralNetwork
from glassnet.scale.lane_files import LaneCheckpoint, describe_lanes, restore
from glassnet.scale.lane_run import LaneTraining, Runner, training_sizes
from glassnet.scale.lane_settings import LaneOptions
from glassnet.scale.lane_validation import LaneValidation, checked_metric
from glassnet.scale.lanes import epoch_batches_of_lanes
from glassnet.scale.local import limit_threads
from glassnet.training.fit import Observer, Run, fit
from glassnet.training.history import History
from glassnet.training.recipe import Recipe
from glassnet.training.settings import checked_recipe, checked_run

RECIPE_OPTIONS = (
    *("optimizer", "schedule", "patience", "clip_norm", "clip_value", "lr_factors", "decay_factors"),
    *("decay_schedule", "dropout_schedule", "max_norm", "validation_metric"),
)
RUN_OPTIONS = ("time_limit", "callbacks", "verbose", "threads")
FILE_OPTIONS = ("checkpoint", "every", "resume")
OPTIONS = ("batch_size", "epochs", "lr", *RECIPE_OPTIONS, *RUN_OPTIONS, *FILE_OPTIONS)


class NetworkArguments(NamedTuple):
    """The arguments of `train` that a run in lanes has too, checked before any data are read.

    `validation` is the fraction of each block to hold out, or None.
    """

    recipe: Recipe
    run: Run
    files: RunFiles
    metric: Any
    validation: float | None

    @classmethod
    def checked(cls, network: NeuralNetwork, options: Mapping[str, Any], validation: Any) -> NetworkArguments:
        """Check them. Raises ParameterError, ParameterTypeError or ModelFileError."""
        for name in options:
            if name not in OPTIONS:
                raise unknown_name("the argument", name, OPTIONS)
        given = {"optimizer": "sgd", "batch_size": 10, "epochs": 100, "lr": 0.001, **options}
        segments = tuple(network.parameters.segments.values())
        recipe = checked_recipe(segments, given["batch_size"], given["epochs"], given["lr"], given)
        run = [given.get(name, default) for name, default in zip(RUN_OPTIONS, (None, (), None, None), strict=True)]
        files = checked_files(given.get("checkpoint"), given.get("every"), given.get("resume", False), None)
        fraction = None if validation is None else checked_fraction(validation)
        return cls(recipe, checked_run(*run), files, given.get("validation_metric"), fraction)


def fit_network(
    network: NeuralNetwork, arguments: NetworkArguments, lanes: LaneOptions, open_runner: Callable[[], Runner]
) -> History:
    """Train and return the History; `open_runner` reads the data, and the runner is closed at the end."""
    with network.training_lock.alone():
        runner = open_runner()
        try:
            limit_threads(runner, arguments.run.threads)
            training = _training(network, arguments, lanes, runner)
            observers = _observers(training, arguments)
            return _run(network, training, arguments.run._replace(observers=observers))
        finally:
            runner.close()


def _training(network: NeuralNetwork, arguments: NetworkArguments, lanes: LaneOptions, runner: Runner) -> LaneTraining:
    model, data = network.model, runner.data
    held_out = None if arguments.validation is None else HeldOut(arguments.validation, model.seed)
    training = lane_training(model, runner, arguments.recipe._replace(run=network.runs), lanes, held_out)
    if held_out is not None or data.validation_sizes:
        is_class = target_classes(model.architecture, data.samples.y) is not None
        training.evaluate = LaneValidation(training, checked_metric(arguments.metric, is_class))
    elif arguments.recipe.judges:
        name = "patience" if arguments.recipe.patience is not None else "validation_metric"
        raise ParameterError(f"{name} needs validation data: pass validation=0.1 or validation=(x, y).")
    return training


def lane_training(
    model: Any,
    runner: Runner,
    recipe: Recipe,
    lanes: LaneOptions,
    held_out: HeldOut | None = None,
    key: tuple[int, int] | None = None,
) -> LaneTraining:
    """A run in lanes with the settings that its data, network and optimiser ask for."""
    data = runner.data
    sizes = training_sizes(data.sizes, held_out)
    if min(sizes) < 1:
        raise DataError(f"a block of {min(data.sizes)} rows has none left to train on; take larger blocks.")
    recipe = recipe._replace(batch_size=min(recipe.batch_size, max(sizes)))
    batches = epoch_batches_of_lanes(sizes, data.lanes, recipe.batch_size)
    settings = lanes.settings(model, recipe, data.lanes, batches)
    training = LaneTraining(model, runner, recipe, settings, held_out, key)
    training.executor.warnings.extend(data.notes)  # the History has them
    return training


def _observers(training: LaneTraining, arguments: NetworkArguments) -> tuple[Observer, ...]:
    """Go on from the checkpoint where that was asked for, and begin to write it."""
    files = arguments.files
    if files.checkpoint is None:
        return ()
    description = describe_lanes(training, arguments.recipe._replace(run=training.recipe.run))
    if files.resume and files.checkpoint.exists():
        restore(training, files.checkpoint, description)
    return (LaneCheckpoint(training, files.checkpoint, files.every, description),)


def _run(network: NeuralNetwork, training: LaneTraining, run: Run) -> History:
    """Take the run to its end, and leave in the network what `train` leaves there."""
    samples = training.runner.data.samples
    network._is_stopped = False
    keep: Any = partial(Reporter, keep_data=False)
    run = run._replace(is_stopped=lambda: network._is_stopped, keep=keep)
    try:
        network.history = fit(training, run, samples)
    except DivergedError as error:
        network.history = error.history
        raise
    finally:
        network.recent_samples = samples
        if network.history is not None:
            network.history.lanes = training.settings.described()
            network.history.communication = training.runner.communication
            network.history.warnings += training.runner.warnings
    network.runs += 1
    return network.history

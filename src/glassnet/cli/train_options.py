"""The options of `glassnet train` that shape a network and its training: their checks, and the untrained network."""

from __future__ import annotations

from typing import Any, NamedTuple

from glassnet.cli.dataset import check_fraction
from glassnet.cli.output_layer import choose_output_layer, keeps_units
from glassnet.data.target import TargetColumn
from glassnet.errors import ParameterError, unknown_name
from glassnet.execution.executor import usable_precision
from glassnet.network import NeuralNetwork
from glassnet.program.architecture import penalty
from glassnet.program.precision import NETWORK_PRECISIONS
from glassnet.tables.activations import activation
from glassnet.tables.initializers import initializer
from glassnet.tables.layers import Dropout
from glassnet.tables.optimizers import optimizer
from glassnet.tables.schedules import schedule
from glassnet.training.settings import positive, whole


class TrainOptions(NamedTuple):
    """The options, by the names of the command line."""

    hidden: list[int]
    activation: str = "relu"
    cost: str = "auto"
    initializer: str = "auto"
    dropout: float = 0.0
    l2: float = 0.0
    precision: str = "float32"
    optimizer: str = "adam"
    schedule: str = "one_cycle"
    lr: float = 0.0005
    batch_size: int = 64
    epochs: int = 20
    patience: int | None = None
    validation: float = 0.2
    seed: int = 0
    threads: int | None = None
    quiet: bool = False
    time_limit: float | None = None
    checkpoint: str | None = None
    every: int | None = None
    resume: bool = False


def check_options(options: TrainOptions) -> None:
    """Check the options before any data is read. Raises ParameterError (a ValueError) for one that cannot be used."""
    for name in ("batch_size", "epochs", "patience", "threads", "every"):
        if getattr(options, name) is not None:
            whole(name, getattr(options, name))
    if options.checkpoint is None and (options.resume or options.every is not None):
        raise ParameterError(f"{'--resume' if options.resume else '--every'} needs --checkpoint, the file of the run.")
    positive("lr", options.lr)
    optimizer(options.optimizer)
    schedule(options.schedule)
    if not activation(options.activation).elementwise:
        raise ParameterError(f"activation {options.activation!r} is for the last layer; hidden layers need another.")
    keeps_units(options.cost)
    initializer(options.initializer)
    penalty("l2", options.l2)
    Dropout(rate=options.dropout)
    check_precision(options.precision)
    check_fraction(options.validation)
    if options.seed < 0:
        raise ParameterError(f"seed is {options.seed}; it must be 0 or more.")


def check_precision(precision: str) -> None:
    """Check the precision of a network. Raises ParameterError (a ValueError) for one that cannot be used here."""
    if precision not in NETWORK_PRECISIONS:
        raise unknown_name("precision", precision, NETWORK_PRECISIONS)
    usable_precision(precision, "float32", "compiled", "leave --precision out")


def smaller_rate(options: TrainOptions) -> str:
    """What to do where a training with these options diverged."""
    peak = " (one_cycle peaks at ten times it)" if options.schedule == "one_cycle" else ""
    return f"Try a smaller --lr{peak}"


def make_network(inputs: int, target: TargetColumn, options: TrainOptions) -> NeuralNetwork:
    """Make the untrained network for so many inputs and a target."""
    output = choose_output_layer(options.cost, target)
    layers: list[Any] = [inputs]
    for width in options.hidden:
        layers += [width, Dropout(rate=options.dropout)] if options.dropout else [width]
    activations = [options.activation] * len(options.hidden) + [output.activation]
    settings = {name: getattr(options, name) for name in ("initializer", "l2", "seed", "precision")}
    return NeuralNetwork([*layers, output.width], activations, cost=output.cost, **settings)

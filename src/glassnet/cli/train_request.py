"""What `glassnet train` is asked for: the file, the model, and which of the two kinds of model learns it.

A table is learnt by a tabular model; a network option, or a file of arrays, asks for a plain network.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any, NamedTuple

from glassnet.cli.dataset import holds_arrays
from glassnet.cli.options import reading_options
from glassnet.cli.output_paths import check_folder, check_output
from glassnet.cli.tabular_options import TabularOptions, check_tabular_options
from glassnet.cli.train_options import TrainOptions, check_options
from glassnet.data.options import ReadingOptions
from glassnet.errors import ParameterError
from glassnet.training.settings import positive

OF_NETWORKS = (
    *("hidden", "activation", "cost", "optimizer", "schedule", "initializer", "lr", "batch_size", "epochs"),
    *("validation", "patience", "dropout", "l2", "checkpoint", "every", "resume"),
)
OF_TABULAR_MODELS = ("preset", "metric", "class_weight", "log_target")


class TrainRequest(NamedTuple):
    """The request, checked as far as it can be before any data is read.

    `network` or `tabular` are the options of the model that is trained, the other is None; `reason` says why this one.
    """

    file: str
    out: str
    target: str | None
    task: str
    reading: ReadingOptions
    plots: str | None
    progress: str
    network: TrainOptions | None
    tabular: TabularOptions | None
    reason: str


def train_request(arguments: dict[str, Any], given: Collection[str]) -> TrainRequest:
    """The request of the command's arguments, of which some were given. Raises for what cannot be used."""
    progress = arguments["progress"]
    quiet = arguments["quiet"] or progress != "auto"
    names = {**arguments, "quiet": quiet}
    is_tabular, reason = choose_model(arguments["file"], given)
    network = None if is_tabular else TrainOptions(**{name: names[name] for name in TrainOptions._fields})
    tabular = TabularOptions(**{name: names[name] for name in TabularOptions._fields}) if is_tabular else None
    if arguments["time_limit"] is not None:
        positive("time_limit", arguments["time_limit"])
    check_options(network) if network is not None else check_tabular_options(tabular)
    check_output(arguments["out"], arguments["file"])
    if arguments["checkpoint"] is not None:
        check_output(arguments["checkpoint"], arguments["file"], arguments["out"])
        if os.path.abspath(arguments["checkpoint"]) == os.path.abspath(arguments["out"]):
            raise ParameterError(f"--checkpoint and --out are both {arguments['out']}; give each its own file.")
    if arguments["plots"]:
        check_folder(arguments["plots"])
    file = {name: arguments[name] for name in ("file", "out", "target", "task", "plots")}
    return TrainRequest(
        **file, reading=reading_options(arguments), progress=progress, network=network, tabular=tabular, reason=reason
    )


def choose_model(file: str, given: Collection[str]) -> tuple[bool, str]:
    """Whether a tabular model learns the file, and why. Raises ParameterError for options of both kinds of model."""
    network = [option_name(name) for name in OF_NETWORKS if name in given]
    tabular = [option_name(name) for name in OF_TABULAR_MODELS if name in given]
    if network and tabular:
        raise ParameterError(f"{network[0]} trains a plain network, {tabular[0]} the tabular model; give one of them.")
    if network:
        return False, f"{' and '.join(network) if len(network) < 3 else f'{network[0]} and others'} given"
    if holds_arrays(file):
        if tabular:
            raise ParameterError(f"{tabular[0]} is for tables, but {file} holds arrays; leave it out.")
        return False, "arrays without column names"
    return True, "--hidden or another network option trains a plain network"


def option_name(argument: str) -> str:
    """The option as it is written on the command line."""
    return f"--{argument.replace('_', '-')}"

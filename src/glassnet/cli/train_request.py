"""What `glassnet train` is asked for: the file, the model, and which of the two kinds of model learns it.

A table is learnt by a tabular model; a network option, or a file of arrays, asks for a plain network.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any, NamedTuple

from glassnet.cli.available_memory import exceeds_memory
from glassnet.cli.dataset import holds_arrays
from glassnet.cli.options import reading_options
from glassnet.cli.output_paths import check_folder, check_output
from glassnet.cli.tabular_options import TabularOptions, check_tabular_options
from glassnet.cli.train_options import TrainOptions, check_options
from glassnet.data.options import ReadingOptions
from glassnet.data.reading import FilePath, file_kind, seekable
from glassnet.errors import ParameterError
from glassnet.files.replacing import MODEL
from glassnet.training.settings import positive

OF_NETWORKS = (
    *("hidden", "activation", "cost", "optimizer", "schedule", "initializer", "lr", "batch_size", "epochs"),
    *("validation", "patience", "dropout", "l2", "checkpoint", "every", "resume"),
)
REQUESTED = "as requested"  # a reason to read a file block by block
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
    report: str | None
    progress: str
    network: TrainOptions | None
    tabular: TabularOptions | None
    reason: str
    source: FilePath  # the file, or what came through it where it is a pipe
    streamed: bool = False  # the file is read block by block


def train_request(arguments: dict[str, Any], given: Collection[str]) -> TrainRequest:
    """The request of the command's arguments, of which some were given. Raises for what cannot be used."""
    progress, file = arguments["progress"], arguments["file"]
    quiet = arguments["quiet"] or progress != "auto"
    names = {**arguments, "quiet": quiet}
    source = seekable(file)
    is_of_arrays = holds_arrays(source)
    in_memory = is_of_arrays and file_kind(source) != "npy"
    too_large = REQUESTED if arguments["stream"] else "" if in_memory else exceeds_memory(source)
    is_tabular, reason = choose_model(file, given, is_of_arrays, too_large)
    network = None if is_tabular else TrainOptions(**{name: names[name] for name in TrainOptions._fields})
    tabular = TabularOptions(**{name: names[name] for name in TabularOptions._fields}) if is_tabular else None
    if arguments["time_limit"] is not None:
        positive("time_limit", arguments["time_limit"])
    check_options(network) if network is not None else check_tabular_options(tabular)
    _check_paths(arguments)
    paths = {name: arguments[name] for name in ("file", "out", "target", "task", "plots", "report")}
    reading = reading_options(arguments)
    return TrainRequest(
        **paths,
        reading=reading,
        progress=progress,
        network=network,
        tabular=tabular,
        reason=reason,
        source=source,
        streamed=bool(too_large),
    )


def _check_paths(arguments: dict[str, Any]) -> None:
    """Refuse outputs that cannot be written, or that would replace each other or the input."""
    file, out, checkpoint = (arguments[name] for name in ("file", "out", "checkpoint"))
    inputs = [file, target] if (target := arguments["target"]) and os.path.exists(target) else [file]
    check_output(out, *inputs, kind=MODEL)
    if checkpoint is not None:
        check_output(checkpoint, *inputs, out, kind=MODEL)
        if os.path.abspath(checkpoint) == os.path.abspath(out):
            raise ParameterError(f"--checkpoint and --out are both {out}; give each its own file.")
    for folder in filter(None, (arguments["plots"], arguments["report"])):
        check_folder(folder)


def choose_model(file: str, given: Collection[str], is_of_arrays: bool, too_large: str) -> tuple[bool, str]:
    """Whether a tabular model learns the file, and why. Raises ParameterError for options of both kinds of model.

    `too_large` says why the file is read block by block, which only a plain network can learn.
    """
    network = [option_name(name) for name in OF_NETWORKS if name in given]
    tabular = [option_name(name) for name in OF_TABULAR_MODELS if name in given]
    if network and tabular:
        raise ParameterError(f"{network[0]} trains a plain network, {tabular[0]} the tabular model; give one of them.")
    if too_large and tabular:
        reason = "--stream reads it block by block" if too_large == REQUESTED else too_large
        raise ParameterError(f"{tabular[0]} is for the tabular model, which needs all of {file} in memory; {reason}.")
    if too_large:
        return False, f"the file is read block by block: {too_large}"
    if network:
        return False, f"{' and '.join(network) if len(network) < 3 else f'{network[0]} and others'} given"
    if is_of_arrays:
        if tabular:
            raise ParameterError(f"{tabular[0]} is for tables, but {file} holds arrays; leave it out.")
        return False, "arrays without column names"
    return True, "--hidden or another network option trains a plain network"


def option_name(argument: str) -> str:
    """The option as it is written on the command line."""
    return f"--{argument.replace('_', '-')}"

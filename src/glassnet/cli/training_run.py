"""The work of `glassnet train`: read, split, prepare, train, score, save and plot, with a printed line for each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glassnet import __version__
from glassnet.cli.dataset import (
    DataFile,
    Dataset,
    find_task,
    network_inputs,
    prepare_dataset,
    read_data_file,
    repeated_share,
)
from glassnet.cli.output_layer import keeps_units, network_targets
from glassnet.cli.output_paths import check_folder, check_output, make_folder
from glassnet.cli.printing import print_line
from glassnet.cli.scores import score_text
from glassnet.cli.train_options import TrainOptions, check_options, make_network
from glassnet.cli.trained_model import TrainedModel
from glassnet.data.arrays import Arrays
from glassnet.data.options import ReadingOptions
from glassnet.data.target import ClassTarget
from glassnet.errors import DivergedError
from glassnet.network import NeuralNetwork
from glassnet.see.diagnosis import findings
from glassnet.see.evidence import evidence_of_run
from glassnet.tables.optimizers import optimizer
from glassnet.tables.schedules import schedule
from glassnet.training.history import History

MAX_NOTES = 20


def train_file(
    file: str,
    out: str,
    target: tuple[str | None, str],
    options: TrainOptions,
    reading: ReadingOptions,
    plots: str | None,
) -> None:
    """Train on a file and write the model file, which is left as it was unless everything succeeds.

    `target` is the name of the column to predict, and the task.
    """
    check_options(options)
    check_output(out, file)
    if plots:
        check_folder(plots)
    name, task = target
    counts = keeps_units(options.cost)
    data_file = read_data_file(file, name, reading)
    chosen_task, reason = find_task(data_file, task, counts=counts)
    dataset = prepare_dataset(data_file, chosen_task, options.validation, options.seed, counts=counts)
    network = make_network(dataset, options)
    hint = "" if task != "auto" else "; --task overrides"
    classes = f", {len(dataset.target.classes)} classes" if isinstance(dataset.target, ClassTarget) else ""
    print_line("Data", f"{file}: {len(data_file.values):,} rows")
    print_line("Task", f"{chosen_task} of {data_file.target!r}{classes} ({reason}{hint})")
    try:
        model, history = train_network(network, dataset, options, file)
    except DivergedError as error:
        raise error.reworded("Try a smaller --lr; no model file was written.") from error
    print_result(model, history, dataset)
    print_finding(model, repeated_share(data_file.data))
    model.training.update(score_test_set(model, data_file) | file_options(reading))
    model.save(out)
    print_line("Model", out)
    if plots:
        write_plots(history, make_folder(plots), *image_samples(model, dataset, data_file))


def print_notes(notes: Sequence[str], file: str) -> None:
    """Print what was unusual about the columns, at most MAX_NOTES notes."""
    for note in notes[:MAX_NOTES]:
        print_line("Note", note)
    if len(notes) > MAX_NOTES:
        print_line("Note", f"{len(notes) - MAX_NOTES:,} more notes; glassnet columns {file} lists them")


def file_options(reading: ReadingOptions) -> dict[str, Any]:
    """The encoding and delimiter that were given, which a later file needs as well."""
    given = {name: getattr(reading, name) for name in ("delimiter", "encoding")}
    given = {name: value for name, value in given.items() if value is not None}
    return {"file options": given} if given else {}


def train_network(
    network: NeuralNetwork, dataset: Dataset, options: TrainOptions, file: str
) -> tuple[TrainedModel, History]:
    """Train the network; the validation rows decide which epoch's weights are kept and when training stops."""
    x, y, validation = dataset.x, dataset.y, len(dataset.validation)

    def part(rows: Any) -> tuple[Any, Any]:
        return x[rows].T, network_targets(y[rows], dataset.target, network)

    print_line("Inputs", dataset.preparation.summary())
    print_notes(dataset.notes, file)
    print_line("Network", repr(network))
    rest = f"; {validation:,} for validation" if validation else ", none for validation"
    print_line("Training", f"{len(dataset.train):,} rows{rest}")
    names = ("batch_size", "epochs", "lr", "optimizer", "schedule", "threads")
    history = network.train(
        *part(dataset.train),
        **{name: getattr(options, name) for name in names},
        validation=part(dataset.validation) if validation else None,
        patience=(options.patience or options.epochs) if validation else None,
        verbose=0 if options.quiet else 1,
    )
    summary = training_summary(dataset, options, history, file)
    return TrainedModel(network, dataset.preparation, dataset.target, summary), history


def training_summary(dataset: Dataset, options: TrainOptions, history: History, file: str) -> dict[str, Any]:
    """Collect what the model file says about the training, as plain data."""
    names = ("lr", "batch_size", "patience", "validation", "seed")
    return {
        "glassnet": __version__,
        "file": os.path.basename(os.path.abspath(file)),
        "rows": len(dataset.train),
        "validation rows": len(dataset.validation),
        "epochs": len(history),
        "best epoch": history.best_epoch,
        "stopped": history.stopped,
        "optimizer": optimizer(options.optimizer).name,
        "schedule": schedule(options.schedule).name,
        **{name: getattr(options, name) for name in names},
    }


def print_result(model: TrainedModel, history: History, dataset: Dataset) -> None:
    """Print how training went and the scores on the validation rows, which join the model's summary."""
    for warning in history.warnings:
        print_line("Warning", warning)
    seconds = history[-1].seconds if len(history) else 0.0
    best = f"; epoch {history.best_epoch} was the best and is kept" if history.best_epoch else ""
    reason = f" ({history.stopped})" if history.stopped else ""
    print_line("Trained", f"{len(history)} epoch{'' if len(history) == 1 else 's'} in {seconds:.1f} s{best}{reason}")
    if dataset.validation.size:
        scores = model.scores(dataset.x[dataset.validation], dataset.y[dataset.validation])
        model.training["scores"] = scores
        print_line("Validation", f"{score_text(scores)} (optimistic: these rows chose the epoch)")


def print_finding(model: TrainedModel, repeated: float | None = None) -> None:
    """Print the most significant finding of a diagnosis, if there is one; `repeated` is the share of repeated rows.

    The diagnosis also measures the final layers and costs, which the file stores for `glassnet diagnose MODEL`.
    """
    network = model.network
    evidence = evidence_of_run(network.model, network.history, network.recent_samples, model.wording(), repeated)
    for finding in findings(evidence)[:1]:
        print_line("Finding", finding.sentence)


def score_test_set(model: TrainedModel, data_file: DataFile) -> dict[str, Any]:
    """Print and return the scores on a separate test set (t10k-* of an IDX folder); without one, return {}."""
    if not isinstance(data_file.data, Arrays) or data_file.data.test is None:
        return {}
    labels = data_file.data.test[1]
    scores = model.scores(network_inputs(model.preparation, data_file.data.test_arrays()), model.target.encode(labels))
    print_line("Test", f"{score_text(scores)} (t10k-*, {len(labels):,} rows not used in training)")
    return {"test scores": scores}


def image_samples(model: TrainedModel, dataset: Dataset, data_file: DataFile) -> tuple[Any, ...]:
    """Return validation images with their predicted and true classes, and the classes' names; () without images."""
    data = data_file.data
    if not isinstance(data, Arrays) or not data.image or not isinstance(model.target, ClassTarget):
        return ()
    rows = dataset.validation if dataset.validation.size else dataset.train
    predicted = model.probabilities(dataset.x[rows]).argmax(axis=1)
    names = list(map(str, model.target.classes))
    return data.x[rows].reshape(-1, *data.image), predicted, dataset.y[rows], names


def write_plots(history: History, folder: Path, *samples: Any) -> None:
    """Plot the cost per epoch and, if given, image samples with their predictions. Print the paths."""
    from glassnet.plots.figure import save_figure
    from glassnet.plots.networks import plot_samples
    from glassnet.plots.training import plot_training

    print_line("Picture", save_figure(plot_training(history), folder / "cost.png"))
    if samples:
        print_line("Picture", save_figure(plot_samples(*samples), folder / "samples.png"))

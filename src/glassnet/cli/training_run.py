"""The work of `glassnet train` with a plain network: split, prepare, train and score, with a printed line for each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassnet import __version__
from glassnet.cli.constant import constant_of
from glassnet.cli.dataset import DataFile, Dataset, network_inputs, prepare_dataset, repeated_share
from glassnet.cli.opened import Opened, print_notes, print_warnings
from glassnet.cli.output_layer import keeps_units, network_targets
from glassnet.cli.printing import print_line
from glassnet.cli.progress_lines import ProgressLines
from glassnet.cli.saving import saved_on_failure
from glassnet.cli.scores import score_text
from glassnet.cli.stored_model import predicted, scores_of, wording
from glassnet.cli.tabular_report import repetition_warnings
from glassnet.cli.train_options import TrainOptions, make_network, smaller_rate
from glassnet.data.arrays import Arrays
from glassnet.data.target import ClassTarget
from glassnet.errors import DivergedError, counted
from glassnet.network import NeuralNetwork
from glassnet.see.diagnosis import findings
from glassnet.see.evidence import evidence_of_run
from glassnet.tables.optimizers import optimizer
from glassnet.tables.schedules import schedule
from glassnet.tabular.member import Member
from glassnet.tabular.model import TabularModel
from glassnet.training.history import History

if TYPE_CHECKING:
    from glassnet.cli.train_request import TrainRequest

NO_LINES = ProgressLines()


def train_network_on(
    request: TrainRequest, opened: Opened, lines: ProgressLines
) -> tuple[TabularModel, Callable[[Path], None], bool]:
    """Train a plain network; return it, what draws its pictures, and whether it was interrupted."""
    options, data_file = request.network, opened.data_file
    assert options is not None
    counts = keeps_units(options.cost)
    dataset = prepare_dataset(data_file, opened.task, options.validation, options.seed, counts=counts)
    network = make_network(dataset.x.shape[1], dataset.target, options)
    try:
        model, history = train_network(network, dataset, options, request.file, lines)
    except DivergedError as error:
        raise error.reworded(f"{smaller_rate(options)}; no model file was written.") from error
    with saved_on_failure(model, request):
        print_result(model, history, dataset, lines)
        repeated = repeated_share(data_file.data)
        print_finding(model, repeated)
        model.training.update(score_test_set(model, data_file))
        for rows in ("scores", "test scores"):
            if rows in model.training:
                lines.event("scores", rows="test" if "test" in rows else "validation", scores=model.training[rows])
        print_warnings([*dataset.leaks, *repetition_warnings(repeated)], lines)

    def draw(folder: Path) -> None:
        write_plots(history, folder, *image_samples(model, dataset, data_file))

    return model, draw, history.stopped == "interrupted"


def train_network(
    network: NeuralNetwork, dataset: Dataset, options: TrainOptions, file: str, lines: ProgressLines = NO_LINES
) -> tuple[TabularModel, History]:
    """Train the network; the validation rows decide which epoch's weights are kept and when training stops."""
    x, y, validation = dataset.x, dataset.y, len(dataset.validation)

    def part(rows: Any) -> tuple[Any, Any]:
        return x[rows].T, network_targets(y[rows], dataset.target, network)

    print_line("Inputs", dataset.preparation.summary())
    print_notes([note for note in dataset.notes if note not in dataset.leaks], file, lines)
    print_line("Network", repr(network))
    rest = f"; {validation:,} for validation" if validation else ", none for validation"
    print_line("Training", f"{len(dataset.train):,} rows{rest}")
    lines.event("start", model="network", rows=len(dataset.train), inputs=x.shape[1], members=1, epochs=options.epochs)
    history = network.train(
        *part(dataset.train),
        validation=part(dataset.validation) if validation else None,
        **train_arguments(options, lines, validated=bool(validation)),
    )
    summary = training_summary(dataset, options, history, file)
    return TabularModel(dataset.preparation, dataset.target, [Member(network)], summary), history


def train_arguments(options: TrainOptions, lines: ProgressLines, *, validated: bool) -> dict[str, Any]:
    """Most arguments of `train`, by the options of the command; print where the checkpoint is written."""
    if options.checkpoint is not None:
        print_line("Checkpoint", checkpoint_text(options))
    names = ("batch_size", "epochs", "lr", "optimizer", "schedule", "threads", "time_limit")
    return {
        **{name: getattr(options, name) for name in (*names, "checkpoint", "every", "resume")},
        "patience": (options.patience or options.epochs) if validated else None,
        "callbacks": lines.epochs(options.epochs),
        "verbose": 0 if options.quiet else 1,
    }


def checkpoint_text(options: TrainOptions) -> str:
    """The file, when it is written, and whether the run goes on from it."""
    when = "each epoch" if options.every is None else f"every {counted(options.every, 'step')}"
    exists = options.checkpoint is not None and os.path.exists(options.checkpoint)
    if options.resume:
        begin = "; the run goes on from it" if exists else "; there is none yet, so that the run begins"
    else:
        begin = "; the one that is there is replaced (--resume goes on from it)" if exists else ""
    return f"{options.checkpoint}, written after {when}{begin}"


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
        **constant_of(dataset.target, dataset.y[dataset.train]),
    }


def print_result(model: TabularModel, history: History, dataset: Dataset, lines: ProgressLines = NO_LINES) -> None:
    """Print how training went and the scores on the validation rows, which join the model's summary."""
    seconds = history[-1].seconds if len(history) else 0.0
    best = f"; epoch {history.best_epoch} was the best and is kept" if history.best_epoch else ""
    reason = f" ({history.stopped})" if history.stopped else ""
    print_line("Trained", f"{len(history)} epoch{'' if len(history) == 1 else 's'} in {seconds:.1f} s{best}{reason}")
    if dataset.validation.size:
        scores = scores_of(model, predicted(model, dataset.x[dataset.validation]), dataset.y[dataset.validation])
        model.training["scores"] = scores.values
        print_line("Validation", f"{score_text(scores.values)} (optimistic: these rows chose the epoch)")
    print_warnings(history.warnings, lines)


def print_finding(model: TabularModel, repeated: float | None = None) -> None:
    """Print the most significant finding of a diagnosis, if there is one; `repeated` is the share of repeated rows.

    The diagnosis also measures the final layers and costs, which the file stores for `glassnet diagnose MODEL`.
    """
    network = model.members[0].network
    evidence = evidence_of_run(network.model, network.history, network.recent_samples, wording(model), repeated)
    for finding in findings(evidence)[:1]:
        print_line("Finding", finding.sentence)


def score_test_set(model: TabularModel, data_file: DataFile) -> dict[str, Any]:
    """Print and return the scores on a separate test set (t10k-* of an IDX folder); without one, return {}."""
    if not isinstance(data_file.data, Arrays) or data_file.data.test is None:
        return {}
    labels = data_file.data.test[1]
    x = network_inputs(model.preparation, data_file.data.test_arrays())
    scores = scores_of(model, predicted(model, x), model.target.encode(labels))
    print_line("Test", f"{score_text(scores.values)} (t10k-*, {len(labels):,} rows not used in training)")
    return {"test scores": scores.values}


def image_samples(model: TabularModel, dataset: Dataset, data_file: DataFile) -> tuple[Any, ...]:
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

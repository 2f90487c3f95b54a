"""A training run of the command line: read, split, prepare, train, score, save, draw, and say each in a line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from glassnet import __version__
from glassnet.cli.dataset import Dataset, Source, learn, prepared, read_source, task_of
from glassnet.cli.files import check_folder, check_output, make_folder
from glassnet.cli.lines import say
from glassnet.cli.model import Model
from glassnet.cli.outputs import choose_outputs, keeps_units, network_targets
from glassnet.cli.scores import class_scores, number_scores, score_text
from glassnet.data.arrays import Arrays
from glassnet.data.target import ClassTarget
from glassnet.errors import ParameterError
from glassnet.network import NeuralNetwork
from glassnet.program.architecture import penalty
from glassnet.program.builder import Step, build
from glassnet.program.program import Program
from glassnet.tables.activations import activation
from glassnet.tables.initializers import initializer
from glassnet.tables.layers import Dropout
from glassnet.tables.optimizers import OPTIMIZERS, optimizer
from glassnet.tables.schedules import schedule
from glassnet.training.history import History
from glassnet.training.settings import positive, whole

Array = np.ndarray[Any, Any]


class Settings(NamedTuple):
    """The words of the command that shape the network and its run."""

    hidden: list[int]
    activation: str = "relu"
    cost: str = "auto"
    initializer: str = "auto"
    dropout: float = 0.0
    l2: float = 0.0
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


def train_file(file: str, out: str, target: str | None, task: str, settings: Settings, plots: str | None) -> None:
    """The whole of `glassnet train`. Nothing is written unless all went well."""
    check_settings(settings)
    check_output(out, file)
    if plots:
        check_folder(plots)
    source = read_source(file, target)
    found, reason = task_of(source, task)
    dataset = learn(source, found, settings.validation, settings.seed, counts=keeps_units(settings.cost))
    network = make_network(dataset, settings)
    said = "" if task != "auto" else "; --task overrides"
    kinds = f", {len(dataset.target.classes)} classes" if isinstance(dataset.target, ClassTarget) else ""
    say("Data", f"{file}: {source.rows:,} rows")
    say("Task", f"{found} of {source.name!r}{kinds} ({reason}{said})")
    model, history = fit(network, dataset, settings, file)
    report(model, history, dataset)
    apart = test_scores(model, source)
    model.training.update(apart)
    model.save(out)
    say("Model", out)
    if plots:
        for path in draw(model, history, dataset, source, make_folder(plots)):
            say("Picture", path)


def check_settings(settings: Settings) -> None:
    """Raise for a setting that cannot be used, before any data is read."""
    for name in ("batch_size", "epochs", "patience", "threads"):
        if getattr(settings, name) is not None:
            whole(name, getattr(settings, name))
    positive("lr", settings.lr)
    optimizer(settings.optimizer)
    schedule(settings.schedule)
    if not activation(settings.activation).elementwise:
        raise ParameterError(f"activation {settings.activation!r} is for the last layer; hidden layers need another.")
    if settings.cost != "auto":
        keeps_units(settings.cost)
    initializer(settings.initializer)
    penalty("l2", settings.l2)
    Dropout(rate=settings.dropout)
    if settings.seed < 0:
        raise ParameterError(f"seed is {settings.seed}; it must be 0 or more.")


def make_network(dataset: Dataset, settings: Settings) -> NeuralNetwork:
    """The untrained network for a dataset."""
    outputs = choose_outputs(settings.cost, dataset.target)
    layers: list[Any] = [dataset.x.shape[1]]
    for width in settings.hidden:
        layers += [width, Dropout(rate=settings.dropout)] if settings.dropout else [width]
    return NeuralNetwork(
        [*layers, outputs.count],
        [settings.activation] * len(settings.hidden) + [outputs.activation],
        cost=outputs.cost,
        initializer=settings.initializer,
        l2=settings.l2,
        seed=settings.seed,
    )


def training_program(network: NeuralNetwork, word: Any) -> Program:
    """The table of equations of one step with the optimiser that trained the network, where the file knows it."""
    return build(network.architecture, Step(optimizer(word))) if word in OPTIMIZERS else network.program


def fit(network: NeuralNetwork, dataset: Dataset, settings: Settings, file: str) -> tuple[Model, History]:
    """Train the network; the rows held out choose the weights and end the run."""
    x, y = dataset.x, dataset.y

    def part(rows: Array) -> tuple[Array, Array]:
        return x[rows].T, network_targets(y[rows], dataset.target, network)

    held = len(dataset.validation)
    rest = f"; {held:,} choose the weights" if held else ", none is held out"
    say("Inputs", dataset.preparation.summary())
    for note in dataset.notes:
        say("Note", note)
    say("Network", repr(network))
    say("Training", f"{len(dataset.train):,} rows{rest}")
    words = ("batch_size", "epochs", "lr", "optimizer", "schedule", "threads")
    history = network.train(
        *part(dataset.train),
        **{name: getattr(settings, name) for name in words},
        validation=part(dataset.validation) if held else None,
        patience=(settings.patience or settings.epochs) if held else None,
        verbose=0 if settings.quiet else 1,
    )
    return Model(network, dataset.preparation, dataset.target, summary(dataset, settings, history, file)), history


def summary(dataset: Dataset, settings: Settings, history: History, file: str) -> dict[str, Any]:
    """What the model file keeps about the run, as plain data."""
    kept = ("optimizer", "schedule", "lr", "batch_size", "patience", "validation", "seed")
    return {
        "glassnet": __version__,
        "file": os.path.basename(os.path.abspath(file)),
        "rows": len(dataset.train),
        "validation rows": len(dataset.validation),
        "epochs": len(history),
        "best epoch": history.best_epoch,
        "stopped": history.stopped,
        **{name: getattr(settings, name) for name in kept},
    }


def report(model: Model, history: History, dataset: Dataset) -> None:
    """Say how the run went, and how good the model is on the rows that chose its weights."""
    for warning in history.warnings:
        say("Warning", warning)
    seconds = history[-1].seconds if len(history) else 0.0
    best = f", the best was epoch {history.best_epoch}" if history.best_epoch else ""
    why = f" ({history.stopped})" if history.stopped else ""
    say("Trained", f"{len(history)} epoch{'' if len(history) == 1 else 's'} in {seconds:.1f} s{best}{why}")
    if dataset.validation.size:
        held = dataset.validation
        scores = scores_of(model, dataset.x[held], dataset.y[held])
        model.training["scores"] = scores
        say("Held out", f"{score_text(scores)} (these rows chose the weights)")


def scores_of(model: Model, x: Array, encoded: Array) -> dict[str, float]:
    """The scores of a model on inputs (n, features) and encoded targets."""
    if isinstance(model.target, ClassTarget):
        return class_scores(model.probabilities(x), encoded)
    return number_scores(model.target.decode(model.outputs(x).T), model.target.decode(encoded))


def test_scores(model: Model, source: Source) -> dict[str, Any]:
    """The scores on a test set that lies apart (t10k-* of IDX), said and returned; nothing where there is none."""
    if not isinstance(source.held, Arrays) or source.held.test is None:
        return {}
    labels = source.held.test[1]
    scores = scores_of(model, prepared(model.preparation, source.held.test_arrays()), model.target.encode(labels))
    say("Test", f"{score_text(scores)} (t10k-*, {len(labels):,} rows, never seen)")
    return {"test scores": scores}


def draw(model: Model, history: History, dataset: Dataset, source: Source, folder: Path) -> list[Path]:
    """Write the pictures: the cost curve and, for images, samples with their predictions. Returns their paths."""
    from glassnet.plots.figure import save_figure
    from glassnet.plots.networks import plot_samples
    from glassnet.plots.training import plot_training

    paths = [save_figure(plot_training(history), folder / "cost.png")]
    if isinstance(source.held, Arrays) and source.held.image and isinstance(model.target, ClassTarget):
        held = dataset.validation if dataset.validation.size else dataset.train
        predicted = model.probabilities(dataset.x[held]).argmax(axis=1)
        images = source.held.x[held].reshape(-1, *source.held.image)
        figure = plot_samples(images, predicted, dataset.y[held], names=list(map(str, model.target.classes)))
        paths.append(save_figure(figure, folder / "samples.png"))
    return paths

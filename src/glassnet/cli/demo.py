"""`glassnet demo`: the article's kind of network on real data that ships with scikit-learn, in a few seconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

if TYPE_CHECKING:
    from glassnet.cli.dataset import Dataset

TEST_SHARE = 0.2
LARGEST = 16.0  # the digits' pixels are 0 to 16


def demo(
    out: Annotated[str, Option(help="Folder for the model and the pictures (made if missing).")] = "glassnet-demo",
    seed: Annotated[int, Option(help="All chance comes from it.")] = 0,
    epochs: Annotated[int, Option(help="Passes through the training rows, at most.")] = 60,
) -> None:
    """Train on 1,797 handwritten digits (8 × 8 pixels), print the equations and the test accuracy, draw pictures."""
    from glassnet.cli.files import make_folder
    from glassnet.cli.lines import say
    from glassnet.cli.run import Settings, check_settings, fit, make_network, report, scores_of, training_program
    from glassnet.cli.scores import score_text

    settings = Settings(hidden=[128], schedule="constant", lr=0.003, batch_size=32, epochs=epochs, seed=seed)
    check_settings(settings)
    folder = make_folder(out)
    dataset, images, test = _digits(settings.validation, seed)
    network = make_network(dataset, settings)
    print(f"One training step, as a table of equations:\n\n{training_program(network, settings.optimizer)}\n")
    model, history = fit(network, dataset, settings, "digits")
    report(model, history, dataset)
    scores = scores_of(model, dataset.x[test], dataset.y[test])
    say("Test", f"{score_text(scores)} ({len(test)} digits that the training never saw)")
    model.training["test scores"] = scores
    model.save(str(folder / "model.safetensors"))
    say("Model", f"{folder / 'model.safetensors'}")
    for path in _draw(model, history, dataset, images, test, folder):
        say("Picture", path)


def _digits(share: float, seed: int) -> tuple[Dataset, Any, Any]:
    """The digits, split into rows that train, that choose the weights, and that only test; and the images."""
    import numpy as np
    from sklearn.datasets import load_digits

    from glassnet.cli.dataset import Dataset, split
    from glassnet.data.preprocessing import ArrayPreparation
    from glassnet.data.target import ClassTarget

    digits = load_digits()
    pixels, labels = digits.data, digits.target
    rest, test = split(labels, TEST_SHARE, seed, classes=True)
    train, validation = split(labels[rest], share, seed + 1, classes=True)
    preparation = ArrayPreparation([0.0], [1 / LARGEST], pixels.shape[1])
    target = ClassTarget.fit("digit", labels)
    x = np.ascontiguousarray(preparation.transform(pixels, "digits"))
    return Dataset(preparation, target, x, target.encode(labels), rest[train], rest[validation]), digits.images, test


def _draw(model: Any, history: Any, dataset: Dataset, images: Any, test: Any, folder: Path) -> list[Path]:
    """The cost curve and the test samples."""
    from glassnet.plots.figure import save_figure
    from glassnet.plots.networks import plot_samples
    from glassnet.plots.training import plot_training

    predicted = model.probabilities(dataset.x[test]).argmax(axis=1)
    figure = plot_samples(images[test], predicted, dataset.y[test])
    return [
        save_figure(plot_training(history), folder / "cost.png"),
        save_figure(figure, folder / "samples.png"),
    ]

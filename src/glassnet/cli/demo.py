"""`glassnet demo`: train a small network on the handwritten digits that come with scikit-learn, in a few seconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from typer import Option

if TYPE_CHECKING:
    from glassnet.cli.dataset import Dataset

TEST_FRACTION = 0.2
LEARNING_RATE = 0.003
MAX_PIXEL = 16.0
FILES = {"model": "model.safetensors", "test": "test.npz"}

NEXT_STEPS = (
    (
        "one training step on a test digit, every equation with its numbers",
        "step {test} --model {model} --row {row} --lr {lr}",
    ),
    ("accuracy on the test digits, and which digits are confused", "evaluate {model} {test}"),
    ("backpropagation's gradient against central differences", "check {model} {test}"),
    ("train on your own data", "train --help"),
)


class Digits(NamedTuple):
    """The dataset for training, and the images (n, 8, 8) and labels (n,) of the test rows."""

    dataset: Dataset
    test_images: Any
    test_labels: Any


def demo(
    out: Annotated[
        str, Option(metavar="FOLDER", help="Folder for the model, the test digits and the pictures, made if missing.")
    ] = "glassnet-demo",
    seed: Annotated[int, Option(help="Seed of all randomness.")] = 0,
    epochs: Annotated[int, Option(help="Maximum number of passes through the training rows.")] = 60,
) -> None:
    """Train on 1,797 handwritten digits (8 × 8 pixels); print the equations and the test accuracy, draw pictures."""
    from glassnet.cli.output_paths import make_folder
    from glassnet.cli.printing import print_line
    from glassnet.cli.train_options import TrainOptions, check_options, make_network
    from glassnet.cli.trained_model import training_program
    from glassnet.cli.training_run import print_result, train_network

    options = TrainOptions(hidden=[128], schedule="constant", lr=LEARNING_RATE, batch_size=32, epochs=epochs, seed=seed)
    check_options(options)
    folder = make_folder(out)
    digits = _load_digits(options.validation, seed)
    network = make_network(digits.dataset, options)
    print(f"One training step, as a table of equations:\n\n{training_program(network, options.optimizer)}\n")
    model, history = train_network(network, digits.dataset, options, "digits")
    print_result(model, history, digits.dataset)
    predicted = _score_and_save(model, digits, folder)
    for path in _write_plots(history, digits, predicted, folder):
        print_line("Picture", path)
    mistaken = predicted != digits.test_labels
    _print_next_steps(folder, row=int(mistaken.argmax()) + 1)


def _load_digits(validation: float, seed: int) -> Digits:
    """Split the digits into rows for training, for validation and for the test."""
    import numpy as np
    from sklearn.datasets import load_digits

    from glassnet.cli.dataset import Dataset, split
    from glassnet.data.preprocessing import ArrayPreparation
    from glassnet.data.target import ClassTarget

    images, labels = (load_digits()[name] for name in ("images", "target"))
    rest, test = split(labels, TEST_FRACTION, seed, classes=True)
    train, validation_rows = split(labels[rest], validation, seed + 1, classes=True)
    preparation = ArrayPreparation([0.0], [1 / MAX_PIXEL], images[0].size)
    target = ClassTarget.fit("digit", labels)
    x = np.ascontiguousarray(preparation.transform(images.reshape(len(images), -1), "digits"))
    dataset = Dataset(preparation, target, x, target.encode(labels), rest[train], rest[validation_rows])
    return Digits(dataset, images[test].astype(np.uint8), labels[test])


def _score_and_save(model: Any, digits: Digits, folder: Path) -> Any:
    """Print the test scores, save the model and the test digits, and return the predicted classes of the latter."""
    import numpy as np

    from glassnet.cli.printing import print_line
    from glassnet.cli.scores import class_scores, score_text
    from glassnet.errors import DataError
    from glassnet.files.storage import atomic_file

    images, labels = digits.test_images, digits.test_labels
    probabilities = model.probabilities(model.preparation.transform(images.reshape(len(images), -1), "digits"))
    scores = class_scores(probabilities, model.target.encode(labels))
    print_line("Test", f"{score_text(scores)} ({len(labels)} digits not used in training)")
    model.training["test scores"] = scores
    model.save(str(folder / FILES["model"]))
    print_line("Model", folder / FILES["model"])
    with atomic_file(str(folder / FILES["test"]), DataError) as file:
        np.savez(file, x=images, y=labels)
    print_line("Test digits", folder / FILES["test"])
    return probabilities.argmax(axis=1)


def _write_plots(history: Any, digits: Digits, predicted: Any, folder: Path) -> list[Path]:
    """Plot the cost per epoch and some test digits with their predictions."""
    from glassnet.plots.training import plot_samples, plot_training, write_picture

    figure = plot_samples(digits.test_images, predicted, digits.test_labels)
    return [
        write_picture(plot_training(history), folder / "cost.png"),
        write_picture(figure, folder / "samples.png"),
    ]


def _print_next_steps(folder: Path, row: int) -> None:
    """Print commands that work as printed in the folder where the demo was run; `row` is the test digit to explain."""
    import shlex

    paths = {name: shlex.quote(str(folder / file)) for name, file in FILES.items()}
    print("\nTry next, in this folder:")
    for purpose, command in NEXT_STEPS:
        print(f"\n  # {purpose}\n  {program_name()} {command.format(**paths, row=row, lr=LEARNING_RATE)}")


def program_name() -> str:
    """Return how to start this program again: by its name where that is on the PATH, else as it was started."""
    import shlex
    import shutil
    import sys

    started = sys.argv[0]
    if Path(started).stem != "glassnet" or shutil.which("glassnet") == started:
        return "glassnet"
    return shlex.quote(started)

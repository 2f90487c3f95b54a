"""`glassnet demo`: train a small network on the handwritten digits that come with scikit-learn, in a few seconds."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Exit, Option

if TYPE_CHECKING:
    from glassnet.cli.dataset import Dataset

TEST_FRACTION = 0.2
MAX_PIXEL = 16.0
NEXT_STEPS = """
Try next, in this folder:

  # one training step on a test digit, every equation with its numbers
  {program} step {test} --model {model} --row {row} --lr {lr}

  # accuracy on the test digits, and which digits are confused
  {program} evaluate {model} {test}

  # backpropagation's gradient against central differences
  {program} check {model} {test}

  # train on your own data
  {program} train --help"""


def demo(
    out: Annotated[str, Option(metavar="FOLDER", help="Folder to write to, made if missing.")] = "glassnet-demo",
    seed: Annotated[int, Option(help="Seed of all randomness.")] = 0,
    epochs: Annotated[int, Option(help="Maximum number of passes through the training rows.")] = 60,
) -> None:
    """Train on 1,797 handwritten digits (8 × 8 pixels); print the equations and the test accuracy, draw pictures."""
    from glassnet.cli.interruption import INTERRUPTED
    from glassnet.cli.output_paths import make_folder
    from glassnet.cli.printing import print_line, print_text
    from glassnet.cli.saving import save_model
    from glassnet.cli.scores import score_text
    from glassnet.cli.stored_model import predicted, scores_of, training_program
    from glassnet.cli.train_options import TrainOptions, check_options, make_network
    from glassnet.cli.training_run import print_finding, print_result, train_network, write_plots

    options = TrainOptions(hidden=[128], schedule="constant", lr=0.003, batch_size=32, epochs=epochs, seed=seed)
    check_options(options)
    folder = make_folder(out)
    model_path, test_path = folder / "model.safetensors", folder / "test.npz"
    dataset, images, test = _load_digits(options.validation, seed)
    network = make_network(dataset.x.shape[1], dataset.target, options)
    print_text(f"One training step, as a table of equations:\n\n{training_program(network, options.optimizer)}\n")
    model, history = train_network(network, dataset, options, "digits")
    print_result(model, history, dataset)
    print_finding(model)
    scores = scores_of(model, predicted(model, dataset.x[test]), dataset.y[test])
    print_line("Test", f"{score_text(scores.values)} ({len(test)} digits not used in training)")
    model.training["test scores"] = scores.values
    save_model(model, str(model_path))
    print_line("Model", model_path)
    _save_digits(test_path, images[test], dataset.y[test])
    if history.stopped == "interrupted":
        raise Exit(INTERRUPTED)
    classes = model.probabilities(dataset.x[test]).argmax(axis=1)
    write_plots(history, folder, images[test], classes, dataset.y[test])
    first_wrong = int((classes != dataset.y[test]).argmax()) + 1
    _print_next_steps(model=model_path, test=test_path, row=first_wrong, lr=options.lr)


def _print_next_steps(**arguments: object) -> None:
    """Print commands to go on with, on the files of this demo."""
    from glassnet.cli.printing import print_text

    quoted = {name: shlex.quote(str(value)) for name, value in arguments.items()}
    print_text(NEXT_STEPS.format(program=program_name(), **quoted))


def _load_digits(validation: float, seed: int) -> tuple[Dataset, Any, Any]:
    """Return the digits, split into rows for training and validation; their images; and the rows for the test."""
    import numpy as np
    from sklearn.datasets import load_digits

    from glassnet.cli.dataset import Dataset, split
    from glassnet.data.preprocessing import ArrayPreparation
    from glassnet.data.target import ClassTarget

    digits = load_digits()
    pixels, labels = digits.data, digits.target
    rest, test = split(labels, TEST_FRACTION, seed, classes=True)
    train, validation_rows = split(labels[rest], validation, seed + 1, classes=True)
    preparation = ArrayPreparation([0.0], [1 / MAX_PIXEL], pixels.shape[1])
    target = ClassTarget.fit("digit", labels)
    x = np.ascontiguousarray(preparation.transform(pixels, "digits"))
    dataset = Dataset(preparation, target, x, target.encode(labels), rest[train], rest[validation_rows])
    return dataset, digits.images, test


def _save_digits(path: Path, images: Any, labels: Any) -> None:
    """Save digits as a data file for the other commands."""
    import numpy as np

    from glassnet.cli.printing import print_line
    from glassnet.errors import DataError
    from glassnet.files.atomic_file import atomic_file

    with atomic_file(str(path), DataError) as file:
        np.savez(file, x=images.astype(np.uint8), y=labels)
    print_line("Test digits", path)


def program_name() -> str:
    """Return how to start this program again: by its name where that is on the PATH, else as it was started."""
    if Path(sys.argv[0]).stem == "__main__":
        return "python -m glassnet"
    is_installed = Path(sys.argv[0]).stem != "glassnet" or shutil.which("glassnet") == sys.argv[0]
    return "glassnet" if is_installed else shlex.quote(sys.argv[0])

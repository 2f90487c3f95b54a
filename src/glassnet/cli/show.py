"""`glassnet show`: print what is in a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassnet.cli.options import ModelArgument
from glassnet.cli.printing import print_line, wrapped

if TYPE_CHECKING:
    from glassnet.cli.trained_model import TrainedModel

MAX_LISTED_INPUTS = 20


def show(model: ModelArgument) -> None:
    """Print a model's equations, parameters, inputs and target, and how it was trained."""
    from glassnet.cli.trained_model import load_model, training_program

    loaded = load_model(model)
    print(wrapped(str(loaded.network)))
    print(f"\n{training_program(loaded.network, loaded.training.get('optimizer'))}\n")
    _print_parameters(loaded)
    _print_data(loaded)
    _print_training(loaded)


def _print_parameters(model: TrainedModel) -> None:
    print_line("Parameters", f"{model.network.parameters.count:,}")
    for name in model.network.parameters:
        array = model.network.parameters[name]
        shape = " × ".join(map(str, array.shape))
        statistics = f"deviation {array.std():.4f}  largest {abs(array).max():.4f}"
        print(f"  {name:<8} {shape:<12} mean {array.mean():+.4f}  {statistics}")


def _print_data(model: TrainedModel) -> None:
    from glassnet.data.preprocessing import TablePreparation

    print()
    print_line("Inputs", model.preparation.summary())
    if isinstance(model.preparation, TablePreparation):
        names = model.preparation.features
        more = " ..." if names[MAX_LISTED_INPUTS:] else ""
        print(wrapped(f"  {', '.join(names[:MAX_LISTED_INPUTS])}{more}", indent=2))
    print_line("Target", f"{model.target.name!r}: {model.target.summary()}")


def _print_training(model: TrainedModel) -> None:
    if not model.training:
        return
    print("\nTraining")
    for name, value in model.training.items():
        if isinstance(value, list):
            continue
        text = ", ".join(map(_pair, value.items())) if isinstance(value, dict) else value
        print(f"  {name:<16} {'none' if text in (None, '') else text}")


def _pair(item: tuple[str, object]) -> str:
    key, value = item
    return f"{key} {value:.6g}" if isinstance(value, float) else f"{key} {value}"

"""`glassnet show`: print what is in a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassnet.cli.options import AnyMemberOption, ModelArgument
from glassnet.cli.printing import print_line, print_text, wrapped

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork
    from glassnet.tabular.model import TabularModel

MAX_LISTED_INPUTS = 20
NOT_SHOWN = ("hyperparameters", "report", "constant", "best epochs")  # are shown elsewhere, or are long


def show(model: ModelArgument, member: AnyMemberOption = None) -> None:
    """Print a model's inputs, target, networks and training.

    For a plain network its equations and parameters are printed; for a model of several networks, --member N prints
    those of one.
    """
    from glassnet.cli.stored_model import is_plain, load_model, member_text, network_of, optimizer_name

    loaded = load_model(model)
    network = network_of(loaded, member)
    if is_plain(loaded) or member is not None:
        if text := member_text(loaded, member):
            print_line("Member", text)
        _print_network(network, optimizer_name(loaded))
    else:
        _print_members(loaded)
    _print_data(loaded)
    _print_corrections(loaded)
    _print_training(loaded)


def _print_network(network: NeuralNetwork, optimizer: object) -> None:
    from glassnet.cli.stored_model import training_program

    print_text(wrapped(str(network)))
    print_text(f"\n{training_program(network, optimizer)}\n")
    print_line("Parameters", f"{network.parameters.count:,}")
    for name in network.parameters:
        array = network.parameters[name]
        shape = " × ".join(map(str, array.shape))
        statistics = f"deviation {array.std():.4f}  largest {abs(array).max():.4f}"
        print_text(f"  {name:<8} {shape:<12} mean {array.mean():+.4f}  {statistics}")
    print_text()


def _print_members(model: TabularModel) -> None:
    """The networks of a model in a few lines: they differ in their weights, and in how they see numbers."""
    count, network = len(model.members), model.members[0].network
    averaged = "1" if count == 1 else f"{count}, averaged"
    print_line("Networks", f"{averaged}; --member N shows the equations and weights of one")
    print_line("Each", str(network))
    best = [member.best_epoch for member in model.members]
    if any(best):
        print_line("Best epochs", ", ".join(map(str, best)))


def _print_data(model: TabularModel) -> None:
    from glassnet.data.preprocessing import TablePreparation

    print_line("Inputs", model.preparation.summary())
    if isinstance(model.preparation, TablePreparation):
        names = model.preparation.features
        more = " ..." if names[MAX_LISTED_INPUTS:] else ""
        print_text(wrapped(f"  {', '.join(names[:MAX_LISTED_INPUTS])}{more}", indent=2))
        if model.preparation.left_out:
            reasons = {
                name: why.removeprefix("left out").lstrip(": ") for name, why in model.preparation.left_out.items()
            }
            print_line("Left out", "; ".join(f"{name} ({why})" for name, why in reasons.items()))
    print_line("Target", f"{model.target.name!r}: {model.target.summary()}")


def _print_corrections(model: TabularModel) -> None:
    """What is done to the averaged outputs."""
    from glassnet.cli.corrections import correction_lines

    for label, text in correction_lines(model):
        print_line(label, text)


def _print_training(model: TabularModel) -> None:
    if not model.training:
        return
    print_text("\nTraining")
    for name, value in model.training.items():
        if name in NOT_SHOWN or isinstance(value, list):
            continue
        text = ", ".join(map(_pair, value.items())) if isinstance(value, dict) else value
        print_text(f"  {name:<16} {'none' if text in (None, '') else text}")


def _pair(item: tuple[str, object]) -> str:
    from glassnet.cli.scores import score_cell
    from glassnet.tabular.scores import SCORE_NAMES

    key, value = item
    if key in SCORE_NAMES and isinstance(value, float):
        return f"{SCORE_NAMES[key]} {score_cell(key, value)}"
    if isinstance(value, dict):
        return f"{key}: {', '.join(map(_pair, value.items()))};"
    return f"{key} {value:.6g}" if isinstance(value, float) else f"{key} {value}"

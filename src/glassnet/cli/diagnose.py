"""`glassnet diagnose`: find out why a model trains badly, from its training history and its data."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from glassnet.cli.printing import wrapped

FINDING_INDENT = 12  # columns of "  expected  ", the label before the text of a finding


def diagnose(
    model: Annotated[
        str, Argument(metavar="MODEL", help="A model file written by glassnet train or NeuralNetwork.save.")
    ],
    file: Annotated[str | None, Argument(metavar="FILE", help="Data with the target, best the training data.")] = None,
) -> None:
    """Find out why a model trains badly: evidence in numbers, the equation behind it, and one change to try.

    Without FILE the diagnosis uses the training history in the model file; with FILE it uses the data as well.
    """
    if file is None:
        diagnose_history(model)
        return
    from glassnet.cli.dataset import read_with_target
    from glassnet.cli.output_layer import network_targets
    from glassnet.cli.trained_model import load_model
    from glassnet.data.preprocessing import TablePreparation

    loaded = load_model(model)
    x, encoded, path = read_with_target(file, loaded)
    print(f"{len(x):,} rows of {path}")
    columns = loaded.preparation.features if isinstance(loaded.preparation, TablePreparation) else None
    targets = network_targets(encoded, loaded.target, loaded.network)
    print(wrapped(str(loaded.network.diagnose(x.T, targets, columns=columns)), FINDING_INDENT))


def diagnose_history(path: str) -> None:
    """Print the findings from the model file alone. Raises ModelFileError where it has no training history."""
    from glassnet.errors import ModelFileError
    from glassnet.network import NeuralNetwork

    network = NeuralNetwork.load(path)
    if network.history is None:
        cause = "it was saved untrained, or by an older glassnet"
        advice = f"give the data as well: glassnet diagnose {path} FILE"
        raise ModelFileError(f"{path} has no training history ({cause}); {advice}.")
    print(wrapped(str(network.diagnose()), FINDING_INDENT))

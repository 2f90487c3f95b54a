"""`glassnet diagnose`: what ails this model, by its training and on this data, and what to change."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from glassnet.cli.lines import folded

LABEL = 12  # columns that "  expected  " takes: what a finding goes on with stands under its text


def diagnose(
    model: Annotated[str, Argument(help="A model file that glassnet train or NeuralNetwork.save wrote.")],
    file: Annotated[
        str | None,
        Argument(help="Data with the target in it, best the rows that the model was trained on.", show_default=False),
    ] = None,
) -> None:
    """Say what ails a model: evidence with numbers, which equation makes it so, one change to try.

    Without FILE it goes by what the model keeps of its training; with it, by the data as well.
    """
    if file is None:
        by_training(model)
        return
    from glassnet.cli.dataset import read_known
    from glassnet.cli.model import load_model
    from glassnet.cli.outputs import network_targets
    from glassnet.data.preprocessing import TablePreparation

    loaded = load_model(model)
    x, encoded, path = read_known(file, loaded)
    print(f"{len(x):,} rows of {path}")
    columns = loaded.preparation.features if isinstance(loaded.preparation, TablePreparation) else None
    targets = network_targets(encoded, loaded.target, loaded.network)
    print(folded(str(loaded.network.diagnose(x.T, targets, columns=columns)), LABEL))


def by_training(path: str) -> None:
    """Print what the file alone tells. Raises ModelFileError where it keeps nothing of a training."""
    from glassnet.errors import ModelFileError
    from glassnet.network import NeuralNetwork

    network = NeuralNetwork.load(path)
    if network.history is None:
        raise ModelFileError(
            f"{path} keeps no numbers of a training (it was saved untrained, or by an older glassnet); name the data "
            f"as well: glassnet diagnose {path} FILE."
        )
    print(folded(str(network.diagnose()), LABEL))

"""`glassnet diagnose`: what ails this model on this data, and what to change."""

from __future__ import annotations

from typing import Annotated

from typer import Argument


def diagnose(
    model: Annotated[str, Argument(help="A model file that glassnet train wrote.")],
    file: Annotated[str, Argument(help="Data with the target in it, best the rows that the model was trained on.")],
) -> None:
    """Say what ails a model and its data: evidence with numbers, which equation makes it so, one change to try."""
    from glassnet.cli.dataset import read_known
    from glassnet.cli.model import load_model
    from glassnet.cli.outputs import network_targets

    loaded = load_model(model)
    x, encoded, path = read_known(file, loaded)
    print(f"{len(x):,} rows of {path}")
    print(loaded.network.diagnose(x.T, network_targets(encoded, loaded.target, loaded.network)))

"""`glassnet check`: is the gradient of this model on this data what the equations promise?"""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Exit, Option


def check(
    model: Annotated[str, Argument(help="A model file that glassnet train wrote.")],
    file: Annotated[str, Argument(help="Data with the target in it.")],
    rows: Annotated[int, Option(min=1, help="How many rows, from the first on.")] = 32,
) -> None:
    """Compare backpropagation's gradient with central differences of the cost, layer by layer.

    The exit code is 1 where a gradient is wrong.
    """
    from glassnet import gradient_check
    from glassnet.cli.dataset import read_known
    from glassnet.cli.model import load_model
    from glassnet.cli.outputs import network_targets

    loaded = load_model(model)
    x, encoded, path = read_known(file, loaded)
    y = network_targets(encoded[:rows], loaded.target, loaded.network)
    print(f"{min(rows, len(x)):,} rows of {path}")
    report = gradient_check(loaded.network, x[:rows].T, y)
    print(report)
    if not report.ok:
        raise Exit(1)

"""`glassnet check`: compare the gradient of a model on its data with central differences of the cost."""

from __future__ import annotations

from typing import Annotated

from typer import Exit, Option

from glassnet.cli.options import KnownDataArgument, KnownTargetOption, MemberOption, ModelArgument
from glassnet.cli.printing import print_text


def check(
    model: ModelArgument,
    file: KnownDataArgument,
    target: KnownTargetOption = None,
    member: MemberOption = None,
    rows: Annotated[int, Option(min=1, help="Number of rows to use, from the first on.")] = 32,
) -> None:
    """Check backpropagation's gradient against central differences of the cost, layer by layer.

    The exit code is 1 if a gradient is wrong, or if none could be judged. Gradients that are too small or too steep for
    differences are counted and named; at a kink of the cost, a copy with nudged biases is checked.
    """
    from glassnet import gradient_check
    from glassnet.cli.dataset import read_with_target
    from glassnet.cli.output_layer import network_targets
    from glassnet.cli.stored_model import load_model, member_text, network_of

    loaded = load_model(model)
    network = network_of(loaded, member)
    x, encoded, data = read_with_target(file, loaded, target)
    y = network_targets(encoded[:rows], loaded.target, network)
    remark = f", {text}" if (text := member_text(loaded, member)) else ""
    print_text(f"{min(rows, len(x)):,} rows of {data.path}{remark}")
    report = gradient_check(network, x[:rows].T, y)
    print_text(report)
    if not report.ok:
        raise Exit(1)

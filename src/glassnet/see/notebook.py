"""How a network is displayed: as a line of text, and in a notebook as static HTML without a script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork


def network_text(network: NeuralNetwork) -> str:
    """The network as a line of text."""
    parts = [str(network.architecture.inputs), *map(repr, network.architecture.input_layers)]
    for dense in network.architecture.dense:
        width_and_activation = f"{dense.fan_out} {dense.activation.name}{dense.activation.grouping}"
        parts += [*map(repr, dense.before), width_and_activation, *map(repr, dense.after)]
    return (
        f"NeuralNetwork({' → '.join(parts)}; cost {network.architecture.cost.name}, {network.parameters.count:,} "
        f"parameters, {network.dtype}, seed {network.seed})"
    )


def network_html(network: NeuralNetwork) -> str:
    """The network as a line of text, its layers as a table, and its equations."""
    cells = "".join(
        f"<tr><td>{number}</td><td>{dense.fan_in} → {dense.fan_out}</td>"
        f"<td>{escape(dense.activation.name + dense.activation.grouping)}</td>"
        f"<td style='text-align:left'>{escape(', '.join(map(repr, dense.before + dense.after)) or '–')}</td></tr>"
        for number, dense in enumerate(network.architecture.dense, 1)
    )
    head = "<tr><th>layer</th><th>fan_in → fan_out</th><th>activation</th><th>layers around it</th></tr>"
    return (
        f"<div><p><b>{escape(repr(network))}</b></p><table>{head}{cells}</table>"
        "<details><summary>the equations of one training step</summary>"
        f"<pre>{escape(str(network.program))}</pre></details></div>"
    )

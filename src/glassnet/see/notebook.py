"""How a network is displayed: as a line of text, and in a notebook as static HTML without a script."""

from __future__ import annotations

from html import escape

from glassnet.execution.model import Model
from glassnet.program.builder import build
from glassnet.program.precision import precision_text
from glassnet.program.updates import StepOptions
from glassnet.tables.optimizers import SGD


def model_text(model: Model) -> str:
    """The network as a line of text."""
    parts = [str(model.architecture.inputs), *map(repr, model.architecture.input_layers)]
    for dense in model.architecture.dense:
        width_and_activation = f"{dense.fan_out} {dense.activation.name}{dense.activation.grouping}"
        parts += [*map(repr, dense.before), width_and_activation, *map(repr, dense.after)]
    return (
        f"NeuralNetwork({' → '.join(parts)}; cost {model.architecture.cost.name}, {model.parameters.count:,} "
        f"parameters, {precision_text(model.dtype, model.architecture.precision)}, seed {model.seed})"
    )


def model_html(model: Model) -> str:
    """The network as a line of text, its layers as a table, and its equations."""
    cells = "".join(
        f"<tr><td>{number}</td><td>{dense.fan_in} → {dense.fan_out}</td>"
        f"<td>{escape(dense.activation.name + dense.activation.grouping)}</td>"
        f"<td style='text-align:left'>{escape(', '.join(map(repr, dense.before + dense.after)) or '–')}</td></tr>"
        for number, dense in enumerate(model.architecture.dense, 1)
    )
    head = "<tr><th>layer</th><th>fan_in → fan_out</th><th>activation</th><th>layers around it</th></tr>"
    return (
        f"<div><p><b>{escape(model_text(model))}</b></p><table>{head}{cells}</table>"
        "<details><summary>the equations of one training step</summary>"
        f"<pre>{escape(str(build(model.architecture, StepOptions(SGD()))))}</pre></details></div>"
    )

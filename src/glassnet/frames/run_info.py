"""What a page must know once about a run: its layers, equations and data."""

from __future__ import annotations

import numpy as np

from glassnet.frames.drawn_units import DrawnUnits
from glassnet.frames.encoding import Message
from glassnet.frames.samples import Samples, spread
from glassnet.program.architecture import Architecture
from glassnet.program.program import Program, symbol
from glassnet.see.stage import recurrence
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.entry import is_plain
from glassnet.training.layer_measures import SATURATED_SLOPE, largest_slope
from glassnet.training.training import Training

MAX_NAMES = 1000  # of inputs and outputs that are sent
MAX_LAYER_TEXT = 20  # letters
MEASURED, SAME = 500, 0.999  # training samples that are measured; standardised inputs vary alike


def run_info(training: Training, samples: Samples, drawn: DrawnUnits) -> Message:
    """The parts of RunInfo that the network and its data decide; whoever runs it adds its settings and branches."""
    architecture = training.model.architecture
    last = f"a{len(architecture.dense)}"
    return {
        "type": "run",
        "layers": layer_infos(architecture, samples, drawn),
        "parameters": training.model.parameters.count,
        "dtype": str(training.model.dtype),
        "program": str(training.program),
        "cost": {"name": architecture.cost.name, "text": architecture.cost.text(last)},
        "optimizer": {"name": training.recipe.optimizer.name, "text": update_text(training.program)},
        "kind": "classes" if samples.classes else "numbers",
        "classes": list(samples.classes),
        "data": samples.message(),
        "first_input": 0 if architecture.input_layers else first_input(samples),
        "notes": [*samples.notes, *samples.limits(), *training.executor.warnings],
    }


def first_input(samples: Samples) -> int:
    """The input with the largest variance, where a look at single weights begins: some pixels are always 0."""
    deviations = samples.x[spread(samples.trained, MEASURED)].std(axis=0, dtype=np.float64)
    return int(np.argmax(deviations >= SAME * deviations.max()))


def layer_infos(architecture: Architecture, samples: Samples, drawn: DrawnUnits) -> list[Message]:
    """LayerInfo of the inputs and of each dense layer."""
    first: Message = {"units": architecture.inputs, "activation": "", "saturation": 0.0, "image": samples.image}
    extras = list(map(_short_text, architecture.input_layers))
    infos = [first | {"names": list(samples.inputs[:MAX_NAMES]), "extras": extras}]
    for dense in architecture.dense:
        info: Message = {"units": dense.fan_out, "activation": dense.activation.name + dense.activation.grouping}
        own = () if is_plain(dense.activation, ACTIVATIONS) else (dense.activation,)
        extras = list(map(_short_text, (*own, *dense.before, *dense.after)))
        limit = SATURATED_SLOPE * largest_slope(dense.activation)
        infos.append(info | {"names": [], "image": None, "saturation": limit, "extras": extras})
    infos[-1]["names"] = list(output_names(samples, architecture.outputs)[:MAX_NAMES])
    for layer, info in enumerate(infos):
        info["shown"] = drawn.units[layer].tolist()
        info["image"] = list(info["image"]) if info["image"] else None
    return infos


def _short_text(layer: object) -> str:
    """A layer with its settings, or by its name alone where they are long: it stands below a column of neurons."""
    text = repr(layer)
    return text if len(text) <= MAX_LAYER_TEXT else type(layer).__name__


def output_names(samples: Samples, outputs: int) -> tuple[str, ...]:
    """The name of each output: its class, or what it predicts; of one output for two classes, what 1 stands for."""
    if samples.classes and outputs == len(samples.classes):
        return samples.classes
    if samples.classes and outputs == 1 and len(samples.classes) == 2:
        name = samples.classes[1]
        return ("y = 1" if name == "1" else f"y = 1 ({name})",)
    return samples.outputs if len(samples.outputs) == outputs else ()


def update_text(program: Program) -> str:
    """The optimiser's recurrence, by that of the first parameter."""
    row = next(row for row in program.rows if row.role == "update")
    names = [*map(symbol, row.reads), *(scalar.rsplit(" ", 1)[0] for scalar in row.scalars)]
    return recurrence(names[0], row.reads[2:], row.formula.text(names)) if row.formula else ""

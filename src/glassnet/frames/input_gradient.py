"""δ followed back to the inputs: ∂c/∂x of one sample, which says which of its inputs would change its cost, and how.

It is BP2 once more, without an activation behind it: ∂c/∂x = W1ᵀ·δ1.
"""

from __future__ import annotations

import numpy as np

from glassnet.execution.model import Model
from glassnet.frames.encoding import Message, encoded, finite
from glassnet.frames.samples import Samples
from glassnet.program.parameters import Array
from glassnet.see.quantities import PreparedPass, prepare_pass
from glassnet.tables.embeddings import Embedding

NAMED = 3  # inputs that a sentence names


def input_gradient(model: Model, samples: Samples, number: int) -> Message:
    """∂c/∂x (inputs, 1) of a sample by its number, with its x and c, and a sentence about the largest of them.

    It is NaN for the codes that an Embedding looks up: a code has no slope.
    """
    part = samples.part(np.array([number]))
    prepared = prepare_pass(model, part)
    with np.errstate(all="ignore"):
        prepared.executor.run()
        gradient = _gradient(prepared)
    cost = float(prepared.executor.columns("c")[0, 0])
    known = {"number": number, "x": encoded(part.x.T), "gradient": encoded(gradient), "c": finite(cost)}
    return known | {"sentence": _sentence(gradient[:, 0], samples)}


def _gradient(prepared: PreparedPass) -> Array:
    """W1ᵀ·δ1, or what layers on the inputs made of it."""
    executor, inputs = prepared.executor, prepared.model.architecture.input_layers
    if "da0" not in executor.program.buffers:
        return np.asarray(executor.columns("w1").T @ executor.columns("delta1"))
    gradient = np.array(executor.columns("da0"))
    for layer in inputs:
        if isinstance(layer, Embedding):
            gradient[slice(None) if layer.inputs is None else list(layer.inputs)] = np.nan
    return gradient


def _sentence(gradient: Array, samples: Samples) -> str:
    """The inputs with the largest derivatives, by name."""
    sizes = np.nan_to_num(np.abs(gradient))
    if not sizes.max() > 0:
        return "No input changes the cost of this sample: ∂c/∂x is 0 everywhere."
    names = samples.inputs if len(samples.inputs) == len(gradient) else [f"x[{n}]" for n in range(len(gradient))]
    largest = [int(index) for index in np.argsort(-sizes, kind="stable")[:NAMED] if sizes[index] > 0]
    parts = [
        f"{'more' if gradient[index] > 0 else 'less'} {names[index]} ({gradient[index]:+.3g})" for index in largest
    ]
    joined = ", ".join(parts)
    return f"Most of the cost hangs on {joined}: c grows with these, by the slope in parentheses per unit of x."

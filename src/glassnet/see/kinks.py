"""Kinks of C: where an activation or a cost has no slope, differences over it measure neither of its sides.

relu, leaky_relu, elu and selu bend at z = 0, the absolute and the quantile cost at a = y.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from glassnet.execution.inference import output_name
from glassnet.program.parameters import Array
from glassnet.see.quantities import PreparedPass

COSTS = ("absolute", "quantile")  # that bend where output and target are equal


def sides(prepared: PreparedPass) -> dict[str, Array]:
    """On which side of each kink the numbers of a pass lie, True above it; by a sentence with the place in braces."""
    architecture, columns = prepared.model.architecture, prepared.executor.columns
    result = {}
    for layer, dense in enumerate(architecture.dense, 1):
        if not dense.activation.smooth:
            z = prepared.program.rows[prepared.program.writer(f"a{layer}")].reads[0]
            name = dense.activation.name
            result[f"neuron {{}} of layer {layer} (sample {{}}) passes z = 0, where {name} bends"] = columns(z) > 0
    if architecture.cost.name in COSTS:
        above = columns(output_name(prepared.program)) > columns("y")
        result[f"output {{}} (sample {{}}) passes its target, where the {architecture.cost.name} cost bends"] = above
    return result


def first_kink(above: Mapping[str, Array], below: Mapping[str, Array]) -> str:
    """The first kink that lies between two passes, as a sentence; empty if there is none."""
    for sentence, side in above.items():
        if (differs := side != below[sentence]).any():
            neuron, sample = np.unravel_index(differs.argmax(), differs.shape)
            return sentence.format(int(neuron), int(sample))
    return ""

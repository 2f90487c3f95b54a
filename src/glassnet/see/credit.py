"""The part of each training sample in each layer's gradient, in one forward and one backward pass.

The gradient of a dense layer's W is the mean of δ·aᵀ over the samples, and ‖δ·aᵀ‖ = ‖δ‖·‖a‖: the size of each sample's
part is known without forming its matrix. Samples with large gradients late in a training are often mislabelled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.sources import Sources, checked_sources
from glassnet.batches.targets import misclassified, predicted_classes, target_classes
from glassnet.execution.inference import loaded_executor, output_name
from glassnet.execution.model import Model
from glassnet.execution.prediction import block_size
from glassnet.program.parameters import Array
from glassnet.result_html import table_html
from glassnet.training.layer_measures import square_sums


class Credit(NamedTuple):
    """The parts of the samples: `norms` (layers, n) are ‖δ‖·‖a‖ of each layer and sample, `costs` (n,) their costs.

    `predicted` and `labels` (n,) are class numbers, of the network and of y, (n, groups) where the output has groups;
    None where y are quantities.
    """

    norms: Array
    costs: Array
    predicted: Array | None
    labels: Array | None

    @property
    def shares(self) -> Array:
        """Each sample's share of a layer's summed norms, (layers, n); those of a layer add up to 1 (or are all 0)."""
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            sums = self.norms.sum(axis=1, keepdims=True)
            return np.divide(self.norms, sums, out=np.zeros_like(self.norms), where=sums > 0)

    @property
    def gradient_norms(self) -> Array:
        """The norm of each sample's gradient over all layers, (n,)."""
        with np.errstate(over="ignore", under="ignore"):
            return np.sqrt((self.norms**2).sum(axis=0))

    def largest(self, count: int = 10) -> Array:
        """The numbers of the samples with the largest gradients, the largest first."""
        return np.argsort(-self.gradient_norms, kind="stable")[:count]

    def suspicious(self, count: int = 10) -> Array:
        """The samples whose target fits worst to what the network has learnt, by their cost, the worst first.

        Of class labels, only those that the network predicts otherwise: they are probably wrong.
        """
        order = np.argsort(-self.costs, kind="stable")
        if self.predicted is not None and self.labels is not None:
            order = order[misclassified(self.predicted, self.labels)[order]]
        return order[:count]

    def __str__(self) -> str:
        lines = [
            f"{len(self.costs):,} samples; the ten with the largest gradients:",
            f"{'sample':>8}{'cost':>10}  share of each layer",
        ]
        for sample in self.largest():
            number, cost, *others = self._cells(sample)
            lines.append(f"{number:>8}{cost:>10}  {'  '.join(others).rstrip()}")
        return "\n".join(lines)

    def _label_text(self, sample: int) -> str:
        """The label and the predicted class, where they differ."""
        if self.predicted is None or self.labels is None:
            return ""
        predicted, label = self.predicted[sample], self.labels[sample]
        return "" if np.array_equal(predicted, label) else f"  labelled {label}, predicted {predicted}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        columns = ["sample", "cost", *(f"share of layer {layer}" for layer in range(1, len(self.norms) + 1)), ""]
        return table_html(str(self).partition("\n")[0], columns, map(self._cells, self.largest()))

    def _cells(self, sample: int) -> list[str]:
        """A line of the table: the sample, its cost, its share of each layer, and its label where that is doubtful."""
        shares = (f"{share:.2%}" for share in self.shares[:, sample])
        return [str(sample), f"{self.costs[sample]:.4g}", *shares, self._label_text(sample).strip()]


def credit(model: Model, x: Any, y: Any) -> Credit:
    """The part of each sample of x (fan_in, batch) and y, (fan_out, batch) or class numbers (batch,), in the gradients.

    The model is left as it was; the equations are those of inference (no dropout, running statistics).
    """
    sources = checked_sources(model.architecture, model.dtype, x, y)
    size = block_size(model, len(sources.x))
    parts = [_part(model, sources.part(slice(first, first + size))) for first in range(0, len(sources.x), size)]
    norms, costs, outputs = (np.concatenate(each, axis=-1) for each in zip(*parts, strict=True))
    labels = target_classes(model.architecture, sources.y)
    predicted = None if labels is None else predicted_classes(outputs.T, model.architecture.groups)
    return Credit(norms, costs, predicted, labels)


def _part(model: Model, sources: Sources) -> tuple[Array, Array, Array]:
    """Norms (layers, m), costs (m,) and outputs (fan_out, m) of some samples."""
    executor = loaded_executor(model, sources.x, sources.y)
    executor.run()
    rows = [row for row in executor.program.rows if row.kind == "bp4"]
    pairs = {row.writes[0]: [square_sums(executor.rows(name)) for name in row.reads] for row in rows}
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        norms = [np.sqrt(np.multiply(*pairs[f"dw{layer}"])) for layer in range(1, len(rows) + 1)]
    outputs = executor.columns(output_name(executor.program)).copy()
    return np.array(norms), executor.rows("c").astype(np.float64), outputs

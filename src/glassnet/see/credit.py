"""How much each training row has to do with each layer's gradient, in one forward and one backward pass.

The gradient of a dense layer's W is the mean of δ·aᵀ over the rows, and ‖δ·aᵀ‖ = ‖δ‖·‖a‖: the size of each row's part
is known without its matrix being written down. Rows that push hardest late in a training are often wrongly labelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.batches.sources import checked_sources
from glassnet.execution.inference import answers, output_name, wrong
from glassnet.execution.prediction import block_size
from glassnet.program.parameters import Array
from glassnet.training.layer_measures import square_sums

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork


class Credit(NamedTuple):
    """The parts of the rows: `norms` (layers, n) are ‖δ‖·‖a‖ of each dense layer and row, `costs` (n,) each row's cost.

    `answers` and `labels` (n,) are class numbers, what the network says and what y says, (n, groups) where the output
    has groups; None where y are quantities.
    """

    norms: Array
    costs: Array
    answers: Array | None
    labels: Array | None

    @property
    def shares(self) -> Array:
        """Each row's share of what all rows push a layer with, (layers, n); a layer's add up to 1 (or are all 0)."""
        sums = self.norms.sum(axis=1, keepdims=True)
        return np.divide(self.norms, sums, out=np.zeros_like(self.norms), where=sums > 0)

    @property
    def pushes(self) -> Array:
        """The size of each row's gradient over all layers, (n,)."""
        return np.sqrt((self.norms**2).sum(axis=0))

    def hardest(self, count: int = 10) -> Array:
        """The numbers of the rows that push hardest, the hardest first."""
        return np.argsort(-self.pushes, kind="stable")[:count]

    def doubtful(self, count: int = 10) -> Array:
        """The rows whose target fits worst to what the network has learnt, the worst first: by their cost.

        Of class labels, only those that the network would have answered otherwise: likely wrong labels.
        """
        order = np.argsort(-self.costs, kind="stable")
        if self.answers is not None and self.labels is not None:
            order = order[wrong(self.answers, self.labels)[order]]
        return order[:count]

    def __str__(self) -> str:
        lines = [
            f"{len(self.costs):,} rows; the ten that push hardest:",
            f"{'row':>8}{'cost':>10}  share of each layer",
        ]
        for row in self.hardest():
            shares = "  ".join(f"{share:.2%}" for share in self.shares[:, row])
            lines.append(f"{row:>8}{self.costs[row]:>10.4g}  {shares}{self._words(row)}")
        return "\n".join(lines)

    def _words(self, row: int) -> str:
        """What is said of a row of classes."""
        if self.answers is None or self.labels is None or np.array_equal(self.answers[row], self.labels[row]):
            return ""
        return f"  labelled {self.labels[row]}, answered {self.answers[row]}"

    def __repr__(self) -> str:
        return str(self)


def credit(network: NeuralNetwork, x: Any, y: Any) -> Credit:
    """Each row's part in each layer's gradient on x (fan_in, batch) and y, (fan_out, batch) or class numbers (batch,).

    The network is left as it was; the rows are those of inference (no dropout, running statistics).
    """
    sources = checked_sources(network, x, y)
    size = block_size(network, len(sources.x))
    parts = [
        _part(network, sources.x[first : first + size], sources.y[first : first + size])
        for first in range(0, len(sources.x), size)
    ]
    norms, costs, outputs = (np.concatenate(each, axis=-1) for each in zip(*parts, strict=True))
    labels = network._inference._classes(sources)
    found = None if labels is None else answers(outputs.T, network.architecture.groups)
    return Credit(norms, costs, found, labels)


def _part(network: NeuralNetwork, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Norms (layers, m), costs (m,) and outputs (fan_out, m) of some rows."""
    runner = network._inference._ready(x, False, y)
    runner.run()
    rows = [row for row in runner.program.rows if row.kind == "bp4"]
    pairs = {row.writes[0]: [square_sums(runner.rows(name)) for name in row.reads] for row in rows}
    norms = [np.sqrt(np.multiply(*pairs[f"dw{layer}"])) for layer in range(1, len(rows) + 1)]
    last = runner.columns(output_name(runner.program)).copy()
    return np.array(norms), runner.rows("c").astype(np.float64), last

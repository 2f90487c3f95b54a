"""First weights that suit the data: on a sample of x, every neuron's z has variance 1, layer by layer.

`Model.initialize` draws weights from the seed alone; this then rescales what it can see the effect of.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.execution.executor import Executor
from glassnet.execution.inference import loaded_executor
from glassnet.execution.model import Model
from glassnet.program.parameters import Array
from glassnet.program.program import Row

MAX_SAMPLES = 4096  # of x, drawn from the seed
BIAS_SAMPLES = 5  # whose z, in a random mixture, a neuron's bias makes 0
MIN_SPREAD = 1e-6  # of z, as a share of its largest value: less is rounding


def initialize_from_data(model: Model, rows: Array) -> None:
    """Draw all parameters from the seed, the weights and biases of dense layers by their effect on x, samples as rows.

    Weights are normal, then divided by the standard deviation of the neuron's z on the samples. The bias is minus the
    mean of that z over 5 random samples, in random proportions, so that neurons bend where there are data. The
    equations are those of inference (no dropout). Source: Holzmüller, Grinsztajn & Steinwart, Better by Default (2024),
    appendix A; the biases ("he+5") after Steinwart, A Sober Look at Neural Network Initializations (2019).
    """
    model.initialize()
    rng = np.random.default_rng([model.seed, 2**31 + 1])
    if len(rows) > MAX_SAMPLES:
        rows = rows[np.sort(rng.permutation(len(rows))[:MAX_SAMPLES])]
    executor = loaded_executor(model, rows)
    for number, row in enumerate(executor.program.rows[: executor.program.head("forward")]):
        if row.kind == "affine":
            _draw_into(model, executor, number, row, rng)
        executor.run(number, number + 1)


def _draw_into(model: Model, executor: Executor, number: int, row: Row, rng: Any) -> None:
    """Write W and b of a dense layer, whose input the executor has computed; `number` is that of its equation."""
    w, b = (model.parameters.rows(name) for name in row.reads[1:])
    w[...], b[...] = rng.normal(0, 1 / np.sqrt(len(w)), w.shape), 0
    executor.run(number, number + 1)
    z = executor.rows(row.writes[0]).astype(np.float64)
    spread = z.std(axis=0)
    spread[spread <= MIN_SPREAD * np.abs(z).max(axis=0)] = 1
    w[...] = w / spread
    samples = rng.integers(len(z), size=(len(b), BIAS_SAMPLES))
    proportions = rng.dirichlet(np.ones(BIAS_SAMPLES), len(b))
    b[...] = -(proportions * z[samples, np.arange(len(b))[:, np.newaxis]]).sum(axis=1) / spread

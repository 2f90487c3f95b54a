"""The table of kernels: for every kind of row, the function that builds its kernel.

A builder takes the kernel's identity and returns a Python function of (row, context), which `compile.py` compiles.
Importing this module imports Numba, so it happens only where a kernel is missing from the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassnet.engine import (
    dropout,
    elementwise,
    gather,
    interpreter,
    products,
    reductions,
    shuffle,
    skipping,
    softmax,
    totals,
)
from glassnet.engine.compile import object_code
from glassnet.engine.identity import Identity

KERNELS: dict[str, Callable[[Identity], Any]] = {
    "formula": elementwise.formula,
    "sums": elementwise.sums,
    "gather": gather.gather,
    "one_hot": gather.one_hot,
    "sample_weights": gather.sample_weights,
    "product": products.product,
    "followed": products.followed,
    "affine": products.affine,
    "propagate": products.arrive,
    "bp4": products.outer,
    "skipping": skipping.skipping,
    "followed skipping": products.followed,
    "affine skipping": products.affine,
    "bp4 skipping": products.outer,
    "bp3": reductions.mean,
    "mean_product": reductions.mean_product,
    "moments": reductions.moments,
    "feature_mean": reductions.feature_mean,
    "feature_mean_product": reductions.feature_mean_product,
    "feature_moments": reductions.feature_moments,
    "softmax": softmax.softmax,
    "softmax_error": softmax.softmax_error,
    "softmax_cost": softmax.softmax_cost,
    "dropout": dropout.dropout,
    "shuffle": shuffle.shuffle,
    "mean_cost": totals.mean_cost,
    "clip_scale": totals.clip_scale,
    "interpret": interpreter.interpret,
}


def build(identity: Identity) -> tuple[str, bytes]:
    """Compile a kernel: the name of its symbol and its object code."""
    return object_code(KERNELS[identity.kind](identity))

"""Check that glassnet and its peers compute the same: one short epoch from the same parameters in the same order.

The distance between their final parameters is compared with the distance that training moved them; in mixed precision,
glassnet and its peers are those of mixed precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import contestants
from benchmarks.comparison import NO_BFLOAT16
from benchmarks.workloads import LEARNING_RATE, MIXED, TINY, VARIANTS, WORKLOADS, Array, RandomSource, Workload

STEPS = 4  # Adam divides by √v, which amplifies rounding differences over many steps
# JAX rounds to bfloat16 what glassnet rounds; PyTorch rounds the results of products too.
TOLERANCES = {"float32": {"JAX": 5e-3, "PyTorch": 5e-3}, MIXED: {"JAX": 0.02, "PyTorch": 0.1}}
SMALL_PARAMETERS = 1000  # float32 networks with fewer parameters, which hardly move, must agree better
SMALL_TOLERANCE = 1e-5


class FixedSource(RandomSource):
    """The parameters and the order that glassnet uses."""

    def __init__(self, net: Any, workload: Workload) -> None:
        from glassnet.batches.mini_batches import BatchPlan, shuffled
        from glassnet.execution.reference import shuffle_into

        self.initial = [(np.array(w.T), np.array(b[:, 0])) for w, b in zip(net.weights, net.biases, strict=True)]
        plan = BatchPlan(workload.samples, workload.batch, None, shuffled((0, 0), shuffle_into))
        self.first_order = plan.block(0).order[: workload.samples]

    def parameters(self, workload: Workload) -> list[tuple[Array, Array]]:
        """glassnet's initial weights and biases."""
        return self.initial

    def order(self, workload: Workload) -> Array:
        """The order of glassnet's first epoch."""
        return self.first_order


def report() -> str:
    """The distances in each precision, on every workload except those with dropout, whose masks necessarily differ."""
    workloads = [TINY, *WORKLOADS.values(), *(w for w in VARIANTS.values() if w.layer != "dropout")]
    lines = [f"Distance between the parameters after {STEPS} steps, relative to the distance that training moved them."]
    for precision in TOLERANCES:
        lines += ["", f"In {precision}:", ""]
        if precision == MIXED and contestants.OURS_MIXED not in contestants.of_this_machine(contestants.BFLOAT16):
            lines.append(NO_BFLOAT16)
            continue
        for workload in workloads:
            shares = distances(workload._replace(samples=STEPS * workload.batch), precision)
            lines.append(f"- {workload.name}: " + ", ".join(f"{name} {share:.1e}" for name, share in shares.items()))
    return "\n".join(lines)


def distances(workload: Workload, precision: str) -> dict[str, float]:
    """Each peer's distance from glassnet in this precision; exits if one is beyond the tolerance."""
    net, (x, y) = contestants.network(workload, precision), workload.data()
    source = FixedSource(net, workload)
    options = {"batch_size": workload.batch, "optimizer": workload.optimizer, "lr": LEARNING_RATE}
    net.train(x.T, y.T, epochs=1, sample_weight=workload.sample_weights(), verbose=0, **options)
    start = flat(source.initial)
    ours = flat([(w.T, b[:, 0]) for w, b in zip(net.weights, net.biases, strict=True)])
    shares = {}
    for name, peer in peers(workload, source, precision).items():
        shares[name] = float(np.linalg.norm(flat(peer(1)) - ours) / np.linalg.norm(ours - start))
        if not shares[name] < tolerance(workload, precision, name):
            differs = f"{name} computes something else in {precision}; it differs by {shares[name]:.1e}"
            raise SystemExit(f"{workload.name}: {differs}")
    return shares


def tolerance(workload: Workload, precision: str, peer: str) -> float:
    """The largest distance of a peer that makes the same steps."""
    if precision == "float32" and workload.parameters < SMALL_PARAMETERS:
        return SMALL_TOLERANCE
    return TOLERANCES[precision][peer]


def peers(workload: Workload, source: FixedSource, precision: str) -> dict[str, Any]:
    """The peers, with their initial parameters and orders."""
    from benchmarks import peer_jax, peer_torch

    return {
        "JAX": peer_jax.Network(workload, source, precision),
        "PyTorch": peer_torch.Network(workload, source, 1, precision),
    }


def flat(parameters: Sequence[tuple[Any, Any]]) -> Array:
    """All weights and biases in one float64 vector."""
    return np.concatenate([np.asarray(array, np.float64).ravel() for pair in parameters for array in pair])


if __name__ == "__main__":
    print(report())

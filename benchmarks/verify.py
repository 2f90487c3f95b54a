"""Whether glassnet and its peers do the same work: one short epoch from the same parameters in the same order.

The distance between the parameters they reach is compared with the distance that training moved them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import contestants
from benchmarks.workloads import RATE, TRAP, VARIANTS, WORKLOADS, Array, Chance, Workload

STEPS = 4  # Adam divides by √v: after many steps a rounded-off difference has grown
SMALL, SMALL_TOLERANCE, TOLERANCE = 1000, 1e-5, 5e-3  # few parameters that hardly move must agree better


class Given(Chance):
    """The parameters and the order that glassnet has."""

    def __init__(self, net: Any, workload: Workload) -> None:
        from glassnet.batches.mini_batches import Plan, shuffled
        from glassnet.execution.reference import shuffle_into

        self.first = [(np.array(w.T), np.array(b[:, 0])) for w, b in zip(net.weights, net.biases, strict=True)]
        plan = Plan(workload.samples, workload.batch, None, shuffled((0, 0), shuffle_into))
        self.places = plan.block(0).order[: workload.samples]

    def parameters(self, workload: Workload) -> list[tuple[Array, Array]]:
        """glassnet's first weights and biases."""
        return self.first

    def order(self, workload: Workload) -> Array:
        """The order of glassnet's first epoch."""
        return self.places


def report() -> str:
    """The distances on every workload but those with dropout, whose masks differ by nature."""
    found = [TRAP, *WORKLOADS.values(), *(one for one in VARIANTS.values() if one.layer != "dropout")]
    lines = [f"{one.name}: {distances(one._replace(samples=STEPS * one.batch))}" for one in found]
    return "\n\n".join(["Distance of the parameters after four steps, as a share of the way they went.", *lines])


def distances(workload: Workload) -> str:
    """Each peer's distance; a distance beyond the tolerance ends the run."""
    net, (x, y) = contestants.network(workload), workload.data()
    given, words = Given(net, workload), {"batch_size": workload.batch, "optimizer": workload.optimizer, "lr": RATE}
    net.train(x.T, y.T, epochs=1, sample_weight=workload.sample_weights(), verbose=0, **words)
    start = flat(given.first)
    ours = flat([(w.T, b[:, 0]) for w, b in zip(net.weights, net.biases, strict=True)])
    tolerance = SMALL_TOLERANCE if workload.parameters < SMALL else TOLERANCE
    shares = {}
    for name, peer in peers(workload, given).items():
        shares[name] = float(np.linalg.norm(flat(peer(1)) - ours) / np.linalg.norm(ours - start))
        if not shares[name] < tolerance:
            raise SystemExit(f"{workload.name}: {name} is {shares[name]:.1e} of the way off; it does other work")
    return ", ".join(f"{name} {share:.1e}" for name, share in shares.items())


def peers(workload: Workload, given: Given) -> dict[str, Any]:
    """The peers that are installed, with what they are given."""
    from benchmarks import peer_jax, peer_torch

    return {"JAX": peer_jax.Network(workload, given), "PyTorch": peer_torch.Network(workload, given, 1)}


def flat(parameters: Sequence[tuple[Any, Any]]) -> Array:
    """All weights and biases in one float64 vector."""
    return np.concatenate([np.asarray(part, np.float64).ravel() for pair in parameters for part in pair])


if __name__ == "__main__":
    print(report())

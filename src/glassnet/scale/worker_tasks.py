"""What a worker of a cluster runs, beside the lanes themselves: a check that it computes the same bits."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from glassnet import __version__
from glassnet.batches.sources import Sources
from glassnet.errors import EngineUnavailable, ParameterError
from glassnet.program.parameters import Array
from glassnet.scale.round import LaneResult, LaneTask, lane_round
from glassnet.scale.scores import BlockScore, EvaluationTask, evaluate_block


class WorkerFacts(NamedTuple):
    """What decides the bits of a training: the version of glassnet, and whether the engine runs with FMA."""

    version: str
    engine: str
    fma: bool


@cache
def worker_facts() -> WorkerFacts:
    """Those of this process."""
    try:
        from glassnet.engine.cache import has_fma

        return WorkerFacts(__version__, "compiled", has_fma())
    except (ImportError, EngineUnavailable):
        return WorkerFacts(__version__, "numpy", False)


def check_worker(expected: WorkerFacts | None) -> None:
    """Raise ParameterError where this worker would give other bits; None lets every worker pass."""
    own = worker_facts()
    if expected is None or own == expected:
        return
    differences = [
        f"{what} {getattr(own, name)} instead of {getattr(expected, name)}"
        for name, what in (("version", "glassnet"), ("engine", "engine"), ("fma", "fused multiply-add"))
        if getattr(own, name) != getattr(expected, name)
    ]
    raise ParameterError(
        f"the worker {worker_name()} has {' and '.join(differences)}, so it would give other bits; make it like the "
        "others, or pass same_bits=False."
    )


def worker_name() -> str:
    """The address of the Dask worker that runs this, or the name of the machine."""
    try:
        from distributed import get_worker

        return str(get_worker().address)
    except (ImportError, ValueError):
        return socket.gethostname()


def lane_on_worker(
    task: LaneTask, expected: WorkerFacts | None, shared: Mapping[str, Array], *blocks: Sources
) -> LaneResult:
    """A lane's part of a round, on a worker that was checked."""
    check_worker(expected)
    return lane_round(task, shared, list(blocks))


def shared_state(arrays: dict[str, Array]) -> dict[str, Any]:
    """The shared state of a round: the root of its graph, which every worker gets from the scheduler or a neighbour."""
    return arrays


def score_on_worker(
    task: EvaluationTask, expected: WorkerFacts | None, shared: Mapping[str, Array], block: Sources
) -> BlockScore:
    """The score of a block, on a worker that was checked."""
    check_worker(expected)
    return evaluate_block(task, shared, block)

"""Whether the compiled engine is ready for a network: its kernels are compiled in the background where they are not.

The engine of a run does not change while it lasts, since both engines round differently; it is part of the link.
"""

from __future__ import annotations

import threading
import time

import numpy as np

from glassnet.errors import GlassnetError
from glassnet.network import NeuralNetwork
from glassnet.play.network import make_network
from glassnet.play.setup import Setup
from glassnet.play.template import Template

WAIT_SECONDS = 2.0  # for kernels that are only loaded; compiling takes several seconds

_Key = tuple[object, ...]
_ready: dict[_Key, tuple[threading.Event, float]] = {}  # set when it is ready; and when that was begun
_unavailable: set[_Key] = set()
_lock = threading.Lock()


def kernel_key(setup: Setup, template: Template | None = None) -> _Key:
    """What decides which kernels a setup needs."""
    softmax = setup.cost == "categorical_cross_entropy"
    own = () if template is None else template.kind()
    return (frozenset(setup.act), setup.act[-1], setup.cost, setup.opt, softmax, setup.shape[-1] == 1, own)


def available_engine(setup: Setup, template: Template | None = None, *, wait: bool = False) -> str:
    """The compiled engine where its kernels are ready within a moment (with `wait`, whenever), else NumPy meanwhile."""
    key = kernel_key(setup, template)
    with _lock:
        if key not in _ready:
            _ready[key] = threading.Event(), time.monotonic()
            arguments = (setup, template, key)
            threading.Thread(target=_warm_up, args=arguments, name="glassnet kernels", daemon=True).start()
        event, begun = _ready[key]
    remaining = begun + WAIT_SECONDS - time.monotonic()
    is_ready = event.wait(None if wait else max(0.0, remaining))
    return "compiled" if is_ready and key not in _unavailable else "numpy"


def ready_engine() -> str:
    """What runs the network with which the page opens."""
    return available_engine(Setup())


def _warm_up(setup: Setup, template: Template | None, key: _Key) -> None:
    """Run a step, and a pass over some samples, on a small network of the same kind."""
    try:
        network = make_network(setup._replace(shape=_small(setup), w=(), engine="compiled"), template)
        y = _targets(network)
        optimizer = setup.opt if template is None else template.optimizer_of(setup)
        x = np.zeros((setup.shape[0], 4))
        network.train(x, y, batch_size=2, epochs=1, optimizer=optimizer, verbose=0)
        network.trace(x, y)
        network.evaluate(x, y)
        if network.history is not None and network.history.warnings:  # NumPy ran, since the engine cannot
            _unavailable.add(key)
    except (GlassnetError, ArithmeticError):
        pass  # the run itself says what is wrong with these settings
    finally:
        _ready[key][0].set()


def _small(setup: Setup) -> tuple[int, ...]:
    return (setup.shape[0], *(min(width, 16) for width in setup.shape[1:-1]), setup.shape[-1])


def _targets(network: NeuralNetwork) -> np.ndarray:
    if network.architecture.cost.target_sum is not None:
        return np.zeros(4, np.int64)
    return np.full((network.architecture.outputs, 4), 0.5)

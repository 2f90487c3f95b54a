"""Trains many networks at once, each on one thread of its own: for sweeps over settings and for ensembles.

A small network cannot use two processors, but two small networks can: they share the data and never wait for each
other. Every network ends with the same bits as if it had been trained alone.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from glassnet.batches.samples import as_rows, numeric
from glassnet.errors import GlassnetError, ParameterError, ParameterTypeError, unknown_name
from glassnet.network import NeuralNetwork
from glassnet.training.history import History
from glassnet.training.progress import progress
from glassnet.training.settings import whole
from glassnet.training.training_lock import IN_TRAINING

FILE_ARGUMENTS = ("checkpoint", "every", "resume")
POLL_SECONDS = 0.05  # between two checks whether networks have finished, or were asked to stop


class Finished(NamedTuple):
    """How many networks are finished, as the progress bar shows it."""

    epoch: int
    networks: int

    def __str__(self) -> str:
        return f"{self.epoch} of {self.networks} networks"

    def progress_texts(self, total: int) -> list[str]:
        """What a progress bar says."""
        return [str(self)]


class StartGate:
    """Holds the networks back until all are submitted, so that an interruption stops either none or all of them."""

    def __init__(self) -> None:
        self.is_decided, self.is_open = threading.Event(), False

    def decide(self, is_open: bool) -> None:
        """Let the waiting networks train, or not; a second decision holds for those that have not begun."""
        self.is_open = is_open
        self.is_decided.set()

    def train(self, net: NeuralNetwork, x: Any, y: Any, options: dict[str, Any]) -> History:
        """Train `net` once that is decided."""
        self.is_decided.wait()
        return net.train(x, y, verbose=0, threads=1, **options) if self.is_open else History(stopped="interrupted")


def train_many(
    networks: Iterable[NeuralNetwork],
    x: ArrayLike,
    y: ArrayLike,
    *,
    threads: int | None = None,
    verbose: int | None = None,
    **options: Any,
) -> list[History]:
    """Train networks on the same data, several at once, and return the History of each, in order.

    Parameters
    ----------
    networks : the networks, whose layers and settings may all differ
    x, y : as in NeuralNetwork.train, (fan_in, batch) and (fan_out, batch) or class numbers
    threads : the largest number of networks that are trained at the same time, at most one per processor of this
        process
    verbose : as in NeuralNetwork.train, with one progress line for all networks
    options : other arguments of NeuralNetwork.train, the same for each network, except checkpoint, every and resume

    Ctrl-C ends all trainings after a step. If the training of a network fails, the others are completed, and then the
    error is raised with the number of the network.
    """
    networks = _checked(networks, options)
    from glassnet.engine.processors import available_threads

    available = available_threads()
    count = available if threads is None else min(whole("threads", threads), available)
    x = shared(networks, x)
    gate, runs = StartGate(), list[Future[History]]()
    with ThreadPoolExecutor(max(1, min(count, len(networks))), "glassnet") as pool:
        try:
            for net in networks:
                runs.append(pool.submit(gate.train, net, x, y, options))
            gate.decide(True)
            _show(runs, verbose)
        except BaseException as reason:
            gate.decide(False)
            _stop(networks, runs)
            if not isinstance(reason, KeyboardInterrupt):
                raise
    unsubmitted = [History(stopped="interrupted") for _ in networks[len(runs) :]]
    return [_result(number, run) for number, run in enumerate(runs)] + unsubmitted


def _checked(networks: Any, options: dict[str, Any]) -> list[NeuralNetwork]:
    if not isinstance(networks, Iterable):
        raise ParameterTypeError(f"networks must be a list of networks, not {type(networks).__name__}.")
    networks = list(networks)
    for number, net in enumerate(networks):
        if not isinstance(net, NeuralNetwork):
            raise ParameterTypeError(f"networks[{number}] is {type(net).__name__}, not a NeuralNetwork.")
        for before in range(number):
            if networks[before] is net:
                pair = f"networks[{before}] and networks[{number}]"
                raise ParameterError(f"{pair} are the same network; pass copies (copy.deepcopy).")
        if net.training_lock.is_held_here():
            raise ParameterError(f"networks[{number}]: {IN_TRAINING}; pass a copy (copy.deepcopy).")
    _check_options(options, inspect.signature(NeuralNetwork.train).parameters)
    return networks


def _check_options(options: Iterable[str], parameters: Mapping[str, inspect.Parameter]) -> None:
    """Raise for an argument that NeuralNetwork.train does not have, or that networks cannot share."""
    known = [name for name, parameter in parameters.items() if parameter.default is not inspect.Parameter.empty]
    for option in options:
        if option in FILE_ARGUMENTS:
            raise ParameterError(f"train_many has no {option}: networks would share one file; train them one by one.")
        if option not in known:
            raise unknown_name("train_many's argument", option, [name for name in known if name not in FILE_ARGUMENTS])


def shared(networks: Sequence[NeuralNetwork], x: Any) -> Any:
    """x as an array that every network reads in place, in the widest of their dtypes."""
    array = numeric("x", x)
    if not networks or array.ndim != 2:
        return array
    return as_rows(array, np.result_type(*(net.dtype for net in networks))).T


def _show(runs: Sequence[Future[History]], verbose: int | None) -> None:
    """Wait for all, and show how many are finished."""
    pending = set(runs)
    with progress(len(runs), verbose, unit="network") as show:
        while pending:
            # With a timeout, because a library may keep Ctrl-C from waking a thread that waits without one.
            done, pending = wait(pending, POLL_SECONDS, FIRST_COMPLETED)
            if done:
                show(Finished(len(runs) - len(pending), len(runs)))
            show.advance(len(runs) - len(pending))


def _stop(networks: Sequence[NeuralNetwork], runs: Sequence[Future[History]]) -> None:
    """Stop all networks at a step; repeatedly, because a network that is just beginning clears an earlier stop."""
    done = False
    while not done:
        for net in networks:
            net.stop()
        done = not wait(runs, POLL_SECONDS).not_done


def _result(number: int, run: Future[History]) -> History:
    try:
        return run.result()
    except GlassnetError as error:
        raise type(error)(f"network {number}: {error}") from error
    except Exception as error:
        error.add_note(f"This was network {number} of train_many.")
        raise

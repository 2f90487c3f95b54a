"""Trains many networks at once, each on one thread of its own: for sweeps over settings and for ensembles.

A small network cannot use two processors, two small networks can: they share the data and wait for nothing. Every
network ends with the same bits as if it had been trained alone.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from glassnet.batches.samples import as_rows, numeric
from glassnet.errors import GlassnetError, ParameterError, ParameterTypeError, unknown_name
from glassnet.training.history import History
from glassnet.training.progress import progress
from glassnet.training.settings import whole

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork

PER_FILE = ("checkpoint", "every", "resume")
LOOK = 0.05  # seconds between two looks for networks that have not heard yet that they should end


class Finished(NamedTuple):
    """How many networks are trained, as the progress bar shows it."""

    epoch: int
    networks: int

    def __str__(self) -> str:
        return f"{self.epoch} of {self.networks} networks"


class Start:
    """Holds the networks back until all are handed out, so that an interruption meets either none or all of them."""

    def __init__(self) -> None:
        self.decided, self.training = threading.Event(), False

    def decide(self, training: bool) -> None:
        """Let the networks that wait train, or not; decided again, it holds for those that have not begun."""
        self.training = training
        self.decided.set()

    def train(self, net: NeuralNetwork, x: Any, y: Any, words: dict[str, Any]) -> History:
        """Train `net` when that is decided."""
        self.decided.wait()
        return net.train(x, y, verbose=0, threads=1, **words) if self.training else untrained()


def train_many(
    networks: Sequence[NeuralNetwork],
    x: Any,
    y: Any,
    *,
    threads: int | None = None,
    verbose: int | None = None,
    **words: Any,
) -> list[History]:
    """Train networks on the same data, several at once, and return the History of each, in order.

    Parameters
    ----------
    networks : different networks; they may differ in everything
    x, y : as in NeuralNetwork.train, (fan_in, batch) and (fan_out, batch) or class numbers
    threads : how many are trained at the same time; None for as many as there are processors
    verbose : as in NeuralNetwork.train, with one line for all
    words : further arguments of NeuralNetwork.train, the same for each; all but checkpoint and resume

    Ctrl-C ends all of them at a step. Where a network fails, the others are trained to their end, and then its error
    is raised with its number in front.
    """
    networks = _checked(networks, words)
    from glassnet.engine.threads import available_threads

    count = available_threads() if threads is None else whole("threads", threads)
    x = shared(networks, x)
    start, runs = Start(), list[Future[History]]()
    with ThreadPoolExecutor(max(1, min(count, len(networks))), "glassnet") as pool:
        try:
            for net in networks:
                runs.append(pool.submit(start.train, net, x, y, words))
            start.decide(True)
            _show(runs, verbose)
        except BaseException as reason:
            start.decide(False)
            _end(networks, runs)
            if not isinstance(reason, KeyboardInterrupt):
                raise
    return [_result(number, run) for number, run in enumerate(runs)] + [untrained() for _ in networks[len(runs) :]]


def _checked(networks: Any, words: dict[str, Any]) -> list[NeuralNetwork]:
    from glassnet.network import NeuralNetwork

    if not isinstance(networks, Iterable):
        raise ParameterTypeError(f"networks must be a list of networks, not {type(networks).__name__}.")
    networks = list(networks)
    for number, net in enumerate(networks):
        if not isinstance(net, NeuralNetwork):
            raise ParameterTypeError(f"networks[{number}] is {type(net).__name__}, not a NeuralNetwork.")
        for before in range(number):
            if networks[before] is net:
                raise ParameterError(
                    f"networks[{before}] and networks[{number}] are the same network; pass copies (copy.deepcopy)."
                )
    _check_words(words, inspect.signature(NeuralNetwork.train).parameters)
    return networks


def _check_words(words: Iterable[str], parameters: Mapping[str, inspect.Parameter]) -> None:
    """Raise where a word is none of those that NeuralNetwork.train has and that networks can share."""
    known = [name for name, parameter in parameters.items() if parameter.default is not inspect.Parameter.empty]
    for word in words:
        if word in PER_FILE:
            raise ParameterError(f"train_many has no {word}: networks would share one file; train them one by one.")
        if word not in known:
            raise unknown_name("train_many's argument", word, [name for name in known if name not in PER_FILE])


def shared(networks: Sequence[NeuralNetwork], x: Any) -> Any:
    """x as an array that every network reads in place, in the widest of their dtypes."""
    array = numeric("x", x)
    if not networks or array.ndim != 2:
        return array
    return as_rows(array, np.result_type(*(net.dtype for net in networks))).T


def _show(runs: Sequence[Future[History]], verbose: int | None) -> None:
    """Wait for all, and show how many are done."""
    left = set(runs)
    with progress(len(runs), verbose) as show:
        while left:
            done, left = wait(left, LOOK, FIRST_COMPLETED)  # a library may keep Ctrl-C from waking who waits for ever
            if not done:
                continue
            show(cast(Any, Finished(len(runs) - len(left), len(runs))))


def _end(networks: Sequence[NeuralNetwork], runs: Sequence[Future[History]]) -> None:
    """End all networks at a step. They are told until they have ended: one that only begins forgets the first word."""
    done = False
    while not done:
        for net in networks:
            net.stop()
        done = not wait(runs, LOOK).not_done


def untrained() -> History:
    """The History of a network that was interrupted before it began."""
    history = History([])
    history.stopped = "interrupted"
    return history


def _result(number: int, run: Future[History]) -> History:
    try:
        return run.result()
    except GlassnetError as error:
        raise type(error)(f"network {number}: {error}") from error
    except Exception as error:
        error.add_note(f"This was network {number} of train_many.")
        raise

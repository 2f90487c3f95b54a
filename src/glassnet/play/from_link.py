"""A run of the page in Python: the same data, the same start, the same steps, the same bits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from glassnet.errors import ParameterError
from glassnet.files.atomic_file import FilePath
from glassnet.network import NeuralNetwork
from glassnet.play.opening import open_link
from glassnet.play.own_data import OwnData
from glassnet.play.run import Run
from glassnet.program.parameters import Array
from glassnet.training.history import History
from glassnet.training.settings import whole

DEFAULT_EPOCHS = 100  # as of NeuralNetwork.train


class LinkedRun:
    """The run that a link describes. `from_link` makes it; `train` makes its steps.

    Attributes
    ----------
    x, y : the training samples, as columns: (fan_in, batch) and (fan_out, batch), or class numbers (batch,)
    validation : (x, y) of the held-out samples, or None
    target_step : the step that the link names, 0 if it names none
    notes : what was guessed, ignored or limited, in sentences
    """

    def __init__(self, run: Run, target_step: int) -> None:
        self._run, self.target_step = run, target_step
        self.notes = tuple(run.notes)
        samples = run.samples
        self.x, self.y = self._columns(samples.trained)
        held_out = np.flatnonzero(samples.held_out)
        self.validation = self._columns(held_out) if len(held_out) else None

    def _columns(self, numbers: Array) -> tuple[Array, Array]:
        part = self._run.samples.part(numbers)
        return part.x.T, part.y if part.y.ndim == 1 else part.y.T

    @property
    def network(self) -> NeuralNetwork:
        """The network at this step; after each change of settings in the link it is a new object."""
        return self._run.training.network

    @property
    def step(self) -> int:
        """The current step of the run."""
        return self._run.t

    @property
    def hash(self) -> str:
        """The sha256 that the page shows at this step: of parameters, optimiser state and position in the order."""
        return self._run.training.hash()

    @property
    def setup(self) -> dict[str, Any]:
        """The settings, as in the link."""
        return self._run.setup.plain()

    def train(self, steps: int | None = None, *, epochs: int | None = None) -> History:
        """Continue for some steps or epochs; without either, to the step of the link, or for 100 epochs if it has none.

        Raises DivergedError (an ArithmeticError) as `NeuralNetwork.train` does.
        """
        if steps is not None and epochs is not None:
            raise ParameterError("train takes steps or epochs, not both.")
        self._run.seek(self._run.t + self._steps(steps, epochs))
        return self._run.training.history()

    def go(self, step: int) -> None:
        """Go to a step, before or after the current one."""
        self._run.seek(whole("step", step) if step else 0)

    def _steps(self, steps: int | None, epochs: int | None) -> int:
        if steps is not None:
            return whole("steps", steps)
        if epochs is None and self.target_step > self.step:
            return self.target_step - self.step
        return whole("epochs", DEFAULT_EPOCHS if epochs is None else epochs) * self._run.training.plan.batches_per_epoch

    def __repr__(self) -> str:
        setup = self._run.setup
        shape = "-".join(map(str, setup.shape))
        return f"LinkedRun({setup.data}, {shape}, {self.x.shape[1]} samples, step {self.step:,})"


def from_link(link: str, file: FilePath | None = None) -> LinkedRun:
    """The run of a link of the page, at step 0; `run.train()` repeats exactly the same steps.

    Parameters
    ----------
    link : "#v=1&data=moons&...", or a whole address that ends with it
    file : the table of the run, if it used a file of yours; it must be the same file, byte for byte

    A setting of the link that cannot be used is ignored with a warning and listed in `notes`. Raises ParameterError (a
    ValueError) for a text that is not a link, or a link that needs another file.
    """
    own = OwnData()
    if file is not None:
        own.add_file(str(file))
    run, read = open_link(link, own, waits=True)
    for note in read.notes:
        warnings.warn(note, RuntimeWarning, stacklevel=2)
    if run.setup.then:
        run.select(len(run.timeline.branches) - 1)
        run.seek(0)
    return LinkedRun(run, read.t)

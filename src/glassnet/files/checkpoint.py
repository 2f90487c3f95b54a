"""The whole state of a run in one file, written atomically, from which it continues bit for bit.

The file is a model file (storage.py) with the arrays of `Training.state` and, as plain data, the counters and a
description of the run (run_description.py), so that a checkpoint of another network, recipe or data is refused with
the reason.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from glassnet.errors import ModelFileError
from glassnet.files.schema import fields, mapping, optional, plain, real, row, text, whole
from glassnet.files.storage import read_tensors, write_tensors
from glassnet.training.history import History, Report
from glassnet.training.layer_measures import LayerHistory
from glassnet.training.training import Training

MAX_STEPS = 1 << 53
REPORT = row(whole(1), whole(), real(), real(), *[optional(real())] * 2, real(0), optional(real()))
COUNTERS = {name: whole(0, MAX_STEPS) for name in ("epoch", "batch", "step", "best_epoch", "waited")}
SCHEMA = fields(
    {
        "run": mapping(plain),
        "state": fields(
            {**COUNTERS, "cost_sum": real(), "weight_sum": real(0), "best_cost": text(40), "reports": plain}
        ),
    }
)


class CheckpointWriter:
    """Writes a checkpoint of the run after each epoch, or after every so many steps.

    Where one cannot be written, as on a full disk, one warning says so; the run goes on, and so do the attempts.
    """

    needs_layers = False

    def __init__(self, training: Training, path: Path, every: int | None, description: dict[str, Any]) -> None:
        self.training, self.path, self.every, self.description = training, path, every, description
        self.problem = ""

    def steps_left(self) -> int | None:
        """How many steps the run makes until the next checkpoint; None for a whole epoch."""
        return None if self.every is None else self.every - self.training.counters.step % self.every

    def after_steps(self) -> None:
        """Write the checkpoint, if it is time."""
        if self.every is not None and self.training.counters.step % self.every == 0:
            self.save()

    def after_epoch(self, report: Report, layers: LayerHistory) -> None:
        """Write the checkpoint, if there is one after each epoch."""
        if self.every is None:
            self.save()

    def end(self, history: History) -> None:
        """Nothing more to write; the History says what could not be."""
        history.warnings += [self.problem] if self.problem else []

    def save(self) -> None:
        """Write the checkpoint now."""
        try:
            write_checkpoint(self.path, self.training, self.description)
        except ModelFileError as error:
            if not self.problem:
                self.problem = f"{error} The training goes on, and tries to write its checkpoint again each time."
                warnings.warn(self.problem, RuntimeWarning, stacklevel=2)


def write_checkpoint(path: Path, training: Training, description: dict[str, Any]) -> None:
    """Write the state of a run; the file that was there stays whole until the new one is."""
    state = training.state(copied=False)
    arrays = state.pop("arrays")
    state["best_cost"] = repr(state["best_cost"])
    write_tensors(path, arrays, {"checkpoint": {"run": description, "state": state}})


def read_checkpoint(path: Path, training: Training, description: dict[str, Any]) -> dict[str, Any]:
    """The state in a checkpoint of this run, for `Training.restore`.

    Raises ModelFileError where the file is damaged, no checkpoint, or of another network, recipe or data.
    """
    arrays, metadata = read_tensors(path)
    checkpoint = metadata.get("checkpoint")
    if not isinstance(checkpoint, dict):
        raise ModelFileError(
            f"{path} is a model file but no checkpoint of a run; name another, or train without resume."
        )
    try:
        SCHEMA(checkpoint, "")
        _check_same_run(path, checkpoint["run"], description)
        state = {**checkpoint["state"], "best_cost": float(checkpoint["state"]["best_cost"])}
        _check_progress(state, training)
    except ModelFileError:
        raise
    except ValueError as error:
        raise ModelFileError(
            f"{path} is a damaged checkpoint: {error}; train without resume to start afresh."
        ) from None
    return {"arrays": arrays, **state}


def _check_same_run(path: Path, saved: dict[str, Any], description: dict[str, Any]) -> None:
    """Refuse a checkpoint of another run. One of an older format may say less about its run."""
    for name, value in description.items():
        if name in saved and saved[name] != value:
            reason = f"its {name} is {saved[name]!r:.80}, here {value!r:.80}; train without resume to start afresh"
            raise ModelFileError(f"{path} is a checkpoint of another run: {reason}.")


def _check_progress(state: dict[str, Any], training: Training) -> None:
    """Raise ValueError for counters that this run cannot reach."""
    epoch, batch, reports = state["epoch"], state["batch"], state["reports"]
    if epoch > training.recipe.epochs or batch >= (_batches(training, epoch) if epoch < training.recipe.epochs else 1):
        raise ValueError(f"the run has no epoch {epoch + 1:,} with more than {batch:,} batches")
    if max(state["best_epoch"], state["waited"]) > epoch or not isinstance(reports, list) or len(reports) != epoch:
        raise ValueError(f"it has no report for each of {epoch:,} epochs, or a best epoch beyond them")
    steps = [0]
    for number, report in enumerate(reports):
        REPORT(report, f"reports[{number}]")
        if report[0] != number + 1 or report[1] <= steps[-1]:
            raise ValueError(f"reports[{number}] is of epoch {report[0]:,} and step {report[1]:,}")
        steps.append(report[1])
    if state["step"] != steps[-1] + batch:
        raise ValueError(f"step {state['step']:,} is not batch {batch:,} after step {steps[-1]:,}")


def _batches(training: Training, epoch: int) -> int:
    """The number of mini-batches in an epoch, counted from 0."""
    block = training.plan.block(epoch)
    first, end = block.starts[epoch - block.first_epoch :][:2]
    return int(end - first)

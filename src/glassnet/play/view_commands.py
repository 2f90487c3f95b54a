"""The commands that look at a run and leave it as it is: the walk through a step, nudges, exercises, series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import ParameterError
from glassnet.play.arguments import Arguments
from glassnet.play.setup import MAX_STEP

if TYPE_CHECKING:
    from glassnet.frames.walk import StepWalk
    from glassnet.play.reader import Reader
    from glassnet.play.run import Run
    from glassnet.play.session import Session

Message = dict[str, Any]
MAX_INDEX, MAX_NUMBERS = 100_000, 10_000


def follow(session: Session, arguments: Arguments) -> None:
    """Follow a sample, by its place in RunInfo.data."""
    run = _run(session)
    session.sample = arguments.whole("sample", 0, len(run.samples.listed) - 1)
    session.show()


def field(session: Session, arguments: Arguments) -> None:
    """Choose the one or two inputs that the field shows."""
    run = _run(session)
    axes = arguments.sequence("axes", 2)
    inputs = run.samples.x.shape[1]
    if not axes or not all(
        isinstance(axis, int) and not isinstance(axis, bool) and 0 <= axis < inputs for axis in axes
    ):
        raise ParameterError(f"axes must be one or two inputs from 0 to {inputs - 1}.")
    if len(set(axes)) < len(axes):
        raise ParameterError("axes must be two different inputs.")
    session.choose_axes(axes)


def walk(session: Session, arguments: Arguments) -> Message:
    """The walk through the step after t."""
    return _walk(session, arguments).message()


def spell(session: Session, arguments: Arguments) -> Message:
    """One number of a matrix product as its sum."""
    stage = arguments.text("stage")
    row, column = (arguments.whole(name, 0, MAX_INDEX) for name in ("row", "column"))
    sample = arguments.whole("sample", 0, MAX_INDEX) if "sample" in arguments else None
    return _walk(session, arguments).spell(stage, row, column, sample)


def per_sample(session: Session, arguments: Arguments) -> Message:
    """The gradient of each sample of the batch, and their mean."""
    return _walk(session, arguments).per_sample(arguments.text("quantity"))


def quantity(session: Session, arguments: Arguments) -> Message:
    """A quantity of the walk, whole."""
    return _walk(session, arguments).quantity(arguments.text("quantity"))


def nudge(session: Session, arguments: Arguments) -> Message:
    """Move a number and see C answer."""
    step = arguments.number("step", 1e-300, 1e300) if "step" in arguments else None
    return _walk(session, arguments).nudge(arguments.text("quantity"), step, arguments.flag("sweep"))


def cost_with(session: Session, arguments: Arguments) -> Message:
    """C with some numbers set."""
    return _walk(session, arguments).cost_with(arguments.mapping("override", 100))


def check_gradient(session: Session, arguments: Arguments) -> Message:
    """Every derivative against a slope."""
    return _walk(session, arguments).check_gradient()


def answer(session: Session, arguments: Arguments) -> Message:
    """Whether a person's numbers are right, and which equation they slipped in."""
    values = arguments.sequence("values", MAX_NUMBERS)
    if not all(value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values):
        raise ParameterError("values must be numbers, or null where none was given.")
    return _walk(session, arguments).answer(arguments.text("quantity"), values)


def series(session: Session, arguments: Arguments) -> Message:
    """One number of the network through the steps so far."""
    from glassnet.play.series import series as measured

    return measured(session, _run(session), arguments.text("quantity"))


def cell(session: Session, arguments: Arguments) -> Message:
    """The samples of one true and one predicted class."""
    run = _run(session)
    if not run.samples.classes:
        raise ParameterError("this run predicts numbers; it has no counts by class.")
    pair = [arguments.whole(name, 0, len(run.samples.classes) - 1) for name in ("true", "predicted")]
    reader, t = _reader(session, run, arguments)
    return reader.cell_samples(run, t, (pair[0], pair[1]))


def input_gradient(session: Session, arguments: Arguments) -> Message:
    """∂c/∂x of a sample, the followed one where none is named."""
    from glassnet.frames.input_gradient import input_gradient as measured

    run = _run(session)
    last = len(run.samples.listed) - 1
    sample = arguments.whole("sample", 0, last) if "sample" in arguments else min(session.sample, last)
    reader, t = _reader(session, run, arguments)
    reader.go(run, t)
    return {"t": t, "sample": sample} | measured(reader.training.model, run.samples, int(run.samples.listed[sample]))


def _walk(session: Session, arguments: Arguments) -> StepWalk:
    run = _run(session)
    with np.errstate(all="ignore"):
        reader, t = _reader(session, run, arguments)
        return reader.walk_at(run, t)


def _reader(session: Session, run: Run, arguments: Arguments) -> tuple[Reader, int]:
    """What measures the step t of the arguments, or the present one. Raises ParameterError for one that is to come."""
    t = arguments.whole("t", 0, MAX_STEP) if "t" in arguments else run.t
    with run.lock:
        last = run.last
        owner = run.timeline.owner(run.branch, t)
    if t > last:
        raise ParameterError(f"step {t:,} has not been reached; the run has come to step {last:,}.")
    return session.reader(run, owner=owner), t


def _run(session: Session) -> Any:
    if session.run is None:
        raise ParameterError("no run is open; open one from a link.")
    return session.run


def program(session: Session, arguments: Arguments) -> Message:
    """The Python program that repeats the run up to where it stands."""
    from glassnet.play.code import program as program_of

    run = _run(session)
    with run.lock:
        return program_of(run)._asdict()


VIEW_COMMANDS = {
    "follow": follow,
    "field": field,
    "walk": walk,
    "spell": spell,
    "per_sample": per_sample,
    "quantity": quantity,
    "nudge": nudge,
    "cost_with": cost_with,
    "check_gradient": check_gradient,
    "answer": answer,
    "series": series,
    "cell": cell,
    "input_gradient": input_gradient,
    "program": program,
}

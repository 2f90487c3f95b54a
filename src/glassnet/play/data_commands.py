"""The commands with which a person brings data, and takes the network away."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import DataError, ParameterError
from glassnet.execution import inference
from glassnet.frames.encoding import encoded
from glassnet.play.arguments import Arguments
from glassnet.play.drawing import MAX_STROKES, drawing
from glassnet.play.model_files import model_message
from glassnet.play.network import default_setup
from glassnet.play.opening import open_setup
from glassnet.play.own_data import MAX_FILE, MAX_POINTS, OwnFile, OwnTable
from glassnet.play.placed_points import placed_points
from glassnet.play.run import Run
from glassnet.play.setup import checked_values

if TYPE_CHECKING:
    from glassnet.play.session import Session

Message = dict[str, Any]


def table(session: Session, arguments: Arguments) -> Message:
    """Read an uploaded file, or find one that was, and say how its columns would be read; nothing is trained."""
    from glassnet.play.array_samples import array_message
    from glassnet.play.table_samples import table_message

    own = session.own.opened(arguments.text("file")) if "file" in arguments else _uploaded(session, arguments)
    message = table_message(own) if isinstance(own, OwnTable) else array_message(own)
    return message | {"name": (own.table if isinstance(own, OwnTable) else own.arrays).path}


def _uploaded(session: Session, arguments: Arguments) -> OwnFile:
    try:
        content = base64.b64decode(arguments.text("content", 4 * (MAX_FILE // 3) + 8), validate=True)
    except (binascii.Error, ValueError) as error:
        if isinstance(error, ParameterError):
            raise DataError(f"the file is larger than {MAX_FILE >> 20} MB, which is the most.") from None
        raise DataError("the file did not arrive whole; choose it again.") from None
    return session.own.add_content(arguments.values.get("name", ""), content)


def use_table(session: Session, arguments: Arguments) -> Run:
    """A new run on a file that was read."""
    task = {"task": arguments.text("task")} if "task" in arguments else {}
    values = checked_values({"file": arguments.text("file"), "target": arguments.text("target"), **task})
    setup = default_setup("csv")._replace(**values)
    return open_setup(setup, set(values), session.own)


def points(session: Session, arguments: Arguments) -> Run:
    """A new run on points that a person placed; what else was set stays."""
    placed = placed_points(arguments.sequence("points", MAX_POINTS))
    file = session.own.add_points(placed)
    present = session.run.setup.at(len(session.run.setup.then)) if session.run is not None else None
    if present is None or present.data != "points":
        return open_setup(default_setup("points")._replace(file=file), set(), session.own)
    return open_setup(present._replace(file=file), set(), session.own)


def digit(session: Session, arguments: Arguments) -> Message:
    """What the network answers for a drawing."""
    run = session.run
    if run is None or run.setup.data != "digits":
        raise ParameterError("this network does not read digits; open the run on digits first.")
    drawn = drawing(arguments.sequence("strokes", MAX_STROKES))
    with run.lock:
        outputs = inference.predict(run.training.model, drawn.image.reshape(-1, 1))[:, 0]
    answer = run.data.classes[int(np.argmax(outputs))]
    images = {"bitmap": encoded(drawn.bitmap, "u1"), "image": encoded(drawn.image)}
    return images | {"outputs": outputs.tolist(), "answer": answer}


def model(session: Session, arguments: Arguments) -> Message:
    """The network as a file."""
    if session.run is None:
        raise ParameterError("no run is open; open one from a link.")
    with session.run.lock:
        return model_message(session.run, arguments.text("format"))

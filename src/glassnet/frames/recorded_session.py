"""What a recording says in place of a session: settings, one branch, the versions that made it."""

from __future__ import annotations

import platform
import time
from typing import Any

import numpy as np

from glassnet.execution.model import Model
from glassnet.frames.encoding import Message
from glassnet.frames.page_texts import page_texts
from glassnet.frames.samples import Samples
from glassnet.training.recipe import Recipe


def session_parts(model: Model, recipe: Recipe, samples: Samples, steps: int) -> Message:
    """The parts of RunInfo that `run_info` leaves to whoever runs it."""
    architecture, dense = model.architecture, model.architecture.dense
    setup = {
        **{"data": "own", "n": len(samples.x), "noise": 0, "test": float(samples.held_out.mean())},
        **{"shape": [architecture.inputs, *(each.fan_out for each in dense)]},
        **{"act": [each.activation.name for each in dense], "cost": architecture.cost.name},
        **{"opt": recipe.optimizer.name, "lr": recipe.lr, "batch": recipe.batch_size},
        **{"l1": architecture.l1, "l2": architecture.l2, "init": model.initializer.name},
        **{"seed": model.seed, "target": "", "file": "", "engine": model.engine, "w": [], "then": []},
    }
    branch = {"id": 0, "parent": None, "from": 0, "label": "", "steps": steps}
    return {"setup": setup, "link": "", "lesson": "", "branches": [branch], "branch": 0}


def recorded_message(run: Message, frames: list[Message], walks: list[Message], about: Message) -> Message:
    """The Recorded of web/src/lib/messages.ts."""
    choices: Message = {"data": [], "act": [], "cost": [], "opt": [], "init": [], "formats": [], "ranges": {}}
    hello: dict[str, Any] = {"type": "hello", "version": version(), "engine": run["setup"]["engine"], "live": False}
    hello |= {"choices": choices, "texts": page_texts(), "lessons": [], "limits": {}}
    return {"hello": hello, "run": run, "frames": frames, "walks": walks, "about": about}


def versions() -> str:
    """What made a recording, and when."""
    made_with = f"glassnet {version()}, Python {platform.python_version()}, NumPy {np.__version__}"
    return f"{made_with}, {platform.system()} {platform.machine()}; {time.strftime('%Y-%m-%d %H:%M')}"


def version() -> str:
    """The version of glassnet, which is imported late: this module is part of it."""
    from glassnet import __version__

    return __version__

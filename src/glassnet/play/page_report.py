"""The run of a page as a single HTML file: frames at some of its steps, three walks, a gradient check, its code.

What is shown is run again on Trainings of its own, so that the page's run stays where it is.
"""

from __future__ import annotations

import base64
import platform
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.frames.encoding import decoded, encoded, json_text
from glassnet.frames.frame import Clock, Costs
from glassnet.frames.recording import fitted
from glassnet.frames.report_page import MAX_BYTES, page_bytes, report_html
from glassnet.play.code import program
from glassnet.play.cost_log import CostLog
from glassnet.play.reader import Reader
from glassnet.play.run import Run

Message = dict[str, Any]
MIN_FRAMES, MAX_FRAMES, MAX_REPLAY, MAX_COSTS, MAX_SAMPLES = 4, 14, 200_000, 4000, 12
FRAMES_SHARE = 0.4  # of the bytes; those of a frame with changes are more, and there are walks and fields
LONG_DATA = 400_000  # bytes of samples; more are written as float32, which only pictures read
FILE = "run.html"


def report_message(run: Run, messages: tuple[Message, Message], title: str, static: Path | None) -> Message:
    """The report as a file; `messages` are the Hello and the RunInfo of the page."""
    (hello, info), space = messages, MAX_BYTES - page_bytes(static)
    if len(json_text(info["data"])) > LONG_DATA:
        info["data"] |= {"x": encoded(decoded(info["data"]["x"]), "f4")}
    with run.lock:
        steps, end = report_steps(run, _affordable(run, space - len(json_text(info)))), run.t
    frames, walks, check = _recorded(run, steps)
    about = {
        "title": title or f"{info['data']['title']}: {info['parameters']:,} parameters, {end:,} steps",
        "lines": _lines(run, info, steps, end),
        "check": check,
        "versions": _versions(hello),
        "code": program(run).code,
    }
    recorded = {"hello": hello | {"live": False}, "run": info, "frames": frames, "walks": walks, "about": about}
    text = report_html(fitted(recorded, space), static)
    note = "Opens in any browser, without a network."
    return {"name": FILE, "content": base64.b64encode(text.encode()).decode("ascii"), "note": note}


def _affordable(run: Run, space: int) -> int:
    """How many frames there is space for, beside the walks."""
    frame = len(json_text(Reader(run, run.owner).maker.frame(field=False)))
    return max(MIN_FRAMES, min(MAX_FRAMES, int(FRAMES_SHARE * space / frame)))


def report_steps(run: Run, count: int = 14) -> list[int]:
    """The steps that are shown: evenly spread, or of a long run those that are near a snapshot."""
    end = run.t
    if end <= MAX_REPLAY:
        return np.unique(np.linspace(0, end, count).round().astype(int)).tolist()
    times = sorted(
        {t for branch in run.timeline.branches for t in branch.times if t < end and run.owner_at(t) is branch}
    )
    chosen = np.unique(np.linspace(0, len(times) - 1, count - 1).round().astype(int))
    return [*(times[place] for place in chosen), end]


def _recorded(run: Run, steps: list[int]) -> tuple[list[Message], list[Message], str]:
    """The frames, the walks of the first, a middle and the last step, and a sentence about the gradient."""
    readers, frames, walks, check, first = dict[int, Reader](), list[Message](), list[Message](), "", 0
    walked = {steps[0], steps[len(steps) // 2], steps[-1]}
    every = 1 if steps[-1] <= MAX_COSTS else -(-steps[-1] // MAX_COSTS)
    for number, t in enumerate(steps):
        reader = _reader(readers, run, t)
        frames.append(_frame(reader, run, t, (Clock(number, steps[-1]), first, every), is_last=t == steps[-1]))
        first = t
        if t in walked and not run.owner_at(t).ended:
            walk = reader.walk_at(run, t)
            walk.max_samples = MAX_SAMPLES
            walks.append(walk.message())
            check = check or walk.check_gradient()["sentence"]
    return frames, walks, check


def _reader(readers: dict[int, Reader], run: Run, t: int) -> Reader:
    owner = run.owner_at(t)
    if owner.id not in readers:
        readers[owner.id] = Reader(run, owner)
    return readers[owner.id]


def _frame(reader: Reader, run: Run, t: int, at: tuple[Clock, int, int], *, is_last: bool) -> Message:
    clock, first, every = at
    reader.training.log = log = CostLog(_logged_from(reader, run, t, first))
    if t > reader.owner.first:
        reader.go(run, t - 1, through=run.t <= MAX_REPLAY)
        reader.maker.remember()
    reader.go(run, t, through=t > reader.owner.first)
    begin, costs = log.take()
    means = [costs[start : start + every].mean() for start in range(0, len(costs), every)]
    shown = Costs(begin, np.array(means), np.full(len(means), np.nan), every)
    return reader.maker.frame(clock, shown, field=is_last or not clock.number, judged=is_last)


def _logged_from(reader: Reader, run: Run, t: int, first: int) -> int:
    """The first step after `first` whose cost is met on the way to t: a long run is entered at its snapshots."""
    begin = max(first, reader.owner.first)
    if run.t <= MAX_REPLAY:
        return begin
    with run.lock:
        return max(begin, run.timeline.nearest(reader.owner, max(begin, t - 1))["step"])


def _lines(run: Run, info: Message, steps: list[int], end: int) -> list[str]:
    shown = ", ".join(format(t, ",") for t in steps)
    link = f"Its link: {info['link']}" if info["link"] else ""
    how = (
        f"A run of glassnet play, at step {end:,}, run again for this report and shown at {len(steps)} steps: {shown}."
    )
    return [line for line in (how, f"State: {run.training.hash()}", link, *info["notes"]) if line]


def _versions(hello: Message) -> str:
    return f"glassnet {hello['version']}, Python {platform.python_version()}, NumPy {np.__version__}"

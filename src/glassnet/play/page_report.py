"""The run of a page as a single HTML file: frames at some of its steps, three walks, a gradient check, its code.

What is shown is run again on Trainings of its own, so that the page's run stays where it is.
"""

from __future__ import annotations

import base64
import platform
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.errors import counted
from glassnet.frames.encoding import decoded, encoded, json_text
from glassnet.frames.frame import Clock, Costs
from glassnet.frames.recording import fitted
from glassnet.frames.report_page import MAX_BYTES, page_bytes, report_html
from glassnet.play.code import program
from glassnet.play.cost_curve import cost_curve, measured_costs
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
    costs = _costs(run, steps[-1])  # with the held-out costs of the steps that were just shown
    frames[-1]["costs"] = costs.message()
    measured = int(np.isfinite(costs.validation).sum())
    about = {
        "title": title or f"{info['data']['title']}: {info['parameters']:,} parameters, {end:,} steps",
        "lines": _lines(run, info, (steps, measured), costs),
        "check": check,
        "versions": _versions(hello),
        "code": program(run).code,
    }
    recorded = {"hello": hello | {"live": False}, "run": info, "frames": frames, "walks": walks, "about": about}
    text = report_html(fitted(recorded, space), static)
    note = "Opens in any browser, offline."
    return {"name": FILE, "content": base64.b64encode(text.encode()).decode("ascii"), "note": note}


def _affordable(run: Run, space: int) -> int:
    """How many frames there is space for, beside the walks."""
    frame = len(json_text(Reader(run, run.owner).maker.frame(field=False)))
    return max(MIN_FRAMES, min(MAX_FRAMES, int(FRAMES_SHARE * space / frame)))


def report_steps(run: Run, count: int = 14) -> list[int]:
    """The steps that are shown: evenly spread; of a long run, those right behind snapshots, where these are near."""
    end = run.t
    even = np.unique(np.linspace(0, end, count).round().astype(int)).tolist()
    if end <= MAX_REPLAY:
        return even
    behind = [run.timeline.nearest(run.owner_at(t), t)["step"] + 1 for t in even[1:-1]]
    near = (after if t - after < end / (2 * count) else t for t, after in zip(even[1:-1], behind, strict=True))
    return sorted({0, *near, end})


def _recorded(run: Run, steps: list[int]) -> tuple[list[Message], list[Message], str]:
    """The frames, the walks of the first, a middle and the last step, and a sentence about the gradient."""
    readers, frames, walks, check = dict[int, Reader](), list[Message](), list[Message](), ""
    walked = {steps[0], steps[len(steps) // 2], steps[-1]}
    for number, t in enumerate(steps):
        reader = _reader(readers, run, t)
        frames.append(_frame(reader, run, t, Clock(number, steps[-1])))
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


def _frame(reader: Reader, run: Run, t: int, clock: Clock) -> Message:
    """A frame; the first and the last have a field, the last one the findings."""
    if t > reader.owner.first:
        reader.go(run, t - 1)
        reader.maker.remember()
    reader.go(run, t)
    is_last = t == clock.last
    return reader.maker.frame(clock, field=is_last or not clock.number, judged=is_last)


def _costs(run: Run, end: int) -> Costs:
    """The costs of all steps up to the last one that is shown; of the held-out samples, those that were measured."""
    with run.lock:
        curve = cost_curve(run.timeline, run.branch, end, MAX_COSTS)
        held_out = measured_costs(run.timeline, run.branch, end)
    validation = np.full(len(curve.values), np.nan)
    for t, cost in held_out.items():
        validation[(t - 1) // curve.every] = cost.validation
    return Costs(0, curve.values, validation, curve.every)


def _lines(run: Run, info: Message, steps_and_measured: tuple[list[int], int], costs: Costs) -> list[str]:
    """What the report says of itself: the steps that it shows, and how many have a held-out cost."""
    steps, measured = steps_and_measured
    shown = ", ".join(format(t, ",") for t in steps)
    link = f"Its link: {info['link']}" if info["link"] else ""
    points = f"Each point of the cost curve is the mean of {costs.every:,} steps." if costs.every > 1 else ""
    where = f"A run of glassnet play, at step {steps[-1]:,}"
    how = f"{where}, run again for this report and shown at {len(steps)} steps: {shown}."
    held_out = f"The cost of the held-out samples was measured at {counted(measured, 'step')}, those that were shown."
    lines = (how, points, held_out if measured else "", f"State: {run.training.hash()}", link, *info["notes"])
    return [line for line in lines if line]


def _versions(hello: Message) -> str:
    return f"glassnet {hello['version']}, Python {platform.python_version()}, NumPy {np.__version__}"

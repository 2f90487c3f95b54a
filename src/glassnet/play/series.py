"""One number of the network through the steps so far: from the snapshots that there are, and replay between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.frames.encoding import encoded
from glassnet.play.run import Run

MAX_POINTS = 200
MAX_REPLAY = 20_000  # steps that are run again for points between snapshots


def series(session: Any, run: Run, text: str) -> dict[str, Any]:
    """The Series of a number such as w1[0,1] (with its derivative) or delta1[0] of the followed sample."""
    with run.lock:
        steps, owners = _steps(run), {}
        for t in steps:
            owners[t] = run.timeline.owner(run.branch, t)
    values, gradients, name = [], [], text
    for t in steps:
        reader = session.reader(run, owner=owners[t])
        reader.maker.sample = session.sample
        reader.go(run, t)
        value, gradient, name = reader.number(text)
        values.append(value)
        gradients.append(gradient)
    has_gradient = gradients and gradients[0] is not None
    return {
        "quantity": name,
        "steps": steps,
        "values": encoded(np.array(values)),
        "gradient": encoded(np.array(gradients)) if has_gradient else None,
    }


def _steps(run: Run) -> list[int]:
    """Steps evenly chosen, from snapshots where the way is long; the first and the present one are among them."""
    if run.t <= MAX_REPLAY:
        return np.unique(np.linspace(0, run.t, MAX_POINTS).round().astype(int)).tolist()
    times, end, branch = set[int](), run.t, run.branch
    owner = run.timeline.owner(branch, end)
    while True:
        times |= {t for t in owner.times if t <= end}
        if owner.parent is None:
            break
        end, owner = owner.first - 1, run.timeline.branches[owner.parent]
    ordered = sorted(times | {run.t})
    if len(ordered) <= MAX_POINTS:
        return ordered
    chosen = np.unique(np.linspace(0, len(ordered) - 1, MAX_POINTS).round().astype(int))
    return [ordered[index] for index in chosen]

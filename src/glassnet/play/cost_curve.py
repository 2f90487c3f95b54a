"""The whole cost curve of a line of steps, across its branches, as evenly spaced means.

Each branch has the costs of its own steps (cost_log.py). Between two of its points the sum of the costs is taken to
grow evenly, which is exact for steps whose costs are all kept, and where the points of both grids coincide.
"""

from __future__ import annotations

import numpy as np

from glassnet.frames.findings import HeldOut
from glassnet.play.cost_log import CostPart
from glassnet.play.timeline import Branch, Timeline
from glassnet.program.parameters import Array


def cost_curve(timeline: Timeline, branch: Branch, end: int, most: int) -> CostPart:
    """The costs of the steps before `end` of a branch and its ancestors, as at most `most` means."""
    parts = _parts(timeline, branch, end)
    finest = max(part.every for part in parts)
    every = finest * max(1, -(-end // (finest * most)))
    if every == 1:
        return CostPart(0, end, 1, np.concatenate([part.values[: part.end - part.first] for part in parts]))
    steps, sums = _sums(parts)
    grid = np.append(np.arange(0, end, every), end)
    return CostPart(0, end, every, np.diff(np.interp(grid, steps, sums)) / np.diff(grid))


def measured_costs(timeline: Timeline, branch: Branch, end: int) -> dict[int, HeldOut]:
    """The costs that were measured at steps 1 to `end` of a branch and its ancestors, by ascending step."""
    steps = sorted({t for each in timeline.branches for t in each.held_out if 0 < t <= end})
    owners = ((t, timeline.owner(branch, t)) for t in steps)
    return {t: owner.held_out[t] for t, owner in owners if t in owner.held_out}


def _parts(timeline: Timeline, branch: Branch, end: int) -> list[CostPart]:
    """The costs of each branch on the way to step `end`, each up to the step where the next one begins."""
    parts: list[CostPart] = []
    owner = timeline.owner(branch, end)
    while True:
        part = owner.costs.part()
        parts.insert(0, part._replace(end=min(part.end, end)))
        if owner.parent is None:
            return parts
        end, owner = owner.first, timeline.owner(timeline.branches[owner.parent], owner.first)


def _sums(parts: list[CostPart]) -> tuple[Array, Array]:
    """Steps, and the sum of the costs of all steps before each of them."""
    steps, sums = [np.zeros(1)], [np.zeros(1)]
    for part in parts:
        edges = np.minimum(part.first + part.every * np.arange(len(part.values) + 1), part.end)
        steps.append(edges[1:])
        sums.append(part.values * np.diff(edges))
    return np.concatenate(steps), np.cumsum(np.concatenate(sums))

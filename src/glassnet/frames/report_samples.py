"""The data of a run as its report lists them: training and validation samples, with what is known of their names."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.sparse import dense
from glassnet.batches.targets import numeric_targets, target_classes
from glassnet.data.target import ClassTarget
from glassnet.frames.drawn_units import MAX_PIXELS
from glassnet.frames.samples import MAX_COLUMNS, Samples, spread
from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array

MAX_TRAINED, MAX_HELD_OUT = 20_000, 2000  # samples that a report looks at
LISTED_BYTES = 60_000  # of x in a report


class Names(NamedTuple):
    """What the numbers of a run are called, where that is known, and notes about the data."""

    title: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    image: tuple[int, int] | None = None


def table_names(preparation: Any, target: Any, title: str = "", notes: tuple[str, ...] = ()) -> Names:
    """The names of a table's columns and classes, and what was left out of it."""
    inputs = tuple(map(str, getattr(preparation, "features", ())))
    left_out = getattr(preparation, "left_out", {})
    known = getattr(preparation, "notes", ())
    missing = (name for name in left_out if not any(note.startswith(f"{name}: ") for note in known))
    notes = (*known, *notes, *(f"{name}: {left_out[name]}" for name in missing))
    if isinstance(target, ClassTarget):
        return Names(title, inputs, (), tuple(map(str, target.classes)), tuple(dict.fromkeys(notes)))
    return Names(title, inputs, (str(target.name),), (), tuple(dict.fromkeys(notes)))


def report_samples(
    architecture: Architecture, sources: Sources, validation: Sources | None, names: Names, *, complete: bool
) -> Samples:
    """The samples of a run, those of its validation behind them; of very many, evenly spread ones."""
    count = len(sources.y)
    chosen = spread(np.arange(count), MAX_TRAINED)
    parts = [sources.part(chosen)]
    if validation is not None:
        parts.append(validation.part(spread(np.arange(len(validation.y)), MAX_HELD_OUT)))
    x = np.concatenate([dense(part.x) for part in parts])
    y = np.concatenate([part.y for part in parts])
    held_out = np.arange(len(y)) >= len(parts[0].y)
    classes = class_names(architecture, y, names.classes)
    inputs = names.inputs if len(names.inputs) == x.shape[1] else tuple(f"x[{n}]" for n in range(x.shape[1]))
    outputs = names.outputs if len(names.outputs) == architecture.outputs else ()
    image = names.image if names.image and x.shape[1] <= MAX_PIXELS else None
    listed = min(2000, LISTED_BYTES // (8 * min(x.shape[1], MAX_COLUMNS) + 9))
    title = names.title or "the data of the run"
    options: dict[str, Any] = {"max_listed": max(listed, 20), "is_complete": complete and len(chosen) == count}
    return Samples(title, x, y, held_out, inputs, outputs, classes, image=image, **options)


def class_names(architecture: Architecture, y: Array, known: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the classes; none where y are quantities, or several classes at once."""
    if len(architecture.groups) > 1 or target_classes(architecture, y[:1]) is None:
        return ()
    targets = numeric_targets(y, architecture.outputs)
    single = targets.shape[1] == 1
    exclusive = architecture.cost.target_sum is not None  # a cost of shares, which may be smoothed
    if not exclusive and not np.isin(targets, (0, 1)).all():
        return ()
    if not single and not (np.abs(targets.sum(axis=1) - 1) < 1e-3).all():
        return ()
    count = 2 if single else targets.shape[1]
    return known if len(known) == count else tuple(map(str, range(count)))

"""The samples that a setup names: of a toy data set, or what a person brought as a table, points or arrays."""

from __future__ import annotations

import numpy as np

from glassnet.data.toy_sets import TOY_SETS, toy_set
from glassnet.errors import ParameterError
from glassnet.play.own_data import OwnData, OwnTable
from glassnet.play.run_samples import RunSamples, held_out_count, held_out_rows
from glassnet.play.setup import NOTEBOOK_DATA, Setup


def run_samples(setup: Setup, own: OwnData) -> RunSamples:
    """The samples that a setup names. Raises ParameterError where a file is missing."""
    if setup.data in TOY_SETS:
        return _toy(setup)
    if setup.data == NOTEBOOK_DATA:
        return own.arrays(setup.file)
    if setup.data == "points":
        return _points(setup, own)
    return _file(setup, own)


def _toy(setup: Setup) -> RunSamples:
    entry, (x, y) = TOY_SETS[setup.data], toy_set(setup.data, setup.n, setup.noise)
    outputs = () if entry.classes else ("y",)
    held_out = np.arange(len(y.T)) >= len(y.T) - held_out_count(len(y.T), setup.test)
    names = (entry.inputs, outputs, entry.classes)
    return RunSamples(entry.title, x, y, held_out, *names, image=entry.image)


def _points(setup: Setup, own: OwnData) -> RunSamples:
    points = own.points(setup.file)
    x, labels = np.array([point[:2] for point in points], np.float64).T, np.array([point[2] for point in points])
    classes = tuple(str(number) for number in range(max(2, int(labels.max()) + 1)))
    held_out = held_out_rows(len(labels), setup.test)
    return RunSamples("Your points", np.ascontiguousarray(x), labels, held_out, ("x1", "x2"), (), classes)


def _file(setup: Setup, own: OwnData) -> RunSamples:
    from glassnet.play.array_samples import array_samples
    from glassnet.play.table_samples import table_samples

    if not setup.target:
        raise ParameterError("target is missing: which column of the file is to be predicted?")
    opened = own.opened(setup.file)
    return table_samples(opened, setup) if isinstance(opened, OwnTable) else array_samples(opened, setup)

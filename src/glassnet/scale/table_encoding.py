"""From a block of a table to samples, by what the first pass chose; done where the block lies."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.samples import checked_targets
from glassnet.batches.sources import Sources
from glassnet.batches.targets import learnt_targets
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.reading import Array
from glassnet.data.streamed_table import StreamedTable
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget
from glassnet.program.architecture import Architecture


class NetworkTableEncoding(NamedTuple):
    """Blocks of a table as a NeuralNetwork reads them."""

    table: StreamedTable
    architecture: Architecture
    dtype: str

    def __call__(self, block: Table) -> Sources:
        """The block as Sources. Raises DataError."""
        x, encoded = self.table.encoded(block)
        y = learnt_targets(encoded, self.architecture, classes=isinstance(self.table.target, ClassTarget))
        return Sources(x, checked_targets(y, len(x), self.architecture, np.dtype(self.dtype)))


def prepared_columns(preparation: TablePreparation, frame: Any) -> Array:
    """The inputs of a network for the rows of a DataFrame, (n, features) float32."""
    if not len(frame):
        return np.empty((0, preparation.width), np.float32)
    return preparation.transform(Table.from_frame(frame))

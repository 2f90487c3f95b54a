"""The flight recorder: a small file with the epochs of a run, the measurements of its layers, and some of its weights.

`train(..., record="run.glassrec")` writes it during the run, block by block (blocks.py), so that a run that is killed
loses only its last second; `Recording("run.glassrec")` reads it. A recording contains no code.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from glassnet.errors import ModelFileError
from glassnet.files.atomic_file import FilePath
from glassnet.files.blocks import BlockFile, read_blocks
from glassnet.files.history_file import arrays_of, document_of, history_of
from glassnet.files.model_file import NETWORK_SCHEMA, describe_model
from glassnet.files.schema import each, fields, flag, mapping, whole
from glassnet.program.parameters import Array
from glassnet.training.history import History, Report
from glassnet.training.layer_measures import LayerHistory
from glassnet.training.training import Training

WRITE_SECONDS = 1.0  # between two blocks
MAX_FRAMES = 1000  # epochs whose weights are recorded; of a longer run every second, fourth ... one
FIRST = fields({"network": NETWORK_SCHEMA, "shapes": mapping(each(whole(), 2, 2))})  # of the first block
REST = fields({"gap": whole(1), "ended": flag})  # of the others, which are parts of a History as well
MAX_SAMPLED = 256  # parameters of each array that are recorded, evenly spread


class Recorder:
    """Keeps some weights after each epoch of a run, and appends what is new to the file from time to time.

    An existing file is replaced when the run begins. Raises ModelFileError where the new one cannot be created.
    """

    needs_layers = True

    def __init__(self, training: Training, path: FilePath) -> None:
        self.training = training
        self.indices = {name: spread_indices(w.size) for name, w in training.model.parameters.items()}
        self.frames: dict[int, dict[str, Array]] = {}  # that are not written yet
        self.frame_epochs, self.gap = list[int](), 1  # the epochs with recorded weights, and their distance
        shapes = {name: list(array.shape) for name, array in training.model.parameters.items()}
        document = {"recording": {"network": describe_model(training.model), "shapes": shapes}}
        tensors = {f"places {name}": indices for name, indices in self.indices.items()}
        self.file: BlockFile | None = BlockFile(path, tensors, document)  # None once it cannot be written
        self.written_reports, self.written_step = 0, -1  # the latter is that of the last written measurement
        self.written_at = -np.inf

    def steps_left(self) -> int | None:
        """It follows epochs."""

    def after_steps(self) -> None:
        """It follows epochs."""

    def after_epoch(self, report: Report, layers: LayerHistory) -> None:
        """Keep some of the present weights; write, if it is time."""
        if self.file is None:
            return
        if report.epoch % self.gap == 0:
            parameters = self.training.model.parameters
            self.frames[report.epoch] = {name: parameters[name].ravel()[at] for name, at in self.indices.items()}
            self.frame_epochs.append(report.epoch)
        if len(self.frame_epochs) > MAX_FRAMES:
            self.gap *= 2
            self.frame_epochs = [epoch for epoch in self.frame_epochs if epoch % self.gap == 0]
        if time.perf_counter() - self.written_at > WRITE_SECONDS:
            self._write(self.training.history(layers), ended=False)

    def save(self) -> None:
        """Write what is new."""
        self._write(self.training.history(), ended=False)

    def end(self, history: History) -> None:
        """Write the last block."""
        self._write(history, ended=True)

    def _write(self, history: History, ended: bool) -> None:
        """Append what is new. If that fails, a warning says so, and the run goes on without a recording."""
        if self.file is None:
            return
        part = self._unwritten(history)
        tensors = {}
        for name, indices in self.indices.items():
            values = np.array([frame[name] for frame in self.frames.values()], self.training.model.dtype)
            tensors[f"weights {name}"] = values.reshape(-1, len(indices))
        tensors["frames"] = np.array(list(self.frames), np.int64)
        tensors |= arrays_of(part, len(self.training.model.architecture.dense))
        try:
            self.file.add(tensors, {"recording": document_of(part) | {"gap": self.gap, "ended": ended}})
        except ModelFileError as problem:
            self.file = None
            warnings.warn(f"{problem} The recording ends here; the training goes on.", RuntimeWarning, stacklevel=2)
        self.frames, self.written_at = {}, time.perf_counter()

    def _unwritten(self, history: History) -> History:
        """The epochs and measurements that are not written yet; from now on they count as written."""
        part = History(history.reports[self.written_reports :], history.stopped)
        part.best_epoch, part.best_by, part.warnings = history.best_epoch, history.best_by, history.warnings
        new = [measurement for measurement in history.layers.measurements if measurement[1] > self.written_step]
        part.layers = LayerHistory(new, history.layers.batch_size)
        self.written_reports, self.written_step = len(history), new[-1][1] if new else self.written_step
        return part


class Recording:
    """A run that `train(..., record=path)` has recorded.

    Attributes
    ----------
    history : the History, with `history.layers`
    epochs : the epochs after which weights were recorded, (frames,)
    weights : the recorded values of each parameter array by name, (frames, indices)
    indices : the position of each value in its array, (indices, 2): row and column as in `net.parameters[name]`
    network : a description of the network: layers, activations, cost, seed
    cut : whether the end of the run is missing; a warning then says after which epoch the file ends

    Raises ModelFileError (a ValueError) for a file that is damaged or not a recording.
    """

    def __init__(self, path: FilePath) -> None:
        blocks = read_blocks(path)
        if not blocks.whole:
            raise ModelFileError(f"{path} ends before its first epoch; train with record=... again.")
        try:
            documents = [document["recording"] for _, document in blocks.whole]
            for number, document in enumerate(documents):
                (REST if number else FIRST)(document, "")
            self._read_first(blocks.whole[0][0], documents[0])
            self._read_rest([tensors for tensors, _ in blocks.whole[1:]], documents[1:])
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise ModelFileError(f"{path} is a damaged recording: {error}.") from None
        self.cut = blocks.cut or len(documents) == 1 or documents[-1]["ended"] is not True
        if self.cut:
            sentence = f"{path} ends after epoch {len(self.history)}: its run was killed, or is still running."
            warnings.warn(sentence, RuntimeWarning, stacklevel=2)

    def _read_first(self, tensors: dict[str, Array], document: dict[str, Any]) -> None:
        """What holds for the whole run."""
        self.network: dict[str, Any] = dict(document["network"])
        shapes = {name: tuple(shape) for name, shape in document["shapes"].items()}
        flat = {name: tensors[f"places {name}"] for name in shapes}
        if any(indices.ndim != 1 for indices in flat.values()):
            raise ValueError("the positions of its weights are no lists")
        self.indices = {name: np.stack(np.unravel_index(flat[name], shapes[name]), axis=1) for name in shapes}

    def _read_rest(self, tensors: list[dict[str, Array]], documents: list[dict[str, Any]]) -> None:
        """Epochs, measurements and frames; of the latter those that the run still had at its end."""
        layers, gap = len(self.network["activations"]), documents[-1]["gap"] if documents else 1
        parts = [history_of(part, document, layers) for part, document in zip(tensors, documents, strict=True)]
        self.history = parts[-1] if parts else History()
        self.history.reports = [report for part in parts for report in part]
        self.history.layers.measurements = [item for part in parts for item in part.layers.measurements]
        frames = [part["frames"] for part in tensors]
        if any(epochs.ndim != 1 or epochs.dtype != np.int64 for epochs in frames):
            raise ValueError("the epochs of its frames are no lists of whole numbers")
        selected = [epochs % gap == 0 for epochs in frames]
        self.epochs = np.concatenate([np.zeros(0, np.int64), *map(np.compress, selected, frames)])
        self.weights = {name: self._joined(name, tensors, selected) for name in self.indices}

    def _joined(self, name: str, tensors: list[dict[str, Array]], selected: list[Array]) -> Array:
        """The values of one array in all blocks."""
        parts, size = [part[f"weights {name}"] for part in tensors], len(self.indices[name])
        for part, frames in zip(parts, selected, strict=True):
            if part.shape != (len(frames), size):
                raise ValueError(f"{len(frames)} frames of {name} have the shape {part.shape}")
        empty = np.zeros((0, size), parts[0].dtype if parts else np.float32)
        return np.concatenate([empty, *(part[frames] for part, frames in zip(parts, selected, strict=True))])

    def __repr__(self) -> str:
        count = sum(values.shape[1] for values in self.weights.values())
        return f"Recording({self.history!r}; {count:,} parameters after {len(self.epochs):,} epochs)"


def spread_indices(size: int) -> Array:
    """Evenly spread indices, all of a small array."""
    return np.unique(np.linspace(0, size - 1, min(size, MAX_SAMPLED)).astype(np.int64))

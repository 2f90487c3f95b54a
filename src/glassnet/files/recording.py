"""The flight recorder: a small file of a run's epochs, the numbers of its layers, and some of its weights.

`train(..., record="run.glassrec")` writes it while it trains, block by block (blocks.py), so that a run that is killed
leaves all but its last second; `Recording("run.glassrec")` reads it back. There is nothing to run in it.
"""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import ModelFileError
from glassnet.files.blocks import Block, BlockFile, read_blocks
from glassnet.files.history_file import arrays_of, history_of, words_of
from glassnet.files.storage import FilePath
from glassnet.program.parameters import Array
from glassnet.training.history import History
from glassnet.training.layer_measures import LayerHistory

if TYPE_CHECKING:
    from glassnet.training.training import Training

WRITTEN_EVERY = 1.0  # seconds
MOST = 1000  # epochs whose weights are kept; of a longer run every second, fourth ... one
SAMPLED = 256  # parameters of each array that are kept, evenly spread


class Recorder:
    """Keeps some weights after each epoch of a run, and adds what is new to the file now and then.

    The file that stood there before goes when the run begins. Raises ModelFileError where it cannot be begun.
    """

    def __init__(self, training: Training, path: FilePath) -> None:
        self.training, self.path = training, path
        self.places = {name: sampled(w.size) for name, w in training.network.parameters.items()}
        self.frames: dict[int, dict[str, Array]] = {}  # that are not written yet
        self.kept, self.gap = list[int](), 1  # epochs whose weights are kept, and how far they lie apart
        self.file: BlockFile | None = BlockFile(path, *self._first())  # until it cannot be written
        self.reports, self.step = 0, -1  # that are written, and the step of the last look that is
        self.written = -np.inf

    def keep(self) -> None:
        """Remember the weights as they are after this epoch; write, if it is time."""
        epoch = self.training.counters.epoch
        if self.file is None:
            return
        if epoch % self.gap == 0:
            parameters = self.training.network.parameters
            self.frames[epoch] = {name: parameters[name].ravel()[places] for name, places in self.places.items()}
            self.kept.append(epoch)
        if len(self.kept) > MOST:
            self.gap *= 2
            self.kept = [number for number in self.kept if number % self.gap == 0]
        if time.perf_counter() - self.written > WRITTEN_EVERY:
            self.write(self.training.history(), ended=False)

    def write(self, history: History, ended: bool) -> None:
        """Add what is new. Where that fails, a warning says so, and the run goes on without a recording."""
        if self.file is None:
            return
        part = self._new(history)
        tensors = {f"weights {name}": self._frames(name) for name in self.places}
        tensors["frames"] = np.array(list(self.frames), np.int64)
        tensors |= arrays_of(part, len(self.training.network.architecture.dense))
        try:
            self.file.add(tensors, {"recording": words_of(part) | {"gap": self.gap, "ended": ended}})
        except ModelFileError as problem:
            self.file = None
            warnings.warn(f"{problem} The recording ends here; the training goes on.", RuntimeWarning, stacklevel=2)
        self.frames, self.written = {}, time.perf_counter()

    def _first(self) -> Block:
        """What holds for the whole run."""
        network = self.training.network
        shapes = {name: list(network.parameters[name].shape) for name in self.places}
        tensors = {f"places {name}": places for name, places in self.places.items()}
        return tensors, {"recording": {"network": network.describe(), "shapes": shapes}}

    def _new(self, history: History) -> History:
        """The epochs and looks that are not written yet; from now on they are."""
        part = History(history.reports[self.reports :])
        part.stopped, part.best_epoch, part.warnings = history.stopped, history.best_epoch, history.warnings
        looks = [look for look in history.layers.looks if look[1] > self.step]
        part.layers = LayerHistory(looks, history.layers.batch_size)
        self.reports, self.step = len(history), looks[-1][1] if looks else self.step
        return part

    def _frames(self, name: str) -> Array:
        """The new values of one array, (frames, places)."""
        kept = [frame[name] for frame in self.frames.values()]
        return np.array(kept, self.training.network.dtype).reshape(len(kept), len(self.places[name]))


class Recording:
    """A run as its recorder wrote it.

    Attributes
    ----------
    history : the History, with `history.layers`
    epochs : the epochs after which weights were kept, (frames,)
    weights : the kept values of each parameter array by name, (frames, places)
    places : where in its array each of them stands, (places, 2): row and column as in `net.parameters[name]`
    network : the network in words: layers, activations, cost, seed
    cut : whether the run's end is missing; then one warning says after which epoch the file ends

    Raises ModelFileError (a ValueError) for a file that is damaged or no recording.
    """

    def __init__(self, path: FilePath) -> None:
        blocks = read_blocks(path)
        if not blocks.whole:
            raise ModelFileError(f"{path} ends before its first epoch; train with record=... again.")
        try:
            words = [document["recording"] for _, document in blocks.whole]
            self._read_first(blocks.whole[0][0], words[0])
            self._read_rest([tensors for tensors, _ in blocks.whole[1:]], words[1:])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelFileError(f"{path} is a damaged recording: {error}.") from None
        self.cut = blocks.cut or len(words) == 1 or words[-1]["ended"] is not True
        if self.cut:
            said = f"{path} was cut after epoch {len(self.history)}: the run that wrote it was ended, or goes on."
            warnings.warn(said, RuntimeWarning, stacklevel=2)

    def _read_first(self, tensors: dict[str, Array], words: dict[str, Any]) -> None:
        """What holds for the whole run."""
        self.network: dict[str, Any] = dict(words["network"])
        shapes = {name: tuple(map(int, shape)) for name, shape in words["shapes"].items()}
        flat = {name: tensors[f"places {name}"] for name in shapes}
        self.places = {name: np.stack(np.unravel_index(flat[name], shapes[name]), axis=1) for name in shapes}

    def _read_rest(self, tensors: list[dict[str, Array]], words: list[dict[str, Any]]) -> None:
        """Epochs, looks and frames; of the latter those that the run would have kept to its end."""
        layers, gap = len(self.network["activations"]), words[-1]["gap"] if words else 1
        if type(gap) is not int or gap < 1:
            raise ValueError(f"its frames lie {gap!r:.40} epochs apart")
        parts = [history_of(part, said, layers) for part, said in zip(tensors, words, strict=True)]
        self.history = parts[-1] if parts else History()
        self.history.reports = [report for part in parts for report in part]
        self.history.layers.looks = [look for part in parts for look in part.layers.looks]
        frames = [part["frames"] for part in tensors]
        chosen = [numbers % gap == 0 for numbers in frames]
        self.epochs = np.concatenate([np.zeros(0, np.int64), *map(np.compress, chosen, frames)])
        self.weights = {name: self._joined(name, tensors, chosen) for name in self.places}

    def _joined(self, name: str, tensors: list[dict[str, Array]], chosen: list[Array]) -> Array:
        """The values of one array in all blocks."""
        parts = [part[f"weights {name}"] for part in tensors]
        for part, places in zip(parts, chosen, strict=True):
            if part.shape != (len(places), len(self.places[name])):
                raise ValueError(f"{len(places)} frames of {name} have the shape {part.shape}")
        empty = np.zeros((0, len(self.places[name])), parts[0].dtype if parts else np.float32)
        return np.concatenate([empty, *(part[places] for part, places in zip(parts, chosen, strict=True))])

    def __repr__(self) -> str:
        count = sum(values.shape[1] for values in self.weights.values())
        return f"Recording({self.history!r}; {count:,} parameters after {len(self.epochs):,} epochs)"


def sampled(size: int) -> Array:
    """Evenly spread places, all of a small array."""
    return np.unique(np.linspace(0, size - 1, min(size, SAMPLED)).astype(np.int64))

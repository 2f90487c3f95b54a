"""The flight recorder: a small file of a run's epochs, the numbers of its layers, and some of its weights.

`train(..., record="run.glassrec")` writes it while it trains, whole each time, so that a run that is killed leaves the
last one; `Recording("run.glassrec")` reads it back. It is a model file without a model: safetensors, nothing to run.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import ModelFileError
from glassnet.history import History
from glassnet.history_file import arrays_of, history_of, words_of
from glassnet.parameters import Array
from glassnet.storage import FilePath, read_tensors, write_tensors

if TYPE_CHECKING:
    from glassnet.training import Training

WRITTEN_EVERY = 10.0  # seconds
MOST = 1000  # epochs whose weights are kept; of a longer run every second, fourth ... one
SAMPLED = 256  # parameters of each array that are kept, evenly spread


class Recorder:
    """Keeps some weights after each epoch of a run, and writes the file now and then."""

    def __init__(self, training: Training, path: FilePath) -> None:
        self.training, self.path = training, path
        self.places = {name: sampled(w.size) for name, w in training.network.parameters.items()}
        self.frames: dict[int, dict[str, Array]] = {}
        self.gap = 1
        self.written = time.perf_counter()

    def keep(self) -> None:
        """Remember the weights as they are after this epoch."""
        epoch = self.training.counters.epoch
        if epoch % self.gap:
            return
        parameters = self.training.network.parameters
        self.frames[epoch] = {name: parameters[name].ravel()[places] for name, places in self.places.items()}
        if len(self.frames) > MOST:
            self.gap *= 2
            self.frames = {number: frame for number, frame in self.frames.items() if number % self.gap == 0}
        if time.perf_counter() - self.written > WRITTEN_EVERY:
            self.write(self.training.history())

    def write(self, history: History) -> None:
        """Write the file; the one that stood there before stays whole until it is. Raises ModelFileError."""
        network = self.training.network
        tensors = {f"weights {name}": self._frames(name) for name in self.places}
        tensors |= {f"places {name}": places for name, places in self.places.items()}
        tensors["frames"] = np.array(list(self.frames), np.int64)
        tensors |= arrays_of(history, len(network.architecture.dense))
        words = words_of(history) | {"network": network.describe()}
        shapes = {name: list(network.parameters[name].shape) for name in self.places}
        write_tensors(self.path, tensors, {"recording": words | {"shapes": shapes}})
        self.written = time.perf_counter()

    def _frames(self, name: str) -> Array:
        """The kept values of one array, (frames, places)."""
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

    Raises ModelFileError (a ValueError) for a file that is damaged or no recording.
    """

    def __init__(self, path: FilePath) -> None:
        tensors, metadata = read_tensors(path)
        words = metadata.get("recording")
        if not isinstance(words, dict) or not isinstance(words.get("shapes"), dict):
            raise ModelFileError(f"{path} is a model file but no recording of a run; train with record=... for one.")
        try:
            self.network: dict[str, Any] = dict(words["network"])
            self.epochs = tensors["frames"]
            shapes = {name: tuple(map(int, shape)) for name, shape in words["shapes"].items()}
            self.weights = {name: tensors[f"weights {name}"] for name in shapes}
            flat = {name: tensors[f"places {name}"] for name in shapes}
            self.places = {name: np.stack(np.unravel_index(flat[name], shapes[name]), axis=1) for name in shapes}
            self.history = history_of(tensors, words, len(self.network["activations"]))
            fit = [self.weights[name].shape == (len(self.epochs), len(flat[name])) for name in shapes]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelFileError(f"{path} is a damaged recording: {error}.") from None
        if not all(fit):
            raise ModelFileError(f"{path} is a damaged recording: its frames do not fit its weights.")

    def __repr__(self) -> str:
        count = sum(values.shape[1] for values in self.weights.values())
        return f"Recording({self.history!r}; {count:,} parameters after {len(self.epochs):,} epochs)"


def sampled(size: int) -> Array:
    """Evenly spread places, all of a small array."""
    return np.unique(np.linspace(0, size - 1, min(size, SAMPLED)).astype(np.int64))

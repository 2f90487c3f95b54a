"""The flight recorder: what is read back is what the run was, and a damaged file is refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import NeuralNetwork, Recording, recording, watching
from glassnet.errors import DivergedError, ModelFileError, ParameterError
from glassnet.storage import read_tensors, write_tensors

Array = np.ndarray[Any, Any]


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((3, 60)), rng.random((2, 60))


def network(**words: Any) -> NeuralNetwork:
    return NeuralNetwork([3, 40, 2], ["tanh", "sigmoid"], seed=1, **words)


@pytest.mark.parametrize("validation", [None, 0.2])
def test_a_run_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, validation: float | None) -> None:
    monkeypatch.setattr(watching, "SHARE", 1e9)
    monkeypatch.setattr(recording, "SAMPLED", 50)
    net, seen = network(), []
    path = tmp_path / "run.glassrec"

    def look(report: Any) -> None:
        seen.append(net.weights[0].copy())

    history = net.train(*data(), epochs=7, lr=0.1, validation=validation, callbacks=[look], record=path)
    found = Recording(path)
    assert found.history.reports == history.reports
    assert found.history.stopped == history.stopped
    assert found.epochs.tolist() == list(range(1, 8))
    for quantity in history.layers.quantities:
        assert (found.history.layers[quantity] == history.layers[quantity]).all()
    assert found.history.layers.epoch.tolist() == history.layers.epoch.tolist()
    assert found.history.layers.noise.tolist() == history.layers.noise.tolist()
    assert found.weights["w1"].shape == (7, 50) and found.weights["w1"].dtype == np.float32
    rows, columns = found.places["w1"].T
    for frame, w in zip(found.weights["w1"], seen, strict=True):
        assert (frame == w[rows, columns]).all()
    assert len({tuple(frame) for frame in found.weights["w1"]}) == 7
    assert found.network["seed"] == 1
    assert repr(found).startswith("Recording(History(7 epochs")


def test_recording_leaves_the_bits_of_the_run(tmp_path: Path) -> None:
    plain, recorded = network(), network()
    plain.train(*data(), epochs=9, optimizer="adam")
    recorded.train(*data(), epochs=9, optimizer="adam", record=tmp_path / "r")
    assert (plain.parameters.vector == recorded.parameters.vector).all()


def test_a_run_that_diverges_leaves_its_recording(tmp_path: Path) -> None:
    net = NeuralNetwork([3, 20, 2], ["relu", "linear"], seed=0)
    with pytest.raises(DivergedError):
        net.train(*data(), epochs=50, lr=1e3, record=tmp_path / "r")
    found = Recording(tmp_path / "r")
    assert len(found.history) == len(net.history or ())


def test_a_long_run_keeps_a_bounded_number_of_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST", 8)
    monkeypatch.setattr(recording, "WRITTEN_EVERY", 0.0)
    network().train(*data(), epochs=70, record=tmp_path / "r")
    found = Recording(tmp_path / "r")
    assert len(found.history) == 70
    assert 4 <= len(found.epochs) <= 8
    assert found.epochs[-1] >= 60
    assert (np.diff(found.epochs) == found.epochs[0]).all()


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    net, path = network(), tmp_path / "r"
    net.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="no recording of a run"):
        Recording(tmp_path / "model")
    net.train(*data(), epochs=3, record=path)
    tensors, metadata = read_tensors(path)
    for name in tensors:
        less = {key: value for key, value in tensors.items() if key != name}
        if name not in ("epoch validation_cost", "epoch accuracy"):
            write_tensors(tmp_path / "less", less, metadata)
            with pytest.raises(ModelFileError, match="damaged recording"):
                Recording(tmp_path / "less")
    write_tensors(tmp_path / "short", tensors | {"frames": tensors["frames"][:2]}, metadata)
    with pytest.raises(ModelFileError, match="do not fit"):
        Recording(tmp_path / "short")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelFileError):
        Recording(path)
    with pytest.raises(ParameterError, match="record: there is no folder"):
        net.train(*data(), epochs=3, record=tmp_path / "none" / "r")

"""The flight recorder: reading gives back the run exactly, and a damaged file raises one clear sentence."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import NeuralNetwork, Recording
from glassnet.errors import DivergedError, ModelFileError, ParameterError
from glassnet.files import recording
from glassnet.files.blocks import BlockFile, FileBlock, read_blocks
from glassnet.training import layer_monitor

from ..faces.document_paths import document_paths

Array = np.ndarray[Any, Any]


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((3, 60)), rng.random((2, 60))


def network(**options: Any) -> NeuralNetwork:
    return NeuralNetwork([3, 40, 2], ["tanh", "sigmoid"], seed=1, **options)


@pytest.mark.parametrize("validation", [None, 0.2])
def test_reading_gives_back_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, validation: float | None) -> None:
    monkeypatch.setattr(layer_monitor, "TIME_SHARE", 1e9)
    monkeypatch.setattr(recording, "MAX_SAMPLED", 50)
    net, weights = network(), []
    path = tmp_path / "run.glassrec"

    def copy_weights(report: Any) -> None:
        weights.append(net.weights[0].copy())

    history = net.train(*data(), epochs=7, lr=0.1, validation=validation, callbacks=[copy_weights], record=path)
    loaded = Recording(path)
    assert loaded.history.reports == history.reports
    assert loaded.history.stopped == history.stopped
    assert loaded.epochs.tolist() == list(range(1, 8))
    for quantity in history.layers.quantities:
        assert (loaded.history.layers[quantity] == history.layers[quantity]).all()
    assert loaded.history.layers.epoch.tolist() == history.layers.epoch.tolist()
    assert loaded.history.layers.noise.tolist() == history.layers.noise.tolist()
    assert loaded.weights["w1"].shape == (7, 50) and loaded.weights["w1"].dtype == np.float32
    rows, columns = loaded.indices["w1"].T
    for frame, w in zip(loaded.weights["w1"], weights, strict=True):
        assert (frame == w[rows, columns]).all()
    assert len({tuple(frame) for frame in loaded.weights["w1"]}) == 7
    assert loaded.network["seed"] == 1
    assert repr(loaded).startswith("Recording(History(7 epochs")


def test_loadedleaves_the_bits_of_the_run(tmp_path: Path) -> None:
    plain, recorded = network(), network()
    plain.train(*data(), epochs=9, optimizer="adam")
    recorded.train(*data(), epochs=9, optimizer="adam", record=tmp_path / "r")
    assert (plain.parameters.vector == recorded.parameters.vector).all()


def test_a_run_that_diverges_leaves_its_recording(tmp_path: Path) -> None:
    net = NeuralNetwork([3, 20, 2], ["relu", "linear"], seed=0)
    with pytest.raises(DivergedError):
        net.train(*data(), epochs=50, lr=1e3, record=tmp_path / "r")
    loaded = Recording(tmp_path / "r")
    assert len(loaded.history) == len(net.history or ())


def test_a_long_run_keeps_a_bounded_number_of_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_FRAMES", 8)
    monkeypatch.setattr(recording, "WRITE_SECONDS", 0.0)
    network().train(*data(), epochs=70, record=tmp_path / "r")
    loaded = Recording(tmp_path / "r")
    assert len(loaded.history) == 70
    assert 4 <= len(loaded.epochs) <= 8
    assert loaded.epochs[-1] >= 60
    assert (np.diff(loaded.epochs) == loaded.epochs[0]).all()


def blocks_of(path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int = 3) -> list[FileBlock]:
    """A recording with a block for each epoch and one for the end, and these blocks."""
    monkeypatch.setattr(recording, "WRITE_SECONDS", 0.0)
    network().train(*data(), epochs=epochs, record=path)
    blocks = read_blocks(path)
    assert len(blocks.whole) == epochs + 2 and not blocks.cut
    return blocks.whole


def write_blocks(path: Path, blocks: list[FileBlock]) -> Path:
    """A file of these blocks."""
    file = BlockFile(path, *blocks[0])
    for block in blocks[1:]:
        file.add(*block)
    return path


def test_a_cut_loadedis_read_up_to_its_last_whole_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r"
    blocks = blocks_of(path, monkeypatch)
    whole, content = Recording(path), path.read_bytes()
    assert not whole.cut
    ends = [write_blocks(tmp_path / "part", blocks[:count]).stat().st_size for count in range(1, len(blocks))]
    assert write_blocks(tmp_path / "all", blocks).read_bytes() == content
    for size in [0, 1, 7, 8, 23, 24, 25, *ends, *(end + step for end in ends for step in (-1, 1, 8, 23, 24, 100))]:
        (tmp_path / "cut").write_bytes(content[:size])
        if size < ends[0]:
            with pytest.raises(ModelFileError, match="ends before its first epoch"):
                Recording(tmp_path / "cut")
            continue
        epochs = sum(end <= size for end in ends) - 1
        with pytest.warns(RuntimeWarning, match=f"ends after epoch {epochs}: its run was killed, or is still running"):
            loaded = Recording(tmp_path / "cut")
        assert loaded.cut and loaded.history.reports == whole.history.reports[:epochs]
        steps = loaded.history.layers.step.tolist()
        assert steps == whole.history.layers.step.tolist()[: len(steps)] and epochs <= len(steps) <= epochs + 1
        assert loaded.epochs.tolist() == list(range(1, epochs + 1))
        assert all((loaded.weights[name] == whole.weights[name][:epochs]).all() for name in whole.weights)


def test_damage_before_the_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r"
    blocks = blocks_of(path, monkeypatch)
    content, last = path.read_bytes(), write_blocks(tmp_path / "part", blocks[:-1]).stat().st_size
    for offset in [*range(24), 30, 500, *range(last - 3, last + 24)]:
        changed = bytearray(content)
        changed[offset] ^= 0x10
        path.write_bytes(changed)
        with pytest.raises(ModelFileError, match=r"is damaged at byte \d|no recording of a run"):
            Recording(path)
    for size in (last + 24, last + 40, last, last - 5):  # a power cut may leave zeros at the end, of several blocks too
        path.write_bytes(content[:size] + bytes(len(content) - size))
        with pytest.warns(RuntimeWarning, match=f"ends after epoch {3 if size >= last else 2}"):
            assert Recording(path).cut


def test_a_process_that_is_killed_leaves_its_recording(tmp_path: Path) -> None:
    program = """
import sys
import numpy as np
from glassnet import NeuralNetwork
from glassnet.files import recording
recording.WRITE_SECONDS = 0.0
net = NeuralNetwork([3, 40, 2], ["tanh", "sigmoid"], seed=1)
x, y = np.random.default_rng(0).random((3, 60)), np.zeros((2, 60))
show = lambda report: print(report.epoch, flush=True)
net.train(x, y, epochs=10**7, lr=0.1, record=sys.argv[1], callbacks=[show], verbose=0)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "r")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        epochs = [int(process.stdout.readline()) for _ in range(20)]
        process.kill()
    with pytest.warns(RuntimeWarning, match="ends after epoch"):
        loaded = Recording(tmp_path / "r")
    assert epochs == list(range(1, 21)) and len(loaded.history) >= 19 and loaded.cut
    assert loaded.epochs.tolist() == list(range(1, len(loaded.history) + 1))


def test_a_file_that_another_run_replaced_is_not_changed(tmp_path: Path) -> None:
    file = BlockFile(tmp_path / "r", {"x": np.zeros(3)}, {"recording": 1})
    BlockFile(tmp_path / "r", {"x": np.zeros(300)}, {"recording": 2})
    before = (tmp_path / "r").read_bytes()
    with pytest.raises(ModelFileError, match="was changed while it was written"):
        file.add({}, {})
    assert (tmp_path / "r").read_bytes() == before
    (tmp_path / "r").unlink()
    with pytest.raises(ModelFileError, match="cannot be written: No such file"):
        file.add({}, {})


def test_a_run_goes_on_where_its_loadedcannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassnet.files.recording.WRITE_SECONDS", 0)
    plain, recorded = (NeuralNetwork([3, 4, 2], seed=0) for _ in range(2))
    plain.train(*data(), epochs=9)
    with pytest.warns(RuntimeWarning, match="No such file.* The recording ends here; the training goes on") as caught:
        recorded.train(
            *data(), epochs=9, record=tmp_path / "r", callbacks=[lambda report: (tmp_path / "r").unlink(True)]
        )
    assert len(caught) == 1 and len(recorded.history or ()) == 9
    assert (plain.parameters.vector == recorded.parameters.vector).all()


def test_files_that_are_not_recordings_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, path = network(), tmp_path / "r"
    net.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="no recording of a run"):
        Recording(tmp_path / "model")
    first, second, *more = blocks_of(path, monkeypatch)

    def damaged(*blocks: FileBlock, match: str = "is a damaged recording") -> None:
        with pytest.raises(ModelFileError, match=match):
            Recording(write_blocks(tmp_path / "bad", list(blocks)))

    for number, (tensors, document) in enumerate((first, second)):
        for name in tensors:
            less = {key: value for key, value in tensors.items() if key != name}
            if name not in ("epoch validation_cost", "epoch accuracy"):
                damaged(*((less, document), second) if not number else (first, (less, document)), *more)
        for key in document["recording"]:
            rest = {name: value for name, value in document["recording"].items() if name != key}
            changed = (tensors, {"recording": rest})
            if number == 0:
                damaged(changed, second, *more)
            elif key not in ("gap", "ended", "predictability", "best_by"):  # older files lack the last ones
                damaged(first, changed, *more)
    for gap in (0, -1, "1", 1.5, True):
        damaged(first, (second[0], {"recording": second[1]["recording"] | {"gap": gap}}))
    damaged(first, (second[0] | {"frames": second[0]["frames"][:0]}, second[1]))
    damaged(first, ({}, {}), match="damaged recording: 'recording'")
    with pytest.raises(ParameterError, match="record: there is no folder"):
        net.train(*data(), epochs=3, record=tmp_path / "none" / "r")


WRONG = [None, -1, 1e300, 2**63 - 1, "x", [], {}, [1, "a"], {"a": {"b": [1]}}, True, 0.5, 10**9]
ARRAYS: dict[str, Any] = {
    "left out": lambda array: None,
    "float32": lambda array: array.astype(np.float32),
    "whole": lambda array: np.clip(array, -1e9, 1e9).astype(np.int64),
    "a dimension more": lambda array: array[np.newaxis],
    "a number": lambda array: np.array(0.5),
    "negative": lambda array: -array - 1,
    "large": lambda array: np.full(array.shape, 2**40, array.dtype),
    "cut": lambda array: array[:-1],
}


def test_a_block_with_anything_changed_gives_a_sentence_or_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    blocks, refused = blocks_of(tmp_path / "r", monkeypatch), 0
    changes: list[tuple[int, Any, Any]] = []
    for number in (0, 2, len(blocks) - 1):
        tensors, document = blocks[number]
        changes += [
            (number, path, wrong) for path, wrong in zip(document_paths(document)[1:], cycle(WRONG), strict=False)
        ]
        changes += [(number, name, change) for name in tensors for change in ARRAYS.values()]
    for number, path, change in changes:
        changed = copy.deepcopy(blocks)
        tensors, place = changed[number]
        if isinstance(path, str):
            array = change(tensors.pop(path))
            tensors.update({} if array is None else {path: array})
        else:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = change
        try:
            loaded = Recording(write_blocks(tmp_path / "changed", changed))
        except ModelFileError as error:
            assert str(error).startswith(str(tmp_path)) and "\n" not in str(error)
            refused += 1
        except RuntimeWarning as warning:
            assert "its run was killed" in str(warning)
        else:
            assert "History" in repr(loaded) and "<table" in loaded.history._repr_html_()
    assert refused > 100

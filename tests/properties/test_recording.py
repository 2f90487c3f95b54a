"""The flight recorder: what is read back is what the run was, and a damaged file is refused in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import NeuralNetwork, Recording
from glassnet.errors import DivergedError, ModelFileError, ParameterError
from glassnet.files import recording
from glassnet.files.blocks import Block, BlockFile, read_blocks
from glassnet.training import layer_monitor

Array = np.ndarray[Any, Any]


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((3, 60)), rng.random((2, 60))


def network(**words: Any) -> NeuralNetwork:
    return NeuralNetwork([3, 40, 2], ["tanh", "sigmoid"], seed=1, **words)


@pytest.mark.parametrize("validation", [None, 0.2])
def test_a_run_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, validation: float | None) -> None:
    monkeypatch.setattr(layer_monitor, "TIME_SHARE", 1e9)
    monkeypatch.setattr(recording, "MAX_SAMPLED", 50)
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
    monkeypatch.setattr(recording, "MAX_FRAMES", 8)
    monkeypatch.setattr(recording, "WRITE_SECONDS", 0.0)
    network().train(*data(), epochs=70, record=tmp_path / "r")
    found = Recording(tmp_path / "r")
    assert len(found.history) == 70
    assert 4 <= len(found.epochs) <= 8
    assert found.epochs[-1] >= 60
    assert (np.diff(found.epochs) == found.epochs[0]).all()


def blocks_of(path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int = 3) -> list[Block]:
    """A recording with a block for each epoch and one for the end, and these blocks."""
    monkeypatch.setattr(recording, "WRITE_SECONDS", 0.0)
    network().train(*data(), epochs=epochs, record=path)
    found = read_blocks(path)
    assert len(found.whole) == epochs + 2 and not found.cut
    return found.whole


def written(path: Path, blocks: list[Block]) -> Path:
    """A file of these blocks."""
    file = BlockFile(path, *blocks[0])
    for block in blocks[1:]:
        file.add(*block)
    return path


def test_a_recording_that_is_cut_is_read_up_to_its_last_whole_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r"
    blocks = blocks_of(path, monkeypatch)
    whole, content = Recording(path), path.read_bytes()
    assert not whole.cut
    ends = [written(tmp_path / "part", blocks[:count]).stat().st_size for count in range(1, len(blocks))]
    assert written(tmp_path / "all", blocks).read_bytes() == content
    for size in [0, 1, 7, 8, 23, 24, 25, *ends, *(end + step for end in ends for step in (-1, 1, 8, 23, 24, 100))]:
        (tmp_path / "cut").write_bytes(content[:size])
        if size < ends[0]:
            with pytest.raises(ModelFileError, match="ends before its first epoch"):
                Recording(tmp_path / "cut")
            continue
        epochs = sum(end <= size for end in ends) - 1
        with pytest.warns(RuntimeWarning, match=f"was cut after epoch {epochs}: the run that wrote it"):
            found = Recording(tmp_path / "cut")
        assert found.cut and found.history.reports == whole.history.reports[:epochs]
        looks = found.history.layers.step.tolist()
        assert looks == whole.history.layers.step.tolist()[: len(looks)] and epochs <= len(looks) <= epochs + 1
        assert found.epochs.tolist() == list(range(1, epochs + 1))
        assert all((found.weights[name] == whole.weights[name][:epochs]).all() for name in whole.weights)


def test_damage_before_the_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r"
    blocks = blocks_of(path, monkeypatch)
    content, last = path.read_bytes(), written(tmp_path / "part", blocks[:-1]).stat().st_size
    for place in [*range(24), 30, 500, *range(last - 3, last + 24)]:
        changed = bytearray(content)
        changed[place] ^= 0x10
        path.write_bytes(changed)
        with pytest.raises(ModelFileError, match=r"is damaged at byte \d|no recording of a run"):
            Recording(path)
    for kept in (last + 24, last + 40, last, last - 5):  # a power cut may leave zeros at the end, of several blocks too
        path.write_bytes(content[:kept] + bytes(len(content) - kept))
        with pytest.warns(RuntimeWarning, match=f"was cut after epoch {3 if kept >= last else 2}"):
            assert Recording(path).cut


def test_a_process_that_is_killed_leaves_its_recording(tmp_path: Path) -> None:
    program = """
import sys
import numpy as np
from glassnet import NeuralNetwork
from glassnet.files import recording
recording.WRITTEN_EVERY = 0.0
net = NeuralNetwork([3, 40, 2], ["tanh", "sigmoid"], seed=1)
x, y = np.random.default_rng(0).random((3, 60)), np.zeros((2, 60))
tell = lambda report: print(report.epoch, flush=True)
net.train(x, y, epochs=10**7, lr=0.1, record=sys.argv[1], callbacks=[tell], verbose=0)
"""
    words = [sys.executable, "-c", program, str(tmp_path / "r")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = [int(process.stdout.readline()) for _ in range(20)]
        process.kill()
    with pytest.warns(RuntimeWarning, match="was cut after epoch"):
        found = Recording(tmp_path / "r")
    assert seen == list(range(1, 21)) and len(found.history) >= 19 and found.cut
    assert found.epochs.tolist() == list(range(1, len(found.history) + 1))


def test_a_file_that_another_run_took_is_left_alone(tmp_path: Path) -> None:
    file = BlockFile(tmp_path / "r", {"x": np.zeros(3)}, {"recording": 1})
    BlockFile(tmp_path / "r", {"x": np.zeros(300)}, {"recording": 2})
    before = (tmp_path / "r").read_bytes()
    with pytest.raises(ModelFileError, match="was changed while it was written"):
        file.add({}, {})
    assert (tmp_path / "r").read_bytes() == before
    (tmp_path / "r").unlink()
    with pytest.raises(ModelFileError, match="cannot be written: No such file"):
        file.add({}, {})


def test_a_run_whose_recording_cannot_go_on_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassnet.files.recording.WRITTEN_EVERY", 0)
    plain, recorded = (NeuralNetwork([3, 4, 2], seed=0) for _ in range(2))
    plain.train(*data(), epochs=9)
    with pytest.warns(RuntimeWarning, match="No such file.* The recording ends here; the training goes on") as said:
        recorded.train(
            *data(), epochs=9, record=tmp_path / "r", callbacks=[lambda report: (tmp_path / "r").unlink(True)]
        )
    assert len(said) == 1 and len(recorded.history or ()) == 9
    assert (plain.parameters.vector == recorded.parameters.vector).all()


def test_what_is_no_recording_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, path = network(), tmp_path / "r"
    net.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="no recording of a run"):
        Recording(tmp_path / "model")
    first, second, *more = blocks_of(path, monkeypatch)

    def damaged(*blocks: Block, match: str = "is a damaged recording") -> None:
        with pytest.raises(ModelFileError, match=match):
            Recording(written(tmp_path / "bad", list(blocks)))

    for number, (tensors, document) in enumerate((first, second)):
        for name in tensors:
            less = {key: value for key, value in tensors.items() if key != name}
            if name not in ("epoch validation_cost", "epoch accuracy"):
                damaged(*((less, document), second) if not number else (first, (less, document)), *more)
        for word in document["recording"]:
            said = {key: value for key, value in document["recording"].items() if key != word}
            changed = (tensors, {"recording": said})
            if number == 0:
                damaged(changed, second, *more)
            elif word not in ("gap", "ended"):  # the last block's count
                damaged(first, changed, *more)
    for gap in (0, -1, "1", 1.5, True):
        damaged(first, (second[0], {"recording": second[1]["recording"] | {"gap": gap}}))
    damaged(first, (second[0] | {"frames": second[0]["frames"][:0]}, second[1]))
    damaged(first, ({}, {}), match="damaged recording: 'recording'")
    with pytest.raises(ParameterError, match="record: there is no folder"):
        net.train(*data(), epochs=3, record=tmp_path / "none" / "r")

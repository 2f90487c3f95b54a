"""Every file has a checksum: one wrong bit anywhere is refused; files of older formats, without one, still open."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import csv

import glassnet
from glassnet import BatchNorm, Dropout, NeuralNetwork, Recording
from glassnet.errors import ModelFileError

SAVED = Path(__file__).parent / "saved"
X, Y = np.random.default_rng(0).random((3, 20)).astype(np.float32), np.random.default_rng(1).random((2, 20))
RUN: dict[str, Any] = {"batch_size": 5, "epochs": 6, "lr": 0.05, "optimizer": "adam", "schedule": "cosine"}
RUN |= {"validation": 0.25, "patience": 5}


def network() -> NeuralNetwork:
    return NeuralNetwork([3, 4, Dropout(0.2), 2], ["tanh", "linear"], seed=3, engine="numpy")


def model_file(path: Path) -> Callable[[Path], Any]:
    net = network()
    net.train(X, Y, epochs=2)
    net.save(path)
    return glassnet.load


def checkpoint(path: Path) -> Callable[[Path], Any]:
    network().train(X, Y, **RUN, checkpoint=path)
    return lambda changed: network().train(X, Y, **RUN, checkpoint=changed, resume=True)


def recording(path: Path) -> Callable[[Path], Any]:
    network().train(X, Y, epochs=2, record=path)
    return Recording


def accepted_flips(path: Path, read: Callable[[Path], Any], count: int) -> list[int]:
    """The bits, of `count` spread over the file, that are wrong without being noticed."""
    content, accepted = path.read_bytes(), []
    read(path)
    for bit in np.linspace(0, 8 * len(content) - 1, count).astype(int).tolist():
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            read(path)
        except ModelFileError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)
        except RuntimeWarning as warning:  # the last block of a recording cannot be told from one that was cut
            assert "its run was killed" in str(warning)
        else:
            accepted.append(bit)
    return accepted


@pytest.mark.parametrize("kind", [model_file, checkpoint, recording])
def test_a_wrong_bit_is_never_accepted(kind: Any, tmp_path: Path) -> None:
    assert accepted_flips(tmp_path / "m", kind(tmp_path / "m"), 97) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", [model_file, checkpoint, recording])
def test_a_thousand_wrong_bits_are_never_accepted(kind: Any, tmp_path: Path) -> None:
    assert accepted_flips(tmp_path / "m", kind(tmp_path / "m"), 1000) == []


def test_files_of_the_formats_without_a_checksum_open() -> None:
    with np.load(SAVED / "format_1_and_2.npz") as expected:
        loaded = NeuralNetwork.load(SAVED / "network_1.safetensors")
        assert np.array_equal(loaded.predict(expected["x"]), expected["network"])
        assert loaded.runs == 1 and loaded.history is not None and len(loaded.history) == 4
        for format_ in (1, 2):
            model = glassnet.load(SAVED / f"classifier_{format_}.safetensors")
            assert np.array_equal(model.predict_proba(expected["x"].T), expected["proba"])
            assert model.predict(expected["x"].T).tolist() == expected["classes"].tolist()
    assert len(Recording(SAVED / "run_1.glassrec").history) == 6


def test_files_of_format_3_open(tmp_path: Path) -> None:
    with np.load(SAVED / "format_3.npz") as expected:
        x = expected["x"]
        assert np.allclose(
            NeuralNetwork.load(SAVED / "network_3.safetensors").predict(x), expected["network"], atol=1e-6
        )
        classifier, regressor = (glassnet.load(SAVED / f"{kind}_3.safetensors") for kind in ("classifier", "regressor"))
        assert np.allclose(classifier.predict_proba(x.T), expected["classifier"], atol=1e-6)
        assert np.allclose(regressor.predict(x.T), expected["regressor"], atol=1e-6)
        shutil.copy(SAVED / "run_3.checkpoint", tmp_path / "c")
        net = NeuralNetwork([3, 4, BatchNorm(), Dropout(0.2), 2], ["tanh", "linear"], seed=3, engine="numpy")
        net.train(x, expected["y"], **RUN, checkpoint=tmp_path / "c", resume=True)
        assert np.allclose(net.parameters.vector, expected["parameters"], atol=1e-6)
    assert len(Recording(SAVED / "run_3.glassrec").history) == 3
    rows = csv.read_csv(SAVED / "tabular_3.csv")
    predicted = glassnet.load(SAVED / "tabular_3.safetensors").predict(rows.drop_columns(["prediction"]))
    assert np.allclose(predicted, rows["prediction"], rtol=1e-4)


def test_a_tabular_model_without_a_checksum_opens() -> None:
    model = glassnet.load(SAVED / "tabular_2.safetensors")
    rows = csv.read_csv(SAVED / "tabular_2.csv")
    assert np.allclose(model.predict_proba(rows.drop_columns(["p"]))[:, 1], rows["p"], rtol=0, atol=1e-6)
    assert model.model_.training["hyperparameters"]["width"] == 8


def test_a_checkpoint_without_a_checksum_is_continued(tmp_path: Path) -> None:
    shutil.copy(SAVED / "run_1.checkpoint", tmp_path / "c")
    with np.load(SAVED / "format_1_and_2.npz") as expected:
        net, reports = network(), list[Any]()
        run = {**RUN, "checkpoint": tmp_path / "c", "resume": True, "callbacks": [reports.append]}
        net.train(expected["x"], expected["y"], **run)
        assert np.array_equal(net.parameters.vector, expected["resumed"]) and reports[0].epoch == 4

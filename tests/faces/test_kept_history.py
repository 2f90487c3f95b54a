"""What a model file keeps of the training: enough for a diagnosis, one seed one file, every claim checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import NeuralNetwork
from glassnet.errors import ModelFileError, ParameterError
from glassnet.files.storage import read_metadata, read_tensors, write_tensors
from glassnet.see.evidence import gathered
from glassnet.training import layer_monitor
from glassnet.training.layer_measures import QUANTITIES

from .broken_networks import BROKEN, blobs, classifier, trained
from .healthy_networks import HEALTHY

OF_DATA = {  # findings that are about x and y, which no file has
    *("wrong output activation", "unscaled columns", "unscaled targets", "constant columns", "imbalance"),
    *("duplicate rows", "cost that cannot fall"),
}


@pytest.mark.parametrize("case", [case for case, (name, _) in BROKEN.items() if name not in OF_DATA])
def test_a_loaded_network_tells_what_ailed_it(case: str, tmp_path: Path) -> None:
    name, make = BROKEN[case]
    make()[0].save(tmp_path / "m")
    assert NeuralNetwork.load(tmp_path / "m").diagnose().names == (name,)


@pytest.mark.parametrize("case", HEALTHY)
def test_a_loaded_network_that_is_well_says_nothing(case: str, tmp_path: Path) -> None:
    HEALTHY[case]()[0].save(tmp_path / "m")
    loaded = NeuralNetwork.load(tmp_path / "m")
    assert loaded.diagnose().names == (), str(loaded.diagnose())


def test_the_numbers_come_back(tmp_path: Path) -> None:
    net, *_ = trained(classifier([16, 8]), *blobs(), validation=0.2, patience=5, epochs=12)
    evidence = gathered(net)
    look, history = evidence.measures, evidence.history
    assert look is not None and history is not None
    history.warnings.append("a warning of this run")
    net.save(tmp_path / "m")
    found = NeuralNetwork.load(tmp_path / "m").history
    assert found is not None and found.reports == [report._replace(seconds=0.0) for report in history]
    assert (found.stopped, found.best_epoch, found.warnings) == (history.stopped, history.best_epoch, history.warnings)
    assert found.layers.measurements[0][:2] == (history[-1].epoch, history[-1].step) and found.layers.batch_size == 16
    for column, quantity in enumerate(QUANTITIES):
        assert (found.layers[quantity] == look.values[:, column]).all()
    assert found.levels == evidence.levels == (evidence.reached, evidence.constant, evidence.best)
    assert (found.layers.cost, found.layers.noise) == ([look.cost], [look.noise])


def test_a_long_training_is_kept_in_short(tmp_path: Path) -> None:
    x, y = blobs(20)
    net, *_ = trained(classifier([4]), x, y, epochs=3000)
    net.save(tmp_path / "m")
    found = NeuralNetwork.load(tmp_path / "m").history
    assert found is not None and net.history is not None
    assert len(found) == 256 and [found[0].epoch, found[-1].epoch] == [1, 3000]
    assert all(report == net.history[report.epoch - 1]._replace(seconds=0.0) for report in found)
    assert (tmp_path / "m").stat().st_size < 16_000


def test_the_same_seed_gives_the_same_bytes_and_all_else_is_as_without(tmp_path: Path) -> None:
    for name in ("a", "b", "without"):
        net, *_ = trained(classifier([16]), *blobs(), epochs=5)
        net.history = None if name == "without" else net.history
        net.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    tensors, bare = read_tensors(tmp_path / "a")[0], read_tensors(tmp_path / "without")[0]
    assert {name for name in tensors if not name.startswith("history ")} == set(bare)
    assert all(tensors[name].tobytes() == bare[name].tobytes() for name in bare)
    documents = [read_metadata(tmp_path / name) for name in ("a", "without")]
    assert documents[0].pop("history")["batch_size"] == 16 and documents[0] == documents[1]
    loaded = NeuralNetwork.load(tmp_path / "a")
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "a").read_bytes()


def test_a_look_of_the_clocks_choosing_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_monitor, "TIME_SHARE", 1e9)
    monkeypatch.setattr(layer_monitor, "MAX_SAMPLE_BYTES", 0)  # as with rows so wide that no sample is remembered
    net, *_ = trained(classifier([4]), *blobs(), epochs=3)
    assert net.history is not None and len(net.history.layers) and net.recent_samples is None
    net.save(tmp_path / "m")
    loaded = NeuralNetwork.load(tmp_path / "m")
    assert loaded.history is not None and not len(loaded.history.layers)
    assert str(loaded.diagnose()) == "no findings in 3 epochs"


def test_a_file_without_a_history_loads(tmp_path: Path) -> None:
    net = classifier([4])
    net.save(tmp_path / "m")
    loaded = NeuralNetwork.load(tmp_path / "m")
    with pytest.raises(ParameterError, match="comes from a file that kept none"):
        loaded.diagnose()


WRONG: dict[str, Any] = {
    "stopped": [None, 3, "x" * 2000],
    "best_epoch": ["one", 1.5, True, [1]],
    "warnings": [3, None, [1]],
    "batch_size": [-1, None, "3"],
    "levels": ["abc", [1.0, 2.0], [1.0, 2.0, "3"], 1.5],
}


def test_every_claim_is_checked(tmp_path: Path) -> None:
    net, *_ = trained(classifier([4]), *blobs(), validation=0.2, epochs=3)
    net.save(tmp_path / "m")
    tensors, document = read_tensors(tmp_path / "m")
    kept = {name for name in tensors if name.startswith("history ")}
    optional = {"history epoch validation_cost", "history epoch accuracy"}
    assert len(kept) == 12 and optional < kept

    def refused(tensors: Any, document: Any) -> None:
        write_tensors(tmp_path / "bad", tensors, document)
        with pytest.raises(ModelFileError, match="its history makes no sense"):
            NeuralNetwork.load(tmp_path / "bad")

    for name in kept:
        if name not in optional:
            refused({key: array for key, array in tensors.items() if key != name}, document)
        refused(tensors | {name: tensors[name][:0]}, document)
        for shape in (tensors[name][np.newaxis], tensors[name][..., np.newaxis]):
            refused(tensors | {name: shape}, document)
    refused(tensors | {"history epoch cost": np.zeros(3, np.int64)}, document)
    refused(tensors | {"history look values": np.zeros((1, 3, 8))}, document)
    for word, values in WRONG.items():
        for value in values:
            refused(tensors, document | {"history": document["history"] | {word: value}})
    for words in ([], "history", {}):
        refused(tensors, document | {"history": words})

"""The history in a model file: enough for a diagnosis, the same bytes for the same seed, every claim checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import NeuralNetwork
from glassnet.errors import ModelFileError, ParameterError
from glassnet.execution import inference
from glassnet.execution.model import Model
from glassnet.files.storage import read_tensors, write_tensors
from glassnet.see import evidence
from glassnet.training import layer_monitor
from glassnet.training.layer_measures import QUANTITIES

from .broken_networks import BROKEN, blobs, classifier, trained
from .healthy_networks import HEALTHY

DATA_FINDINGS = {  # about x and y, which no file has
    *("wrong output activation", "unscaled columns", "unscaled targets", "constant columns", "imbalance"),
    *("duplicate rows", "cost that cannot fall", "targets too small", "a quantity as classes"),
}


def saved_and_loaded(net: NeuralNetwork, path: Path) -> NeuralNetwork:
    """Diagnose the network, which measures the final state of layers and costs, then save it and load it."""
    net.diagnose()
    net.save(path)
    return NeuralNetwork.load(path)


@pytest.mark.parametrize("case", [case for case, (name, _) in BROKEN.items() if name not in DATA_FINDINGS])
def test_a_loaded_network_has_the_finding_of_its_training(case: str, tmp_path: Path) -> None:
    name, make = BROKEN[case]
    assert saved_and_loaded(make()[0], tmp_path / "m").diagnose().names == (name,)


@pytest.mark.parametrize("case", HEALTHY)
def test_a_loaded_healthy_network_has_no_findings(case: str, tmp_path: Path) -> None:
    loaded = saved_and_loaded(HEALTHY[case]()[0], tmp_path / "m")
    assert loaded.diagnose().names == (), str(loaded.diagnose())


def test_reports_measurements_and_levels_are_loaded_exactly(tmp_path: Path) -> None:
    net, *_ = trained(classifier([16, 8]), *blobs(), validation=0.2, patience=5, epochs=12)
    known = evidence.evidence_of_run(net.model, net.history, net.recent_samples)
    measures, history = known.measures, known.history
    assert (
        measures is not None
        and history is not None
        and history.final == (measures, (known.reached, known.constant, known.least), None)
    )
    history.warnings.append("a warning of this run")
    net.save(tmp_path / "m")
    loaded = NeuralNetwork.load(tmp_path / "m").history
    assert loaded is not None and loaded.reports == [report._replace(seconds=0.0) for report in history]
    assert (loaded.stopped, loaded.best_epoch) == (history.stopped, history.best_epoch)
    assert loaded.warnings == history.warnings and loaded.layers.batch_size == 16
    assert loaded.layers.measurements[0][:2] == (history[-1].epoch, history[-1].step)
    for column, quantity in enumerate(QUANTITIES):
        assert (loaded.layers[quantity] == measures.values[:, column]).all()
    assert loaded.final is not None
    assert loaded.final.levels == (known.reached, known.constant, known.least)
    assert (loaded.layers.cost, loaded.layers.noise) == ([measures.cost], [measures.noise])


def test_a_long_history_is_shortened(tmp_path: Path) -> None:
    x, y = blobs(20)
    net, *_ = trained(classifier([4]), x, y, epochs=3000)
    loaded = saved_and_loaded(net, tmp_path / "m").history
    assert loaded is not None and net.history is not None
    assert len(loaded) == 256 and [loaded[0].epoch, loaded[-1].epoch] == [1, 3000]
    assert all(report == net.history[report.epoch - 1]._replace(seconds=0.0) for report in loaded)
    assert (tmp_path / "m").stat().st_size < 16_000


def test_the_same_seed_gives_the_same_bytes_and_the_history_changes_nothing_else(tmp_path: Path) -> None:
    for name in ("a", "b", "without"):
        net, *_ = trained(classifier([16]), *blobs(), epochs=5)
        net.diagnose()
        net.history = None if name == "without" else net.history
        net.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    tensors, bare = read_tensors(tmp_path / "a")[0], read_tensors(tmp_path / "without")[0]
    assert {name for name in tensors if not name.startswith("history ")} == set(bare)
    assert all(tensors[name].tobytes() == bare[name].tobytes() for name in bare)
    documents = [read_tensors(tmp_path / name)[1] for name in ("a", "without")]
    assert documents[0].pop("history")["batch_size"] == 16 and documents[0] == documents[1]
    loaded = NeuralNetwork.load(tmp_path / "a")
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "a").read_bytes()


def test_saving_computes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a diagnosis before it, a file has the epochs but no measurement of the layers and no levels."""
    net, *_ = trained(classifier([4]), *blobs(), epochs=3)
    with monkeypatch.context() as patch:
        for name in ("loaded_executor", "outputs"):
            for module in (inference, evidence):
                patch.setattr(module, name, pytest.fail)
        patch.setattr(Model, "executor", pytest.fail)
        net.save(tmp_path / "m")
    loaded = NeuralNetwork.load(tmp_path / "m")
    assert net.history is not None and net.history.final is None
    assert loaded.history is not None and len(loaded.history) == 3 and loaded.history.final is None
    assert not len(loaded.history.layers) and str(loaded.diagnose()) == "no findings in 3 epochs"


def test_measurements_that_depend_on_the_clock_are_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_monitor, "TIME_SHARE", 1e9)
    monkeypatch.setattr(layer_monitor, "MAX_SAMPLE_BYTES", 0)  # as for samples too wide to be kept
    net, *_ = trained(classifier([4]), *blobs(), epochs=3)
    assert net.history is not None and len(net.history.layers) and net.recent_samples is None
    loaded = saved_and_loaded(net, tmp_path / "m")
    assert loaded.history is not None and not len(loaded.history.layers)
    assert str(loaded.diagnose()) == "no findings in 3 epochs"


def test_a_file_without_a_history_loads(tmp_path: Path) -> None:
    net = classifier([4])
    net.save(tmp_path / "m")
    loaded = NeuralNetwork.load(tmp_path / "m")
    with pytest.raises(ParameterError, match="comes from a file without one"):
        loaded.diagnose()


WRONG: dict[str, Any] = {
    "stopped": [None, 3, "x" * 2000],
    "best_epoch": ["one", 1.5, True, [1]],
    "warnings": [3, None, [1]],
    "batch_size": [-1, None, "3"],
    "levels": ["abc", [1.0, 2.0], [1.0, 2.0, "3"], 1.5],
    "predictability": ["abc", [1.0, 2.0], [1.0, 2.0, "3"], 1.5],
}


def test_every_claim_is_checked(tmp_path: Path) -> None:
    net, *_ = trained(classifier([4]), *blobs(), validation=0.2, epochs=3)
    net.diagnose()
    net.save(tmp_path / "m")
    tensors, document = read_tensors(tmp_path / "m")
    names = {name for name in tensors if name.startswith("history ")}
    optional = {"history epoch validation_cost", "history epoch accuracy"}
    assert len(names) == 12 and optional < names

    def refused(tensors: Any, document: Any) -> None:
        write_tensors(tmp_path / "bad", tensors, document)
        with pytest.raises(ModelFileError, match="its history makes no sense"):
            NeuralNetwork.load(tmp_path / "bad")

    for name in names:
        if name not in optional:
            refused({key: array for key, array in tensors.items() if key != name}, document)
        refused(tensors | {name: tensors[name][:0]}, document)
        for shape in (tensors[name][np.newaxis], tensors[name][..., np.newaxis]):
            refused(tensors | {name: shape}, document)
    refused(tensors | {"history epoch cost": np.zeros(3, np.int64)}, document)
    refused(tensors | {"history look values": np.zeros((1, 3, 8))}, document)
    for key, values in WRONG.items():
        for value in values:
            refused(tensors, document | {"history": document["history"] | {key: value}})
    for value in ([], "history", {}):
        refused(tensors, document | {"history": value})

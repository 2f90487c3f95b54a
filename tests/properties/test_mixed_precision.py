"""Mixed precision keeps what float32 has: the same bits for any threads and slices, exact resume, copies and files."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import BatchNorm, ModelFileError, NeuralNetwork, Training, gradient_check, load, train_many
from glassnet.batches.sources import Sources
from glassnet.execution.executor import ENGINES
from glassnet.program.precision import EMULATE
from glassnet.training.settings import checked_recipe
from tests.mixed_precision import MIXED, mixed
from tests.twins.forced_threads import forced_threads

__all__ = ["mixed"]
pytestmark = pytest.mark.usefixtures("mixed")
SCRIPT = """
import pickle, sys, warnings
warnings.simplefilter("ignore")
net, x, y = pickle.loads(sys.stdin.buffer.read())
net.train(x, y, 32, 2, 0.01, optimizer="adam", verbose=0)
sys.stdout.buffer.write(net.parameters.vector.tobytes())
"""
Array = np.ndarray[Any, Any]


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, 150)), rng.integers(0, 5, 150)


def network(engine: str = "compiled", **options: Any) -> NeuralNetwork:
    layers, activations = [20, 70, BatchNorm(), 33, 5], ["relu", "tanh", "softmax"]
    options = {"seed": 2, "engine": engine, "precision": MIXED, **options}
    return NeuralNetwork(layers, activations, "categorical_cross_entropy", **options)


def train(net: NeuralNetwork, epochs: int = 2, **options: Any) -> NeuralNetwork:
    net.train(*data(), 32, epochs, 0.01, optimizer="adam", verbose=0, **options)
    return net


def trained(engine: str = "compiled", **options: Any) -> NeuralNetwork:
    return train(network(engine, **options))


def bits(net: NeuralNetwork) -> bytes:
    vector: bytes = net.parameters.vector.tobytes()
    return vector


def test_bits_do_not_depend_on_the_number_of_threads() -> None:
    results = set()
    for count in (1, 2, 3):
        with forced_threads(count):
            results.add(bits(trained()))
    assert len(results) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_bits_do_not_depend_on_how_many_steps_a_call_makes(engine: str) -> None:
    runs = []
    for steps in (1, 3, 100):
        net = network(engine)
        x, y = data()
        recipe = checked_recipe(tuple(net.parameters.segments.values()), 32, 2, 0.01, {"optimizer": "adam"})
        run = Training(net.model, Sources(np.ascontiguousarray(x.T), y, None), recipe)
        for _ in range(-(-10 // steps)):
            run.run(steps=steps)
        runs.append(bits(net))
    assert len(set(runs)) == 1


def test_a_run_resumes_with_the_same_bits(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    stopped = network()
    train(stopped, 4, checkpoint=path, callbacks=[lambda report: report.epoch == 2])
    resumed = train(network(), 4, checkpoint=path, resume=True)
    assert bits(resumed) == bits(train(network(), 4)) != bits(stopped)


@pytest.mark.parametrize(("first", "second"), [(MIXED, None), (None, MIXED)])
def test_a_run_does_not_go_on_in_another_precision(first: str | None, second: str | None, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    train(network(precision=first), 1, checkpoint=path)
    with pytest.raises(ModelFileError, match="its dtype is"):
        train(network(precision=second), 2, checkpoint=path, resume=True)


def test_copies_and_files_train_on_alike(tmp_path: Path) -> None:
    net = trained()
    net.save(tmp_path / "net.safetensors")
    others = [copy.deepcopy(net), pickle.loads(pickle.dumps(net)), load(tmp_path / "net.safetensors")]
    assert [other.precision for other in others] == [MIXED] * 3
    assert len({bits(train(other)) for other in (net, *others)}) == 1


def test_several_networks_at_once_train_as_each_alone() -> None:
    nets = [network(), network(precision=None), network(seed=3)]
    train_many(nets, *data(), batch_size=32, epochs=2, lr=0.01, optimizer="adam", verbose=0)
    assert [bits(net) for net in nets] == [bits(trained(**each)) for each in ({}, {"precision": None}, {"seed": 3})]


def test_another_process_computes_the_same_bits() -> None:
    content = pickle.dumps((network(), *data()))
    ran = subprocess.run([sys.executable, "-c", SCRIPT], input=content, capture_output=True, check=True, timeout=120)
    assert ran.stdout == bits(trained())


def test_mixed_precision_changes_the_training_and_predictions_only_where_asked() -> None:
    mixed, plain = trained(), trained(precision=None)
    assert bits(mixed) != bits(plain)
    x, y = data()
    same = mixed.astype("float32", "float32")
    assert (same.precision, bits(same)) == ("float32", bits(mixed))
    for columns in (x, x[:, :1]):
        assert mixed.predict(columns).tobytes() == same.predict(columns).tobytes()
        rounded = mixed.predict(columns, precision=MIXED)
        assert rounded.tobytes() == same.predict(columns, precision=MIXED).tobytes()
        assert 0 < abs(rounded - mixed.predict(columns)).max() < 0.02
    assert mixed.evaluate(x, y) == same.evaluate(x, y)
    assert mixed.cost(x, y, override={"b1[0]": 0.0}) == same.cost(x, y, override={"b1[0]": 0.0})
    assert mixed.feedforward(x)[1][-1].tobytes() == mixed.predict(x, precision=MIXED).tobytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_gradient_check_says_what_it_checked_and_how_far_training_is_from_it(engine: str) -> None:
    net, (x, y) = trained(engine), data()
    report = gradient_check(net, x[:, :20], y[:20], training=True)
    assert report.ok
    assert set(report.roundings) == {f"d{name}" for name in net.parameters}
    assert 1e-4 < max(report.roundings.values()) < 0.05
    assert f"the gradients in {MIXED}" in str(report).replace("\n  ", " ")
    assert "bfloat16" not in str(gradient_check(net.astype("float32", "float32"), x[:, :20], y[:20]))


def test_the_engine_is_not_asked_for_emulation_by_a_float32_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EMULATE, "0")
    trained(precision=None)

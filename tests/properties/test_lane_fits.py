"""`glassnet.scale.fit` in this process: what it leaves in a network, also where something goes wrong."""

from __future__ import annotations

import copy
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet import DataError, DivergedError, ModelFileError, NeuralNetwork, ParameterError
from glassnet.scale import fit
from glassnet.scale.local import LocalRunner

FEATURES, CLASSES = 6, 3
OPTIONS: dict[str, Any] = {
    **{"client": False, "lanes": 2, "steps_per_round": 2, "batch_size": 10, "epochs": 4, "lr": 0.05, "verbose": 0},
    "optimizer": "adam",
}


@pytest.fixture(scope="module")
def samples() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(200, FEATURES)).astype(np.float32)
    return x, x[:, :CLASSES].argmax(axis=1).astype(np.int64)


def network(**options: Any) -> NeuralNetwork:
    cost = options.pop("cost", "categorical_cross_entropy")
    return NeuralNetwork([FEATURES, 8, CLASSES], ["tanh", "softmax"], cost, seed=5, **options)


class Interrupted:
    """Counts rounds, and raises an exception in the one with this number, in the place of the runner's own method."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, error: type[BaseException]) -> None:
        self.number, self.error, self.round, self.rounds = number, error, LocalRunner.round, 0
        interrupted = self

        def broken(runner: LocalRunner, tasks: Any, shared: Any) -> Any:
            interrupted.rounds += 1
            if interrupted.rounds == interrupted.number:
                raise interrupted.error("stop")
            return interrupted.round(runner, tasks, shared)

        monkeypatch.setattr(LocalRunner, "round", broken)


# Networks -------------------------------------------------------------------------------------------------------------


def test_a_network_is_left_as_train_leaves_it(samples: Any) -> None:
    net = network()
    history = fit(net, *samples, validation=0.2, **OPTIONS)
    assert net.history is history and net.runs == 1 and len(history) == 4
    assert history["cost"][-1] < history["cost"][0] and history["accuracy"][-1] > 0.6
    assert net.recent_samples is not None and net.diagnose() is not None
    assert history.lanes == {"lanes": 2, "steps_per_round": 2, **rate_settings(net)}


def rate_settings(net: NeuralNetwork) -> dict[str, float]:
    assert net.history is not None
    return {name: value for name, value in net.history.lanes.items() if name not in ("lanes", "steps_per_round")}


def test_settings_are_stored_in_the_model_file(samples: Any, tmp_path: Path) -> None:
    net = network()
    fit(net, *samples, **OPTIONS)
    net.save(tmp_path / "model")
    assert net.history is not None
    assert glassnet.load(tmp_path / "model").history.lanes == net.history.lanes != {}


def test_validation_is_the_cost_on_all_held_out_samples(samples: Any) -> None:
    """Summed over blocks, it is what the network computes on all of them at once; penalty included."""
    x, y = samples
    net = network(l2=0.01)
    history = fit(net, x[:150], y[:150], validation=[(x[150:170], y[150:170]), (x[170:], y[170:])], **OPTIONS)
    assert history[-1].validation_cost == pytest.approx(net.cost(x[150:].T, y[150:]), rel=1e-6)
    right = (net.predict(x[150:].T).argmax(axis=0) == y[150:]).mean()
    assert history[-1].accuracy == pytest.approx(right)


def test_patience_restores_the_best_weights(samples: Any) -> None:
    x, y = samples
    options = {**OPTIONS, "epochs": 60, "lr": 0.3}
    net = network()
    history = fit(net, x[:60], y[:60], validation=(x[60:], y[60:]), patience=3, **options)
    assert history.stopped == "no better validation cost for 3 epochs"
    best = int(np.argmin(history["validation_cost"])) + 1
    assert history.best_epoch == best == len(history) - 3
    assert net.cost(x[60:].T, y[60:]) == pytest.approx(history["validation_cost"].min(), rel=1e-6)


@pytest.mark.parametrize("metric", ["error", "rmse"])
def test_validation_metric(samples: Any, metric: str) -> None:
    x, y = samples
    one_hot = np.eye(CLASSES, dtype=np.float32)[y]
    net = network() if metric == "error" else network(cost="quadratic")
    targets = y if metric == "error" else one_hot
    history = fit(net, x[:150], targets[:150], validation=(x[150:], targets[150:]), validation_metric=metric, **OPTIONS)
    outputs = net.predict(x[150:].T).T
    expected = (outputs.argmax(axis=1) != y[150:]).mean() if metric == "error" else rms(outputs - one_hot[150:])
    assert history["validation_metric"][(history.best_epoch or 0) - 1] == pytest.approx(expected, rel=1e-5)


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.square(values.astype(np.float64)).mean()))


def test_sample_weights_count_as_rows(samples: Any) -> None:
    """Weights of 1 are as none, a factor on all of them changes nothing, and nothing is learnt of rows of weight 0."""
    x, y = samples
    plain, ones, fours, zeros = network(), network(), network(), network()
    fit(plain, x, y, **OPTIONS)
    fit(ones, x, y, sample_weight=np.ones(len(y)), **OPTIONS)
    fit(fours, x, y, sample_weight=np.full(len(y), 4.0), **OPTIONS)
    assert fours.parameters.vector.tobytes() == ones.parameters.vector.tobytes()
    np.testing.assert_allclose(ones.parameters.vector, plain.parameters.vector, rtol=1e-4, atol=1e-5)
    wrong, weights = np.where(np.arange(len(y)) < 60, (y + 1) % CLASSES, y), np.where(np.arange(len(y)) < 60, 0.0, 2.0)
    fit(zeros, x, wrong, sample_weight=weights, **{**OPTIONS, "epochs": 12})
    assert (zeros.predict(x.T).argmax(axis=0) == y).mean() > 0.85


def test_one_block_and_hundreds_of_tiny_ones(samples: Any) -> None:
    x, y = samples
    one, tiny = network(), network()
    history = fit(one, [(x, y)], **OPTIONS)
    assert any("cut" in note for note in history.warnings)
    x, y = np.tile(x, (3, 1)), np.tile(y, 3)
    history = fit(tiny, [(x[row : row + 2], y[row : row + 2]) for row in range(0, 600, 2)], **OPTIONS)
    assert any("300 small blocks joined" in note for note in history.warnings)
    assert history["cost"][-1] < history["cost"][0]


# What goes wrong ------------------------------------------------------------------------------------------------------


def test_divergence_names_lane_and_block_and_keeps_the_last_round(samples: Any) -> None:
    x, y = samples
    x = x.copy()
    x[150:] = np.float32(3e37)
    net = NeuralNetwork([FEATURES, 8, CLASSES], ["relu", "linear"], seed=5)
    y = np.eye(CLASSES)[y]
    halves = [(x[:100], y[:100]), (x[100:], y[100:])]
    with pytest.raises(DivergedError, match=r"lane 3, block 1 \(its rows 50 to 99\), at step"):
        fit(copy.deepcopy(net), halves, **{**OPTIONS, "optimizer": "sgd", "lanes": 4})
    blocks = [(x[first : first + 50], y[first : first + 50]) for first in range(0, 200, 50)]
    with pytest.raises(DivergedError, match=r"lane 1, block 3, at step \d+ of the lane .*before that round"):
        fit(net, blocks, **{**OPTIONS, "epochs": 60, "optimizer": "sgd"})
    assert np.isfinite(net.parameters.vector).all()
    assert net.history is not None and "diverged" in net.history.stopped


def test_a_bad_number_names_its_block(samples: Any) -> None:
    x, y = samples
    broken = x[100:].copy()
    broken[3, 2] = np.nan
    net = network()
    before = net.parameters.vector.copy()
    with pytest.raises(DataError, match="block 1"):
        fit(net, [(x[:100], y[:100]), (broken, y[100:])], **OPTIONS)
    assert net.history is None and net.parameters.vector.tobytes() == before.tobytes()


def test_ctrl_c_leaves_a_usable_network(samples: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net, threads = network(), threading.active_count()
    Interrupted(monkeypatch, 8, KeyboardInterrupt)
    history = fit(net, *samples, **OPTIONS)
    assert history.stopped == "interrupted" and len(history) == 1
    assert net.predict(samples[0].T).shape == (CLASSES, 200)
    assert threading.active_count() == threads


@pytest.mark.parametrize(("stopped_in", "error"), [(1, DataError), (9, KeyboardInterrupt), (16, DataError)])
def test_a_run_that_was_broken_off_goes_on_with_the_same_bits(
    samples: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_in: int, error: type[BaseException]
) -> None:
    whole, net, options = network(), network(), {**OPTIONS, "validation": 0.2, "patience": 9}
    fit(whole, *samples, **options)
    resumed = {"checkpoint": tmp_path / "run", "resume": True}
    with monkeypatch.context() as patched:
        Interrupted(patched, stopped_in, error)
        with pytest.raises(DataError, match="stop") if error is DataError else nullcontext():
            fit(net, *samples, checkpoint=resumed["checkpoint"], **options)
    fresh = network()
    with monkeypatch.context() as patched:
        counted = Interrupted(patched, 0, DataError)
        history = fit(fresh, *samples, **resumed, **options)
        assert counted.rounds == 4 * 4 - (stopped_in - 1)
    assert fresh.parameters.vector.tobytes() == whole.parameters.vector.tobytes()
    assert whole.history is not None
    np.testing.assert_array_equal(history["validation_cost"], whole.history["validation_cost"])
    with pytest.raises(ModelFileError, match="its lanes is"):
        fit(network(), *samples, **resumed, **{**options, "lanes": 3})


def test_a_checkpoint_changes_nothing(samples: Any, tmp_path: Path) -> None:
    with_file, without = network(), network()
    fit(with_file, *samples, checkpoint=tmp_path / "run", **OPTIONS)
    fit(without, *samples, **OPTIONS)
    assert with_file.parameters.vector.tobytes() == without.parameters.vector.tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lanes": 0}, "lanes is 0"),
        ({"lanes": 5000}, "at most 1,024"),
        ({"steps_per_round": 0}, "steps_per_round is 0"),
        ({"rate_factor": -1}, "rate_factor is -1"),
        ({"batchsize": 1}, "Did you mean 'batch_size'"),
        ({"patience": 2}, "patience needs validation data"),
        ({"validation": 1.5}, "between 0 and 1"),
        ({"validation": 0.2, "validation_metric": "rmse"}, "y are classes"),
        ({"resume": True}, "resume=True needs checkpoint"),
    ],
)
def test_arguments_that_are_refused(samples: Any, options: dict[str, Any], message: str) -> None:
    net = network()
    before = net.parameters.vector.copy()
    with pytest.raises(ParameterError, match=message):
        fit(net, *samples, **{**OPTIONS, **options})
    assert net.parameters.vector.tobytes() == before.tobytes() and net.runs == 0

"""The same numbers every time: interrupted and restored, in another process or thread, copied, pickled, saved."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from glassnet import BatchNorm, Dropout, NeuralNetwork, ParameterError, Report, Training
from glassnet.batches.sources import Sources
from glassnet.errors import ParameterTypeError
from glassnet.execution.executor import ENGINES
from glassnet.training.settings import checked_recipe

Array = np.ndarray[Any, Any]
engines = pytest.mark.parametrize("engine", ENGINES)
LAYERS = (3, 5, Dropout(0.4), 4, BatchNorm(), 2)
X, Y = np.random.default_rng(0).random((17, 3)), np.random.default_rng(1).random((17, 2))
WEIGHTS = np.random.default_rng(2).random(17) * (np.arange(17) % 4 > 0)
EPOCHS = 4


def network(engine: str, layers: Any = LAYERS, **rest: Any) -> NeuralNetwork:
    activations = ["tanh"] * (sum(isinstance(width, int) for width in layers) - 1)
    return NeuralNetwork(layers, activations, **{"seed": 5, "engine": engine, **rest})


def training(engine: str, optimizer: str, weights: Array | None = None, net: Any = None, **options: Any) -> Training:
    """A run of 4 epochs in batches of 3, or 2 at the end, with validation."""
    net = net or network(engine)
    options = {"optimizer": optimizer, "schedule": "cosine", "patience": 3, **options}
    recipe = checked_recipe(tuple(net.parameters.segments.values()), 3, EPOCHS, 0.1, options)
    return Training(net.model, Sources(X, Y, weights), recipe, lambda: (net.cost(X[:5].T, Y[:5].T), None))


def numbers(run: Training) -> tuple[Any, ...]:
    """Everything of a run but the clock."""
    state = run.state()
    arrays = {name: array.tobytes() for name, array in state.pop("arrays").items()}
    reports = [Report(*report)._replace(seconds=0) for report in state.pop("reports")]
    return arrays, reports, state


# ---- a run cut and restored


@engines
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
@settings(max_examples=6)
@given(steps=st.integers(0, 24), more=st.integers(0, 24))
def test_a_run_interrupted_at_any_step_and_restored_has_the_same_numbers(
    engine: str, optimizer: str, weights: Array | None, steps: int, more: int
) -> None:
    """The state is restored in the same run, in a new one, and in one that has made other steps."""
    uninterrupted = training(engine, optimizer, weights)
    uninterrupted.run()
    first = training(engine, optimizer, weights)
    first.run(steps=steps)
    state, hash_then = first.state(), first.hash()
    pickled = pickle.dumps(state)
    first.run(steps=more)
    hash_later = first.hash()
    fresh, other = training(engine, optimizer, weights), training(engine, optimizer, weights)
    other.run(steps=more)
    for run in (first, fresh, other):
        run.restore(state)
        assert run.hash() == hash_then
        run.run(steps=more)
        assert run.hash() == hash_later
        run.run()
        assert numbers(run) == numbers(uninterrupted) and run.hash() == uninterrupted.hash() and run.finished
    assert pickle.dumps(state) == pickled


@engines
@given(slices=st.lists(st.integers(1, 9), min_size=3, max_size=12))
@settings(max_examples=8)
def test_the_numbers_do_not_depend_on_how_many_steps_each_call_runs(engine: str, slices: list[int]) -> None:
    uninterrupted, sliced = training(engine, "momentum", WEIGHTS), training(engine, "momentum", WEIGHTS)
    uninterrupted.run()
    for steps in slices:
        sliced.run(steps=steps)
    sliced.run(epochs=1)
    sliced.run()
    assert numbers(sliced) == numbers(uninterrupted)


@engines
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
def test_sparse_rows_in_the_orders_of_the_seed(engine: str, weights: Array | None, monkeypatch: Any) -> None:
    """Slices of 7 rows, two batches each: the orders and the numbers are those of the dense x."""
    monkeypatch.setattr("glassnet.execution.sparse_executor.SLICE_BYTES", 8 * 3 * 7)
    x, results = np.where(X > 0.4, X, 0), []
    for form in (np.asarray, sparse.csr_array):
        net = network(engine)
        recipe = checked_recipe(tuple(net.parameters.segments.values()), 3, EPOCHS, 0.1, {"optimizer": "adam"})
        run = Training(net.model, Sources(form(x), Y, weights), recipe)
        run.run()
        run.feed(run.plan, Sources(form(x[::-1]), Y, weights))
        run.run(epochs=1)
        results.append(numbers(run))
    assert results[0] == results[1]


def test_every_number_of_a_run_is_in_its_hash() -> None:
    def changed(name: str) -> str:
        run = training("numpy", "adam")
        run.run(steps=8)
        state = run.state()
        if name in state["arrays"]:
            state["arrays"][name][0] += 1
        elif name:
            state[name] += 1
        run.restore(state)
        return run.hash()

    run = training("numpy", "adam")
    run.run(steps=8)
    names = ["", *run.state()["arrays"], "epoch", "batch", "step", "cost_sum", "weight_sum", "best_cost", "waited"]
    assert {"parameters", "statistics", "state0", "state1", "best_parameters"} <= set(names)
    hashes = [changed(name) for name in names]
    assert hashes[0] == run.hash() and len(set(hashes)) == len(hashes)


def test_a_state_of_another_network_or_optimizer_is_refused() -> None:
    run = training("numpy", "adam")
    before = run.hash()
    other = training("numpy", "adam", net=network("numpy", (3, 70, 2)))
    for state in (other.state(), training("numpy", "sgd").state()):
        with pytest.raises(ParameterError, match="belongs to another network or optimiser"):
            run.restore(state)
        assert run.hash() == before


@pytest.mark.parametrize("state", [3, None, {}, {"arrays": 3}])
def test_values_that_are_not_states_are_refused(state: object) -> None:
    run = training("numpy", "adam")
    before = run.hash()
    with pytest.raises(ParameterTypeError, match=r"pass what state\(\) of this run returned"):
        run.restore(state)
    assert run.hash() == before


def test_a_state_is_a_copy() -> None:
    run = training("numpy", "adam")
    run.run(steps=7)
    state, before = run.state(), run.hash()
    for array in state["arrays"].values():
        array[...] = 0
    assert run.hash() == before
    state = run.state()
    run.restore(state)
    for array in state["arrays"].values():
        array[...] = 0
    assert run.hash() == before


# ---- other processes and threads, other seeds

PROCESS = """
import hashlib
import numpy as np
from glassnet import BatchNorm, Dropout, NeuralNetwork
x = np.random.default_rng(0).standard_normal((8, 300))
for layers, activations, cost, run in (
    ((8, 30, 1), None, "quadratic", {"lr": 0.5}),
    ((8, 30, Dropout(0.3), 20, 3), ["relu", "relu", "softmax"], "categorical_cross_entropy", {"optimizer": "adam"}),
    ((8, 20, BatchNorm(), 1), ["gelu", "linear"], "huber", {"optimizer": "nesterov", "clip_norm": 0.5}),
):
    net = NeuralNetwork(layers, activations, cost, seed=11, dtype="float64" if cost == "huber" else "float32")
    net.train(x, np.arange(300) % 3 if layers[-1] == 3 else x[:1], 32, 5, **{"lr": 0.01, **run})
    print(hashlib.sha256(net.parameters.vector).hexdigest(), hashlib.sha256(net.statistics.vector).hexdigest())
"""


def test_five_processes_give_the_same_sha256() -> None:
    """Whatever the hash seed and the number of threads that libraries may use."""

    def run(number: int) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": str(number), "OMP_NUM_THREADS": str(1 + number % 2)}
        command = [sys.executable, "-W", "error", "-c", PROCESS]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120).stdout

    with ThreadPoolExecutor(2) as pool:
        outputs = list(pool.map(run, range(5)))
    lines = outputs[0].splitlines()
    assert len(set(outputs)) == 1 and len(lines) == 3 and len({line.split()[0] for line in lines}) == 3


@engines
def test_a_drawn_seed_is_recorded_and_reproduces(engine: str) -> None:
    first = network(engine, seed=None)
    second = network(engine, seed=first.seed)
    assert isinstance(first.seed, int) and network(engine, seed=None).seed != first.seed
    assert first.parameters.vector.tobytes() == second.parameters.vector.tobytes()
    for net in (first, second):
        net.train(X.T, Y.T, 3, 3, 0.1)
    assert first.parameters.vector.tobytes() == second.parameters.vector.tobytes() and str(first.seed) in repr(first)


@engines
def test_other_seeds_give_other_weights_orders_and_masks(engine: str) -> None:
    first, second = network(engine, seed=1), network(engine, seed=2)
    assert not np.isclose(first.weights[0], second.weights[0]).any()
    second.parameters.vector[:] = first.parameters.vector
    assert np.array_equal(first.predict(X.T), second.predict(X.T))
    masked = [net.feedforward(X.T, training=True)[0][-1] for net in (first, second)]
    assert not np.allclose(*masked, rtol=1e-4)
    plain = [network(engine, (3, 4, 2), seed=seed) for seed in (1, 2)]
    plain[1].parameters.vector[:] = plain[0].parameters.vector
    for net in plain:
        net.train(X.T, Y.T, 3, 2, 0.5)
    assert not np.allclose(plain[0].parameters.vector, plain[1].parameters.vector, rtol=1e-4)


@engines
def test_trainings_in_threads_equal_trainings_one_by_one(engine: str) -> None:
    def train(seed: int) -> bytes:
        net = network(engine, seed=seed)
        net.train(X.T, Y.T, 3, 25, 0.1, optimizer="adam", sample_weight=WEIGHTS, validation=0.2)
        return net.parameters.vector.tobytes() + net.predict(X.T).tobytes()

    one_by_one = [train(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(train, range(4))) == one_by_one


@engines
def test_a_network_predicts_in_many_threads_at_once(engine: str) -> None:
    net = network(engine)
    parts = [np.random.default_rng(seed).random((3, 1 + 97 * seed)) for seed in range(6)]
    one_by_one = [net.predict(part).tobytes() for part in parts]
    with ThreadPoolExecutor(6) as pool:
        assert [array.tobytes() for array in pool.map(net.predict, parts * 5)] == one_by_one * 5


@engines
def test_two_runs_of_one_network_wait_for_each_other(engine: str) -> None:
    def both(pool: Any) -> tuple[bytes, int]:
        net = network(engine)
        list(pool.map(lambda _: net.train(X.T, Y.T, 3, 10, 0.1), range(2)))
        return net.parameters.vector.tobytes(), net.runs

    with ThreadPoolExecutor(2) as two, ThreadPoolExecutor(1) as one:
        assert both(two) == both(one)


# ---- copies


def saved(net: NeuralNetwork, tmp_path: Path) -> NeuralNetwork:
    net.save(tmp_path / "m")
    return NeuralNetwork.load(tmp_path / "m", engine=net.engine)


COPIES: dict[str, Callable[[NeuralNetwork, Path], NeuralNetwork]] = {
    "copy": lambda net, path: copy.copy(net),
    "deepcopy": lambda net, path: copy.deepcopy(net),
    "pickle": lambda net, path: pickle.loads(pickle.dumps(net)),
    "save and load": saved,
    "astype": lambda net, path: net.astype(net.dtype),
}


@engines
@pytest.mark.parametrize("method", COPIES)
def test_a_copy_has_the_same_numbers_in_memory_of_its_own(method: str, engine: str, tmp_path: Path) -> None:
    net = network(engine)
    net.train(X.T, Y.T, 3, 2, 0.1)
    twin = COPIES[method](net, tmp_path)
    assert repr(twin) == repr(net) and twin.runs == net.runs == 1 and twin.engine == engine
    for mine, own in ((net.parameters, twin.parameters), (net.statistics, twin.statistics)):
        assert own.vector.tobytes() == mine.vector.tobytes() and own.vector.ctypes.data % 64 == 0
        assert not np.shares_memory(own.vector, mine.vector) and np.shares_memory(own.vector, own[next(iter(own))])
    before = net.parameters.vector.tobytes()
    twin.weights[0][...] = 1
    assert net.parameters.vector.tobytes() == before
    twin.weights = list(net.weights)
    for each in (net, twin):
        each.train(X.T, Y.T, 3, 2, 0.1, optimizer="adam")
    assert twin.parameters.vector.tobytes() == net.parameters.vector.tobytes()
    assert np.array_equal(twin.predict(X.T), net.predict(X.T))


# ---- the vector


@engines
def test_the_vector_never_moves(engine: str) -> None:
    net = network(engine)
    vectors = (net.parameters.vector, net.statistics.vector)
    addresses = [vector.ctypes.data for vector in vectors]
    assert all(address % 64 == 0 for address in addresses)
    run = training(engine, "adam", net=net)
    run.run(steps=9)
    state = run.state()
    net.train(X.T, Y.T, 3, 9, 0.5, validation=(X.T, 1 - Y.T), patience=2)
    run.restore(state)
    net.weights, net.biases = list(net.weights), list(net.biases)
    net.initialize()
    assert net.parameters.vector is vectors[0] and net.statistics.vector is vectors[1]
    assert [vector.ctypes.data for vector in vectors] == addresses


@engines
def test_views_write_through(engine: str) -> None:
    net = network(engine)
    view, bias = net.weights[1], net.biases[0]
    net.train(X.T, Y.T, 3, 1, 0.1)
    assert np.array_equal(view, net.weights[1]) and np.shares_memory(view, net.parameters.vector)
    before = net.predict(X.T)
    view[0, 2] += 1
    bias[3] -= 1
    assert net.parameters["w2"][0, 2] == view[0, 2] and net.parameters["b1"][3, 0] == bias[3, 0]
    assert not np.allclose(net.predict(X.T), before)
    net.weights[1] = np.zeros((4, 5))
    net.biases = [np.full((width, 1), 7) for width in (5, 4, 2)]
    assert not view.any() and (bias == 7).all()
    w = [np.full(array.shape, 0.25) for array in net.weights]
    net.weights = w
    w[0][...] = 9
    assert (net.weights[0] == 0.25).all()


def test_the_padding_stays_zero() -> None:
    for engine in ENGINES:
        net = network(engine, l1=0.1, l2=0.1)
        run = training(engine, "adamw", net=net, clip_norm=1.0, clip_value=0.1)
        run.run()
        used = np.zeros(len(net.parameters.vector), bool)
        for name, segment in net.parameters.segments.items():
            used[net.parameters.offsets[name] :][: segment.size] = True
        assert used.sum() == net.parameters.count
        for vector in (run.vectors.parameters, run.vectors.gradients, *run.vectors.states):
            assert not vector.vector[~used].any()

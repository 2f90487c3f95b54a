"""Runs of PyTorch and scikit-learn in float64, frozen with their weights and data, give the same numbers here.

The peers need not be installed: freeze_pytorch.py and freeze_sklearn.py wrote the files; a marked test repeats them.
"""

from __future__ import annotations

import importlib
import json
from typing import Any

import numpy as np
import pytest

from glassnet.execution.executor import ENGINES
from glassnet.tables.optimizers import OPTIMIZERS

from .frozen import Frozen, difference, networks, read

PEERS = ("pytorch", "sklearn")
TOLERANCE = 1e-11  # small enough to detect an epsilon of 1e-8 in a different position
RUNS = [(peer, name, run) for peer in PEERS for name, about in networks(peer) for run in about["runs"]]
NETWORKS = [name for name, _ in networks("pytorch")]
BATCH_MOMENTUM = 0.9


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("peer", "name", "run"), RUNS)
def test_fifty_steps_end_at_the_same_parameters(peer: str, name: str, run: str, engine: str) -> None:
    frozen = Frozen(peer, name)
    expected = frozen.numbers(run)
    network = frozen.trained(run, engine)
    assert set(network.parameters) <= set(expected)
    assert difference(network.parameters, {key: expected[key] for key in network.parameters}) < TOLERANCE
    means = {key: expected[key] for key in network.statistics if key.endswith("mean")}
    assert not means or difference(network.statistics, means) < TOLERANCE


@pytest.mark.parametrize(("peer", "name", "run"), RUNS)
def test_a_frozen_run_changes_every_parameter_considerably(peer: str, name: str, run: str) -> None:
    """Otherwise it would prove little. A bias before batch normalisation has no gradient."""
    frozen = Frozen(peer, name)
    end = frozen.numbers(run)
    for key, start in frozen.numbers("start").items():
        if (name, key) != ("batch_norm", "b1"):
            assert np.abs(end[key] - start).max() > 1e-3, key


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NETWORKS)
def test_one_pass_gives_the_same_outputs_and_cost(name: str, engine: str) -> None:
    frozen = Frozen("pytorch", name)
    network, sources = frozen.network(engine), frozen.sources()
    _, a_s = network.feedforward(sources.x.T, training=True)
    assert np.abs(a_s[-1].T - frozen.arrays["outputs"]).max() < TOLERANCE
    training = frozen.training(network, {"optimizer": "sgd", "lr": 1.0}, len(sources.x))
    (report,) = training.run(epochs=1)
    assert report.cost == pytest.approx(float(frozen.arrays["cost"]), rel=TOLERANCE)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NETWORKS)
def test_one_pass_gives_the_same_gradients_and_statistics(name: str, engine: str) -> None:
    """The gradient is the change of one step of SGD with the rate 1.

    PyTorch updates its running variance with Σ(z − μ)²/(m − 1), glassnet with the biased variance.
    """
    frozen = Frozen("pytorch", name)
    network, expected = frozen.network(engine), frozen.numbers("gradient")
    samples = len(frozen.sources().x)
    before = {key: values.copy() for key, values in network.parameters.items()}
    frozen.training(network, {"optimizer": "sgd", "lr": 1.0}, samples).run(steps=1)
    gradient = {key: before[key] - values for key, values in network.parameters.items()}
    assert max(float(np.abs(gradient[key] - expected[key]).max()) for key in gradient) < TOLERANCE
    for key, values in network.statistics.items():
        target = expected[key]
        if key.endswith("variance"):
            target = BATCH_MOMENTUM + (target - BATCH_MOMENTUM) * (samples - 1) / samples
        np.testing.assert_allclose(values, target, rtol=TOLERANCE)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_a_frozen_run(name: str) -> None:
    """A new optimiser needs one: add it to freeze_pytorch.py, since PyTorch's variants are the best known."""
    assert any(name == run["optimizer"] for _, about in networks("pytorch") for run in about["runs"].values())


@pytest.mark.peer
@pytest.mark.parametrize("peer", PEERS)
def test_the_installed_peer_still_gives_the_frozen_numbers(peer: str) -> None:
    script: Any = importlib.import_module(f".freeze_{peer}", __package__)
    with np.errstate(all="warn"):
        recomputed = script.frozen()
    settings, arrays = read(peer)
    assert settings["networks"] == json.loads(str(recomputed.pop("settings")))["networks"]
    assert recomputed.keys() == arrays.keys()
    for name, values in arrays.items():
        np.testing.assert_allclose(recomputed[name], values, rtol=1e-10, atol=1e-13, err_msg=name)

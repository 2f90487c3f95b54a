"""Each sample's part in the gradients: exactly the norm of its own gradient, and which labels are suspicious."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import Dropout, NeuralNetwork
from glassnet.data.idx import read_idx
from glassnet.execution.executor import ENGINES
from glassnet.execution.prediction import MAX_BLOCK, block_size


@pytest.mark.parametrize("engine", ENGINES)
def test_a_samples_part_is_the_norm_of_its_own_gradient(engine: str) -> None:
    layers: Any = [3, 6, Dropout(0.5), 4, 2]
    net = NeuralNetwork(layers, ["tanh", "relu", "sigmoid"], seed=1, dtype="float64", engine=engine)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((3, MAX_BLOCK + 5)), rng.random((2, MAX_BLOCK + 5))
    size = block_size(net, MAX_BLOCK + 5)
    assert size < MAX_BLOCK  # there are two blocks
    credit = net.credit(x, y)
    for sample in (0, 7, size - 1, size, MAX_BLOCK + 4):
        one = slice(sample, sample + 1)
        dw, _ = net.backpropagation(y[:, one], *net.feedforward(x[:, one]))
        np.testing.assert_allclose(credit.norms[:, sample], [np.linalg.norm(w) for w in dw], rtol=1e-12)
        assert credit.costs[sample] == pytest.approx(net.cost(x[:, one], y[:, one]))
    np.testing.assert_allclose(credit.shares.sum(axis=1), 1)
    assert credit.gradient_norms[credit.largest(3)].tolist() == sorted(credit.gradient_norms)[::-1][:3]
    assert credit.costs[credit.suspicious(3)].tolist() == sorted(credit.costs)[::-1][:3]
    assert credit.labels is None and "the ten with the largest gradients" in str(credit)


def test_wrong_labels_are_suspicious_and_right_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    x = np.stack([4.0 * y - 2, np.zeros(400)]) + rng.standard_normal((2, 400))
    wrong = y.copy()
    wrong[[11, 222]] ^= 1
    x[:, [11, 222]] = np.array([[4.0 * y[11] - 2, 4.0 * y[222] - 2], [0, 0]])
    for layers, activation, cost, targets in (
        ([2, 8, 2], "softmax", "categorical_cross_entropy", wrong),
        ([2, 8, 1], "sigmoid", "binary_cross_entropy", wrong[np.newaxis].astype(float)),
    ):
        net = NeuralNetwork(layers, ["tanh", activation], cost=cost, seed=0)
        net.train(x, targets, 16, 20, 0.01, optimizer="adam")
        credit = net.credit(x, targets)
        assert {11, 222} <= set(credit.suspicious(40).tolist())
        assert (credit.predicted[credit.suspicious(40)] != credit.labels[credit.suspicious(40)]).all()
        assert "labelled" in str(credit)


@pytest.mark.data
def test_flipped_labels_of_mnist_rank_highest(shared: Path) -> None:
    """5 % of 60,000 labels changed to another class; 3 epochs; then the 5 % of the samples that rank highest."""
    folder = shared / "mnist"
    x = read_idx(folder / "train-images-idx3-ubyte.gz").reshape(60000, 784).astype(np.float32) / 255
    labels = read_idx(folder / "train-labels-idx1-ubyte.gz").astype(np.int64)
    rng = np.random.default_rng(0)
    flipped = rng.choice(60000, 3000, replace=False)
    labels[flipped] = (labels[flipped] + rng.integers(1, 10, 3000)) % 10
    net = NeuralNetwork([784, 128, 10], ["relu", "softmax"], cost="categorical_cross_entropy", seed=0)
    net.train(x.T, labels, 64, 3, 0.001, optimizer="adam")
    credit = net.credit(x.T, labels)
    assert np.isin(credit.suspicious(3000), flipped).mean() > 0.9
    assert np.isin(credit.largest(3000), flipped).mean() > 0.8

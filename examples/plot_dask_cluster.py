"""
A network trained on a Dask cluster
===================================

The rows lie in twelve blocks. Four *lanes* train on them at the same time and are averaged after each round. Lanes and
blocks define the result; who computes a lane does not, so that two workers give the same bits as this process alone.

``LocalCluster`` starts a small cluster inside this process; the client of a real one is
``Client("scheduler:8786")``. :doc:`/scale` says when a cluster pays off.
"""

import warnings

import numpy as np
from dask.distributed import LocalCluster

from glassnet import NeuralNetwork, plot_predictions, plot_training
from glassnet.scale import fit

rng = np.random.default_rng(0)
blocks = []
for _ in range(12):
    x = rng.uniform(-3, 3, size=(500, 2)).astype(np.float32)  # in blocks, samples are rows
    blocks.append((x, (np.sin(2 * x[:, 0]) > x[:, 1]).astype(int)))


def trained(client):
    """A network that was trained in four lanes, and its history."""
    net = NeuralNetwork([2, 32, 2], ["tanh", "softmax"], "categorical_cross_entropy", seed=0)
    options = {"lanes": 4, "epochs": 15, "batch_size": 25, "lr": 0.01, "optimizer": "adam", "validation": 0.1}
    return net, fit(net, blocks, client=client, verbose=0, **options)


warnings.filterwarnings("ignore", "one process would be faster")  # it would: this network is small
with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
    net, history = trained(cluster.get_client())
print(history)
print(history.lanes)

# %%
# The same training without a cluster:
alone, _ = trained(client=False)
same = all(np.array_equal(mine, theirs) for mine, theirs in zip(net.weights, alone.weights, strict=True))
print(f"the same weights, bit for bit: {same}")
axes = plot_training(history)

# %%
# The boundary that it has learnt, on the rows of one block:
x, labels = blocks[0]
axes = plot_predictions(net, x.T, labels)

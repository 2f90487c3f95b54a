"""
One network, trained in lanes
=============================

Rows lie in twelve blocks, as on a cluster. Four lanes train on them at the same time and are averaged after each round.
``client=False`` computes the lanes in this process; a Dask client gives the same bits (see :doc:`/scale`).
"""

import numpy as np

from glassnet import NeuralNetwork, plot_training
from glassnet.scale import fit

rng = np.random.default_rng(0)
blocks = []
for _ in range(12):
    x = rng.normal(size=(500, 3)).astype(np.float32)  # in blocks, samples are rows
    blocks.append((x, np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:]))
net = NeuralNetwork([3, 32, 1], ["tanh", "linear"], seed=0)
history = fit(net, blocks, client=False, lanes=4, epochs=30, batch_size=25, lr=0.02, validation=0.1, verbose=0)
print(history)
print(history.lanes)

# %%
axes = plot_training(history)

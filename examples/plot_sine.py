"""
A sine curve
============

A hundred sigmoids and a linear output learn sin(x) from 200 samples. A sigmoid output could not: its values lie
between 0 and 1, and half of the curve does not.
"""

import numpy as np

from glassnet import NeuralNetwork, plot_predictions

rng = np.random.default_rng(0)
x = rng.uniform(0, 2 * np.pi, (1, 200))  # samples are columns
y = np.sin(x)
net = NeuralNetwork([1, 100, 1], ["sigmoid", "linear"], seed=0)
history = net.train(x, y, batch_size=20, epochs=1000, optimizer="adam", lr=0.01)
print(net.evaluate(x, y))

# %%
axes = plot_predictions(net, x, y)

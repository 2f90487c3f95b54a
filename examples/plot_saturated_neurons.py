"""
Saturated neurons
=================

A weight that is far too large drives z to where the sigmoid is flat. The error arrives at the neuron, but the
slope is nearly 0, so almost nothing of it reaches the weights: the neuron hardly learns.
"""

import numpy as np

from glassnet import NeuralNetwork, plot_saturation

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (2, 300))  # samples are columns
y = (x[:1] * x[1:] > 0).astype(float)
net = NeuralNetwork([2, 12, 1], ["sigmoid", "sigmoid"], "binary_cross_entropy", seed=3)
net.weights[0] = 40 * net.weights[0]
trace = net.trace(x, y)
slope = trace["a1"] * (1 - trace["a1"])
print(f"σ' of the hidden neurons: median {np.median(slope):.1e}, of at most 0.25")

# %%
# After the training, two thirds of the outputs of the hidden layer are still saturated.
history = net.train(x, y, batch_size=30, epochs=30, lr=0.5, verbose=0)
axes = plot_saturation(history)

# %%
print(net.diagnose(x, y))

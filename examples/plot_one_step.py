"""
One step, explained
===================

A training step on one sample, with its numbers: forward, the error δ of each layer, the gradients, and what the step
changes. The slope that ∂C/∂W promises is then measured by experiment.
"""

import numpy as np

from glassnet import NeuralNetwork, plot_network

net = NeuralNetwork([2, 2, 1], ["sigmoid", "sigmoid"], dtype="float64", seed=0)
net.weights = [[[0.5, -0.4], [3.0, 1.0]], [[0.8, -1.2]]]
net.biases = [[[0.1], [2.0]], [[0.2]]]
x, y = np.array([[1.0], [0.0]]), np.array([[1.0]])
print(net.explain_step(x, y, lr=0.5))

# %%
# δ1 of the first hidden neuron says how far C moves when its z moves. So move it:
print(net.nudge(x, y, "z1[0,0]"))

# %%
# Each neuron has the colour of its δ; dashed lines are negative weights.
axes = plot_network(net, x, y)

"""
An activation and a cost of your own
====================================

Both are formulas in NumPy's functions, written once. They are checked against central differences, printed in the
program, and compiled like all others.
"""

import numpy as np

from glassnet import NeuralNetwork, custom_activation, custom_cost, gradient_check, plot_predictions

bent = custom_activation("bent", lambda z: z + (np.sqrt(z * z + 1) - 1) / 2, lambda z: 1 + z / (2 * np.sqrt(z * z + 1)))


def log_cosh(a, y):
    """The logarithm of cosh(a − y), up to a constant and without overflow."""
    return np.abs(a - y) + np.log1p(np.exp(-2 * np.abs(a - y)))


cost = custom_cost("log_cosh", log_cosh, lambda a, y: np.tanh(a - y))

rng = np.random.default_rng(1)
x = rng.uniform(-3, 3, (1, 200))  # samples are columns
y = np.sin(2 * x) + 0.1 * rng.standard_t(1.5, x.shape)  # some points are far off; this cost limits their influence
net = NeuralNetwork([1, 30, 30, 1], [bent, bent, "linear"], cost, seed=0)
print(net.program)
print(gradient_check(net, x, y))

# %%
net.train(x, y, batch_size=20, epochs=600, lr=0.003, optimizer="adam", verbose=0)
axes = plot_predictions(net, x, y)
_ = axes.set_ylim(-2, 2)

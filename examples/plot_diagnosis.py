"""
A diagnosis that changes a model
================================

A learning rate that is much too small looks like a task that cannot be learnt. ``diagnose`` says which it is, with the
evidence and one change to try; the change is made, and the cost falls.
"""

import matplotlib.pyplot as plt
import numpy as np

from glassnet import NeuralNetwork

rng = np.random.default_rng(0)
x = rng.normal(size=(5, 600))  # samples are columns
y = np.sin(2 * x[:1]) * x[1:2]
slow = NeuralNetwork([5, 40, 1], ["tanh", "linear"], seed=0)
before = slow.train(x, y, batch_size=20, epochs=40, lr=1e-5, optimizer="adam", verbose=0)
print(slow.diagnose(x, y))

# %%
# What it advises:
better = NeuralNetwork([5, 40, 1], ["tanh", "linear"], seed=0)
after = better.train(x, y, batch_size=20, epochs=40, lr=1e-2, optimizer="adam", verbose=0)
print(better.diagnose(x, y))
figure, axes = plt.subplots(layout="constrained")
axes.semilogy(before["epoch"], before["cost"], label="lr 0.00001")
axes.semilogy(after["epoch"], after["cost"], label="lr 0.01")
axes.set(xlabel="epoch", ylabel="cost")
_ = axes.legend()

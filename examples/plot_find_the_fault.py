"""
A wrong backpropagation, named
==============================

Two backpropagations as people write them, each with one mistake that raises no error. ``check_backprop`` compares them
with the right equations and says which equation is wrong, and how.
"""

import matplotlib.pyplot as plt
import numpy as np

from glassnet import check_backprop


def sigmoid(z):
    """The activation of all layers."""
    return 1 / (1 + np.exp(-z))


def without_the_slope(weights, biases, x, y):
    """BP2 without σ'(z): the error arrives, but no gate lets only a part of it through."""
    a = [x]
    for w, b in zip(weights, biases, strict=True):
        a.append(sigmoid(w @ a[-1] + b))
    delta, dw, db = (a[-1] - y) * a[-1] * (1 - a[-1]), [], []
    for layer in reversed(range(len(weights))):
        dw.insert(0, delta @ a[layer].T / x.shape[1])
        db.insert(0, delta.mean(axis=1, keepdims=True))
        delta = weights[layer].T @ delta
    return dw, db


def with_the_wrong_sign(weights, biases, x, y):
    """The gradient of everything, turned round: y − a instead of a − y."""
    dw, db = without_the_slope(weights[-1:], biases[-1:], x, y)
    return [-each for each in dw], [-each for each in db]


for mine, layers in ((without_the_slope, [2, 10, 1]), (with_the_wrong_sign, [3, 1])):
    print(f"{mine.__name__}: {check_backprop(mine, layers)}")

# %%
# The slope that is missing is at most ¼, and nearly 0 where a neuron is saturated: that is how wrong the errors are.
z = np.linspace(-6, 6, 200)
figure, axes = plt.subplots(layout="constrained")
axes.plot(z, sigmoid(z), label="σ(z)")
axes.plot(z, sigmoid(z) * (1 - sigmoid(z)), "--", label="σ'(z), the gate")
axes.set(xlabel="z", title="What BP2 multiplies the arriving error by")
_ = axes.legend()

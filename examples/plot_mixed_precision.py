"""
Mixed precision
===============

With ``precision="mixed_bfloat16"`` the products of a step read operands that are rounded to bfloat16, which has 8
significant bits, and add in float32. Everything else stays float32: the parameters, their updates and the cost. Here
the equations are computed by NumPy, which needs no special processor.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from glassnet import NeuralNetwork

digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.target))
x, labels = digits.data[order].T / 16, digits.target[order]
train, test = slice(None, 1300), slice(1300, None)


def trained(precision: str) -> NeuralNetwork:
    """A network for the digits that was trained with one precision."""
    layers, activations = [64, 32, 10], ["relu", "softmax"]
    net = NeuralNetwork(layers, activations, "categorical_cross_entropy", seed=0, engine="numpy", precision=precision)
    net.train(x[:, train], labels[train], batch_size=32, epochs=20, lr=0.003, optimizer="adam", verbose=0)
    return net


networks = {precision: trained(precision) for precision in ("float32", "mixed_bfloat16")}
for precision, net in networks.items():
    accuracy = np.mean(net.predict(x[:, test]).argmax(axis=0) == labels[test])
    print(f"{precision}: {accuracy:.1%} of the test images are read correctly")

# %%
# The program says what is rounded:
print(networks["mixed_bfloat16"].program)

# %%
# Each product knows its operands to two or three digits only, and still the costs of the two runs nearly agree:
figure, (both, apart) = plt.subplots(1, 2, figsize=(8, 3.5), layout="constrained")
costs = {precision: np.array(net.history["cost"]) for precision, net in networks.items()}
for style, (precision, cost) in zip(("-", "--"), costs.items(), strict=True):
    both.semilogy(np.arange(1, 21), cost, style, label=precision)
both.legend()
both.set(xlabel="epoch", ylabel="cost", title="Training on the digits")
apart.plot(np.arange(1, 21), 100 * (costs["mixed_bfloat16"] / costs["float32"] - 1), "o-")
_ = apart.set(xlabel="epoch", ylabel="%", title="Relative difference of the costs")

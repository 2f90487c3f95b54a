"""
Why gradients vanish, and what helps
====================================

Eight hidden layers of sigmoids: going back, each layer multiplies the error by a slope of at most ¼. With relu and He's
initial weights, the error keeps its size. The picture shows δ and the gradient of each layer in the first steps.
"""

import matplotlib.pyplot as plt
import numpy as np

from glassnet import NeuralNetwork

rng = np.random.default_rng(0)
x = rng.normal(size=(10, 500))  # samples are columns
y = np.sin(x[:1]) + x[1:2] * x[2:3]
figure, axes = plt.subplots(layout="constrained")
for activation, marker in (("sigmoid", "o"), ("tanh", "s"), ("relu", "^")):
    net = NeuralNetwork([10, *[20] * 8, 1], [*[activation] * 8, "linear"], seed=0)
    trace = net.trace(x, y)
    sizes = [np.sqrt(np.mean(trace[f"δ{layer}"] ** 2)) for layer in range(1, 10)]
    print(f"{activation:8} δ of the first layer is {sizes[0] / sizes[-1]:.1e} times that of the last")
    axes.semilogy(range(1, 10), sizes, marker=marker, label=activation)
axes.set(xlabel="layer", ylabel="root mean square of δ", title="The error on its way back")
_ = axes.legend()

# %%
# The diagnosis names the cause, the equation behind it and one change to try.
deep = NeuralNetwork([10, *[20] * 8, 1], [*["sigmoid"] * 8, "linear"], seed=0)
deep.train(x, y, batch_size=20, epochs=5, lr=0.1, verbose=0)
print(deep.diagnose(x, y))

"""
Out to C, and back from a file
==============================

``to_source`` writes a network as C that needs nothing else: a compiler and a program that calls ``predict`` are all it
takes. Its beginning is shown here. The model file, read again, gives the same bits.
"""

import tempfile
from pathlib import Path

import numpy as np

import glassnet
from glassnet import NeuralNetwork, plot_network, to_source

rng = np.random.default_rng(0)
x = rng.normal(size=(2, 200))  # samples are columns
y = (x[:1] ** 2 + x[1:] ** 2 < 1).astype(float)
net = NeuralNetwork([2, 3, 1], ["tanh", "sigmoid"], "binary_cross_entropy", seed=0)
net.train(x, y, batch_size=20, epochs=200, lr=0.05, optimizer="adam", verbose=0)
folder = Path(tempfile.mkdtemp())
print("\n".join(to_source(net, "c").splitlines()[:24]))

# %%
net.save(folder / "net.safetensors")
again = glassnet.load(folder / "net.safetensors")
print(np.array_equal(again.predict(x), net.predict(x)))
axes = plot_network(net, x, y)

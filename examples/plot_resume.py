"""
Resumed after it was killed
===========================

A run writes a checkpoint after each epoch. It is killed in the middle; a new process continues from the file and
ends with the same bits as a run that was never stopped.
"""

import tempfile
from pathlib import Path

import numpy as np

from glassnet import NeuralNetwork, plot_training

rng = np.random.default_rng(0)
x = rng.normal(size=(3, 300))  # samples are columns
y = np.sin(x.sum(axis=0, keepdims=True))
settings = {"batch_size": 20, "epochs": 30, "lr": 0.01, "optimizer": "adam", "verbose": 0}


def network():
    """The same network each time: its seed is part of it."""
    return NeuralNetwork([3, 20, 1], ["tanh", "linear"], seed=7)


whole = network()
whole.train(x, y, **settings)
checkpoint = Path(tempfile.mkdtemp()) / "run.checkpoint"
network().train(x, y, **settings, checkpoint=checkpoint, callbacks=[lambda report: report.epoch == 11])
print(f"ended after epoch 11; the checkpoint has {checkpoint.stat().st_size:,} bytes")

# %%
resumed = network()
history = resumed.train(x, y, **settings, checkpoint=checkpoint, resume=True)
print(f"equal bits: {np.array_equal(resumed.parameters.vector, whole.parameters.vector)}")
axes = plot_training(history)

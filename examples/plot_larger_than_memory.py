"""
A file that is read block by block
==================================

``train`` takes the name of a file instead of arrays. It is read in blocks in random order, so that its size does not
matter, and learns what it would learn from the same blocks in memory.
"""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from glassnet import NeuralNetwork, plot_training

rng = np.random.default_rng(0)
rows = 20_000
table = {name: rng.normal(size=rows).astype(np.float32) for name in ("wind", "distance", "hour")}
table["delay"] = np.maximum(table["wind"] * table["distance"], 0) + 0.2 * table["hour"]
path = Path(tempfile.mkdtemp()) / "flights.parquet"
pq.write_table(pa.table(table), path, row_group_size=4_000)

net = NeuralNetwork([3, 32, 1], ["relu", "linear"], seed=0)
history = net.train(path, "delay", batch_size=64, epochs=4, lr=0.005, optimizer="adam", validation=0.1, verbose=0)
print(history)

# %%
axes = plot_training(history)

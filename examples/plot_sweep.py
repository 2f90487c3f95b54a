"""
Many networks at once
=====================

``train_many`` trains networks side by side, one thread each, to the same bits as one after another. Here it finds how
many hidden neurons a task needs, with three seeds for each number.
"""

import matplotlib.pyplot as plt
import numpy as np

from glassnet import NeuralNetwork, train_many

rng = np.random.default_rng(0)
x = rng.normal(size=(4, 400))  # samples are columns
y = np.tanh(x[:1] * x[1:2]) + 0.3 * x[2:3]
widths = [1, 2, 4, 8, 16, 32]
networks = [NeuralNetwork([4, width, 1], ["tanh", "linear"], seed=seed) for width in widths for seed in range(3)]
histories = train_many(networks, x, y, epochs=60, batch_size=20, optimizer="adam", lr=0.01, verbose=0)
costs = np.array([history["cost"][-1] for history in histories]).reshape(len(widths), 3)
for width, row in zip(widths, costs, strict=True):
    print(f"{width:3} neurons: cost {row.mean():.4f}, from {row.min():.4f} to {row.max():.4f}")

# %%
figure, axes = plt.subplots(layout="constrained")
axes.loglog(widths, costs, "o-")
axes.set_xticks(widths, widths, minor=False)
axes.minorticks_off()
_ = axes.set(xlabel="hidden neurons", ylabel="cost after 60 epochs", title="Three seeds for each number of neurons")

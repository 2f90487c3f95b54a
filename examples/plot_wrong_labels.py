"""
Wrong labels, found
===================

Forty of the handwritten digits get a wrong label. ``net.credit`` measures the share of each sample in the gradients,
and lists the samples whose labels fit worst to what the network has learnt from the others.
"""

import numpy as np
from sklearn.datasets import load_digits

from glassnet import NeuralNetwork, plot_samples

digits = load_digits()
x, labels = digits.data.T / 16, digits.target.copy()  # samples are columns
rng = np.random.default_rng(0)
wrong = rng.choice(len(labels), 40, replace=False)
labels[wrong] = (labels[wrong] + rng.integers(1, 10, 40)) % 10
net = NeuralNetwork([64, 32, 10], ["relu", "softmax"], "categorical_cross_entropy", seed=0)
net.train(x, labels, batch_size=32, epochs=30, lr=0.003, optimizer="adam", verbose=0)

credit = net.credit(x, labels)
print(credit)

# %%
# Of the forty labels that are most probably wrong, this many really are:
suspects = credit.suspicious(40)
print(f"{np.isin(suspects, wrong).sum()} of {len(suspects)}")
first = suspects[:16]
figure = plot_samples(digits.images[first], credit.predicted[first], labels[first], count=32)

"""
Handwritten digits: MNIST
=========================

A network of 128 relu neurons and ten softmax outputs learns to read digits. The four files of MNIST
(``train-images-idx3-ubyte.gz`` and so on) are read from the folder that the environment variable ``MNIST`` names.
Without it, the example learns the 1,797 smaller digits that come with scikit-learn.
"""

import gzip
import os
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from glassnet import NeuralNetwork, plot_confusion, plot_samples, plot_weights


def mnist(folder, part):
    """The images (samples, 28, 28), from 0 to 1, and the labels of a part: "train" or "t10k"."""
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return images / np.float32(255), labels


if "MNIST" in os.environ:
    images, labels = mnist(Path(os.environ["MNIST"]), "train")
    test_images, test_labels = mnist(Path(os.environ["MNIST"]), "t10k")
else:
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.images))
    images, test_images = np.split((digits.images[order] / 16).astype(np.float32), [1400])
    labels, test_labels = np.split(digits.target[order], [1400])
print(f"{len(images):,} images to learn from and {len(test_images):,} to test with, each {images[0].shape}")

x, x_test = images.reshape(len(images), -1).T, test_images.reshape(len(test_images), -1).T  # samples are columns
net = NeuralNetwork([len(x), 128, 10], ["relu", "softmax"], "categorical_cross_entropy", seed=0)
net.train(x, labels, batch_size=32, epochs=15, lr=0.001, optimizer="adam", verbose=0)
predicted = net.predict(x_test).argmax(axis=0)
print(f"{np.mean(predicted == test_labels):.1%} of the test images are read correctly")

# %%
# Which digits are taken for which:
axes = plot_confusion(net, x_test, test_labels)

# %%
# Some of the images that are read wrongly, then some that are read correctly:
figure = plot_samples(test_images, predicted, test_labels, count=16)

# %%
# What a hidden neuron looks for: its weights, as an image.
axes = plot_weights(net)

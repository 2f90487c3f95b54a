"""
Exclusive or
============

The smallest task that one neuron cannot do: 1 where exactly one of two inputs is 1. A hidden layer of ten sigmoids can.
"""

import numpy as np

from glassnet import NeuralNetwork, plot_predictions, plot_training

x = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])  # samples are columns
y = np.array([[0, 1, 1, 0]])
net = NeuralNetwork(layers=[2, 10, 1], activations=["sigmoid", "sigmoid"], seed=1)
history = net.train(x, y, batch_size=4, epochs=3000, lr=5.0)
print(net.predict(x).round(2))

# %%
# The cost stays on a plateau before it falls: at first all hidden neurons do nearly the same.
axes = plot_training(history)

# %%
# The output over the whole plane, with the four samples.
axes = plot_predictions(net, x, y)

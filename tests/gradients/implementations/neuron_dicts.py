"""A network as a list of layers of dicts, the bias last in each neuron's weights; pure Python, one sample a step."""

from math import exp


def activate(weights, inputs):
    return weights[-1] + sum(w * i for w, i in zip(weights[:-1], inputs))


def transfer(activation):
    return 1.0 / (1.0 + exp(-activation))


def transfer_derivative(output):
    return output * (1.0 - output)


def forward_propagate(network, row):
    inputs = row
    for layer in network:
        new_inputs = []
        for neuron in layer:
            neuron["output"] = transfer(activate(neuron["weights"], inputs))
            new_inputs.append(neuron["output"])
        inputs = new_inputs
    return inputs


def backward_propagate_error(network, expected):
    for i in reversed(range(len(network))):
        layer = network[i]
        for j, neuron in enumerate(layer):
            if i == len(network) - 1:
                error = neuron["output"] - expected[j]
            else:
                error = sum(above["weights"][j] * above["delta"] for above in network[i + 1])
            neuron["delta"] = error * transfer_derivative(neuron["output"])


def gradients(network, row, expected):
    forward_propagate(network, row)
    backward_propagate_error(network, expected)
    result, inputs = [], list(row)
    for layer in network:
        result.append([[neuron["delta"] * value for value in [*inputs, 1.0]] for neuron in layer])
        inputs = [neuron["output"] for neuron in layer]
    return result

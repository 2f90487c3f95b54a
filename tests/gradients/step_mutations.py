"""Mistakes in implementations whose step shows the gradient, twelve or more in each."""

from __future__ import annotations

from .mutation import (
    AT_A,
    AXIS,
    BIAS,
    EARLY,
    FROM_ERROR,
    GIVEN_Z,
    ITSELF,
    LAYER,
    MEAN,
    MISSING,
    ONE_SAMPLE,
    SIGN,
    SOFTMAX_AXIS,
    Z_FOR_A,
    Mutation,
    mutation,
)

RELU = "self.dinputs[self.inputs <= 0] = 0"
TANH = "z, a, y)) * (1 - a[k] ** 2)"
PASS = "                grad = (grad @ self.W[i].T) * (acts[i] > 0)\n"
CHANGE = "            self.W[i] = self.W[i] - self.lr * dW\n"

STEP_MUTATIONS: dict[str, list[Mutation]] = {
    "dense_objects": [
        mutation("gate from δ", RELU, "self.dinputs[dvalues <= 0] = 0", "BP2", FROM_ERROR),
        mutation(
            "softmax over the samples",
            "np.sum(shifted, axis=1, keepdims=True)",
            "np.sum(shifted, axis=0, keepdims=True)",
            "forward",
            SOFTMAX_AXIS,
        ),
        mutation(
            "db a mean of means",
            "np.sum(dvalues, axis=0, keepdims=True)",
            "np.mean(dvalues, axis=0, keepdims=True)",
            "BP3",
            MEAN,
        ),
        mutation(
            "1/m twice in dW",
            "self.dweights = np.dot(self.inputs.T, dvalues)",
            "self.dweights = np.dot(self.inputs.T, dvalues) / len(dvalues)",
            "BP4",
            MEAN,
        ),
        mutation(
            "relu's backward is skipped",
            "dense1.backward(activation1.dinputs)",
            "dense1.backward(dense2.dinputs)",
            "BP2",
            MISSING,
        ),
        mutation(
            "relu's forward is skipped",
            "dense2.forward(activation1.output)",
            "dense2.forward(dense1.output)",
            "forward BP4",
            r"relu|activation|\bz\b",
        ),
        mutation(
            "weights go uphill",
            "layer.weights += -self.learning_rate",
            "layer.weights += self.learning_rate",
            "update BP4",
            r"uphill|sign|adds",
        ),
        mutation(
            "biases stay",
            "        layer.biases += -self.learning_rate * layer.dbiases\n",
            "",
            "update BP3",
            r"never|\b0\b|zero",
        ),
        mutation(
            "db over the wrong axis",
            "np.sum(dvalues, axis=0, keepdims=True)",
            "np.sum(dvalues, axis=1, keepdims=True)",
            "BP3 run",
            r"axis|broadcast|shape",
        ),
        mutation("z without b", "inputs @ self.weights + self.biases", "inputs @ self.weights", "forward", BIAS),
        mutation(
            "y is never subtracted", "        self.dinputs[range(samples), y_true] -= 1\n", "", "BP1", r"\by\b|target"
        ),
        mutation(
            "dW of the last sample",
            "np.dot(self.inputs.T, dvalues)",
            "np.dot(self.inputs[-1:].T, dvalues[-1:])",
            "BP4",
            ONE_SAMPLE,
        ),
        mutation(
            "the first layer stays",
            "    optimizer.update_params(dense1)\n",
            "",
            "update BP2 BP3 BP4",
            r"never|\b0\b|zero",
            LAYER[1],
        ),
        mutation(
            "the second layer steps twice",
            "    optimizer.update_params(dense1)\n",
            "    optimizer.update_params(dense1)\n    optimizer.update_params(dense2)\n",
            "update BP3 BP4",
            r"twice|2 ×|\b2\b",
            LAYER[2],
        ),
    ],
    "only_fit": [
        mutation("x is shuffled without y", "X, y = X[order], y[order]", "X = X[order]", "run update", r"shuffl|order"),
        mutation(
            "W changes before the error passes",
            f"            if i:\n{PASS}{CHANGE}",
            f"{CHANGE}            if i:\n{PASS}",
            "BP2",
            EARLY,
        ),
        mutation("gate from δ", "* (acts[i] > 0)", "* (grad @ self.W[i].T > 0)", "BP2", FROM_ERROR),
        mutation("no gate", "(grad @ self.W[i].T) * (acts[i] > 0)", "grad @ self.W[i].T", "BP2", MISSING),
        mutation("relu(z) as its derivative", "* (acts[i] > 0)", "* acts[i]", "BP2", ITSELF),
        mutation(
            "db a mean of means", "grad.sum(axis=0, keepdims=True)", "grad.mean(axis=0, keepdims=True)", "BP3", MEAN
        ),
        mutation(
            "biases go uphill",
            "self.b[i] - self.lr * db",
            "self.b[i] + self.lr * db",
            "update BP3",
            r"uphill|sign|adds",
        ),
        mutation("z without b", "z = acts[-1] @ W + b", "z = acts[-1] @ W", "forward", BIAS),
        mutation(
            "relu at the output too",
            "z if i == len(self.W) - 1 else np.maximum(z, 0)",
            "np.maximum(z, 0)",
            "forward",
            r"relu|output",
        ),
        mutation("y − a", "2 * (acts[-1] - y)", "2 * (y - acts[-1])", "BP1 update", SIGN),
        mutation("1/m twice in dW", "dW = acts[i].T @ grad", "dW = acts[i].T @ grad / len(X)", "BP4", MEAN),
        mutation(
            "no batch is ever reached",
            "range(0, len(X), size)",
            "range(size, len(X), size)",
            "run update BP1 BP3 BP4",
            r"never|\b0\b|zero|nothing",
        ),
        mutation("db of the last sample", "grad.sum(axis=0, keepdims=True)", "grad[-1:]", "BP3", ONE_SAMPLE),
        mutation(
            "db over the wrong axis",
            "grad.sum(axis=0, keepdims=True)",
            "grad.sum(axis=1, keepdims=True)",
            "BP3 run",
            AXIS,
        ),
    ],
    "deep_tanh": [
        mutation("no σ' in the hidden layers", TANH, "z, a, y))", "BP2", MISSING),
        mutation("1 − z²", TANH, "z, a, y)) * (1 - z[k] ** 2)", "BP2", GIVEN_Z),
        mutation("sigmoid' in tanh layers", TANH, "z, a, y)) * a[k] * (1 - a[k])", "BP2", "sigmoid"),
        mutation("σ' at a", TANH, "z, a, y)) * (1 - np.tanh(a[k]) ** 2)", "BP2", AT_A),
        mutation(
            "no σ' in layer 2",
            TANH,
            "z, a, y)) * (1 - a[k] ** 2 if k != 2 else 1)",
            "BP2",
            MISSING,
            r"layer 2\b|\[1\]|second",
        ),
        mutation(
            "tanh' at a linear output",
            "return a[k] - y",
            "return (a[k] - y) * (1 - np.tanh(a[k]) ** 2)",
            "BP1",
            r"tanh|σ'|derivative|linear",
        ),
        mutation(
            "hidden error with the wrong sign", "return (self.w[k + 1].T", "return (-self.w[k + 1].T", "BP2", SIGN
        ),
        mutation("dW lacks 1/m", "deltas[k] @ a[k - 1].T / m", "deltas[k] @ a[k - 1].T", "BP4", MEAN),
        mutation(
            "db lacks 1/m",
            "deltas[k].sum(axis=1, keepdims=True) / m",
            "deltas[k].sum(axis=1, keepdims=True)",
            "BP3",
            MEAN,
        ),
        mutation(
            "z for a in dW",
            "deltas[k] @ a[k - 1].T / m",
            "deltas[k] @ (z[k - 1] if k > 1 else x).T / m",
            "BP4",
            Z_FOR_A,
        ),
        mutation("z without b", "self.w[k] @ a[k - 1] + self.b[k]", "self.w[k] @ a[k - 1]", "forward", BIAS),
        mutation(
            "weights go uphill",
            "self.w[k] = self.w[k] - lr",
            "self.w[k] = self.w[k] + lr",
            "update BP4",
            r"uphill|sign|adds",
        ),
        mutation(
            "the rate twice in b", "lr * self.db[k]", "lr * lr * self.db[k]", "update BP3", r"rate|0\.01|lr|1/100|×"
        ),
        mutation(
            "db of the last sample", "deltas[k].sum(axis=1, keepdims=True) / m", "deltas[k][:, -1:]", "BP3", ONE_SAMPLE
        ),
    ],
    "parameter_objects": [
        mutation(
            "gradients are never set to zero",
            "    model.zero_grad()\n",
            "",
            "run update BP3 BP4",
            r"call|accumulat|zero",
        ),
        mutation("σ for σ'", "return grad * self.out * (1 - self.out)", "return grad * self.out", "BP1 BP2", ITSELF),
        mutation("no σ' anywhere", "return grad * self.out * (1 - self.out)", "return grad", "BP1 BP2", MISSING),
        mutation(
            "σ' at a",
            "return grad * self.out * (1 - self.out)",
            "return grad / (2 + np.exp(self.out) + np.exp(-self.out))",
            "BP1 BP2",
            AT_A,
        ),
        mutation(
            "tanh' of a sigmoid",
            "return grad * self.out * (1 - self.out)",
            "return grad * (1 - self.out**2)",
            "BP1 BP2",
            "tanh",
        ),
        mutation(
            "db a mean of means",
            "self.bias.grad += grad.sum(axis=0)",
            "self.bias.grad += grad.mean(axis=0)",
            "BP3",
            MEAN,
        ),
        mutation(
            "dW transposed",
            "self.weight.grad += grad.T @ self.x",
            "self.weight.grad = self.x.T @ grad",
            "BP4 run",
            r"transpos|broadcast|shape",
        ),
        mutation(
            "y − a",
            "self.difference = prediction - target",
            "self.difference = target - prediction",
            "BP1 update",
            SIGN,
        ),
        mutation(
            "the squared error as error",
            "return 2 * self.difference / self.difference.size",
            "return self.difference**2 / self.difference.size",
            "BP1",
            r"squar|‖|²",
        ),
        mutation("z without b", "x @ self.weight.data.T + self.bias.data", "x @ self.weight.data.T", "forward", BIAS),
        mutation(
            "everything goes uphill",
            "p.data - self.lr * p.grad",
            "p.data + self.lr * p.grad",
            "update BP1",
            r"uphill|sign|adds",
        ),
        mutation("1/m twice in dW", "grad.T @ self.x", "grad.T @ self.x / len(grad)", "BP4", MEAN),
        mutation(
            "biases are no parameters",
            "return [self.weight, self.bias]",
            "return [self.weight]",
            "update BP3",
            r"never|\b0\b|zero",
        ),
        mutation(
            "W not transposed forward, as it is backward",
            "return grad @ self.weight.data",
            "return grad @ self.weight.data.T",
            "BP2 run",
            r"transpos|matrix product|matmul|shape",
        ),
    ],
}

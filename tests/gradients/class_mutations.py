"""Mistakes in classes that hand their gradient over, twelve or more in each."""

from __future__ import annotations

from .mutation import (
    AT_A,
    AXIS,
    BIAS,
    EARLY,
    FROM_ERROR,
    GIVEN_Z,
    LAYER,
    MEAN,
    MISSING,
    ONE_SAMPLE,
    RAW,
    SIGN,
    SOFTMAX_AXIS,
    SUMMED,
    Z_FOR_A,
    Mutation,
    mutation,
)

SLOPE = "dZ = dA * (1 - np.tanh(self.Z[i]) ** 2)"
GATE = "dhidden[hidden <= 0] = 0"
HIDDEN = "        l1_error = l2_delta.dot(syn1.T)\n        l1_delta = l1_error * nonlin(l1, deriv=True)\n"
OUTPUT_STEP = "        syn1 += l1.T.dot(l2_delta)\n"

CLASS_MUTATIONS: dict[str, list[Mutation]] = {
    "digits_network": [
        mutation(
            "no σ' at the output",
            "(activations[-1], y) * sigmoid_prime(zs[-1])",
            "(activations[-1], y)",
            "BP1",
            MISSING,
        ),
        mutation(
            "σ' at a, at the output", "y) * sigmoid_prime(zs[-1])", "y) * sigmoid_prime(activations[-1])", "BP1", AT_A
        ),
        mutation(
            "σ' at a, in the hidden layers",
            "sp = sigmoid_prime(zs[-back])",
            "sp = sigmoid_prime(activations[-back])",
            "BP2",
            AT_A,
        ),
        mutation("no σ' in the hidden layers", "+ 1].T, delta) * sp", "+ 1].T, delta)", "BP2", MISSING),
        mutation("y − a", "return output - y", "return y - output", "BP1", SIGN),
        mutation(
            "a of the same layer",
            "np.dot(delta, activations[-back - 1].T)",
            "np.dot(delta, activations[-back].T)",
            "BP4 run",
            r"same layer|wrong layer|shifted|shape",
        ),
        mutation("σ' twice in db", "nabla_b[-back] = delta", "nabla_b[-back] = delta * sp", "BP3", r"σ'|twice|factor"),
        mutation(
            "W not transposed",
            "self.weights[-back + 1].T, delta",
            "self.weights[-back + 1], delta",
            "BP2 run",
            r"transpos|matrix product|shapes|aligned",
        ),
        mutation("z without b", "z = np.dot(w, activation) + b", "z = np.dot(w, activation)", "forward", BIAS),
        mutation(
            "tanh forward, sigmoid' backward", "activation = sigmoid(z)", "activation = np.tanh(z)", "forward", "tanh"
        ),
        mutation("z(1 − z)", "return sigmoid(z) * (1 - sigmoid(z))", "return z * (1 - z)", "BP1 BP2", GIVEN_Z),
        mutation(
            "db of the last sample",
            "sum_b = [total + part for total, part in zip(sum_b, nabla_b)]",
            "sum_b = nabla_b",
            "update BP3",
            ONE_SAMPLE,
        ),
        mutation(
            "weights step by the sum", "[w - eta / len(mini_batch) * g for", "[w - eta * g for", "update BP4", SUMMED
        ),
        mutation(
            "weights go uphill",
            "[w - eta / len(mini_batch) * g for",
            "[w + eta / len(mini_batch) * g for",
            "update BP4",
            r"uphill|sign|adds",
        ),
    ],
    "sizes_object": [
        mutation(
            "no σ' at the output", SLOPE, SLOPE.replace("dZ = dA", "dZ = dA if i == self.L - 1 else dA"), "BP1", MISSING
        ),
        mutation("1 − z²", SLOPE, "dZ = dA * (1 - self.Z[i] ** 2)", "BP1 BP2", GIVEN_Z),
        mutation("σ' at a", SLOPE, "dZ = dA * (1 - np.tanh(self.A[i + 1]) ** 2)", "BP1 BP2", AT_A),
        mutation(
            "1 − a, not squared",
            SLOPE,
            "dZ = dA * (1 - np.tanh(self.Z[i]))",
            "BP1 BP2",
            r"1 − a|squar|tanh'|σ'|derivative",
        ),
        mutation(
            "sigmoid' in tanh layers", SLOPE, "dZ = dA * self.A[i + 1] * (1 - self.A[i + 1])", "BP1 BP2", "sigmoid"
        ),
        mutation("no σ' anywhere", SLOPE, "dZ = dA", "BP1 BP2", MISSING),
        mutation(
            "db over the wrong axis",
            "np.mean(dZ, axis=1, keepdims=True)",
            "np.mean(dZ, axis=0, keepdims=True)",
            "BP3",
            AXIS,
        ),
        mutation("db is one number", "np.mean(dZ, axis=1, keepdims=True)", "np.mean(dZ)", "BP3", r"one number|scalar"),
        mutation("dW lacks 1/m", "dZ @ self.A[i].T / m", "dZ @ self.A[i].T", "BP4", MEAN),
        mutation("db a sum", "np.mean(dZ, axis=1", "np.sum(dZ, axis=1", "BP3", MEAN),
        mutation(
            "the error passes before its σ'", "dA = self.weights[i].T @ dZ", "dA = self.weights[i].T @ dA", "BP2", RAW
        ),
        mutation("z without b", "@ self.A[i] + self.biases[i]", "@ self.A[i]", "forward", BIAS),
        mutation(
            "linear output, tanh' backward",
            "self.A.append(np.tanh(self.Z[i]))",
            "self.A.append(np.tanh(self.Z[i]) if i < self.L - 1 else self.Z[i])",
            "forward",
            "output",
        ),
        Mutation(
            "dW grows from call to call",
            [
                ("dW = [0] * self.L", 'dW = self.__dict__.setdefault("dW", [0] * self.L)'),
                ("dW[i] = dZ", "dW[i] = dW[i] + dZ"),
            ],
            ("BP4", "run", "update"),
            (r"call|accumulat|zero",),
        ),
        mutation(
            "hidden error with the wrong sign",
            "dA = self.weights[i].T @ dZ",
            "dA = -self.weights[i].T @ dZ",
            "BP2",
            SIGN,
        ),
    ],
    "two_layer_net": [
        mutation("y is never subtracted", "        dscores[np.arange(N), y] -= 1\n", "", "BP1", r"\by\b|target"),
        mutation(
            "db2 a mean of means",
            'grads["b2"] = np.sum(dscores',
            'grads["b2"] = np.mean(dscores',
            "BP3",
            MEAN,
            LAYER[2],
        ),
        mutation("gate from δ", GATE, "dhidden[dhidden <= 0] = 0", "BP2", FROM_ERROR),
        mutation("no gate", GATE, "pass", "BP2", MISSING),
        mutation("gate at a < 0, which never is", GATE, "dhidden[hidden_relu < 0] = 0", "BP2", MISSING),
        mutation(
            "softmax over the samples",
            "np.sum(np.exp(scores), axis=1, keepdims=True)",
            "np.sum(np.exp(scores), axis=0, keepdims=True)",
            "forward",
            SOFTMAX_AXIS,
        ),
        mutation(
            "softmax over the whole batch",
            "np.sum(np.exp(scores), axis=1, keepdims=True)",
            "np.sum(np.exp(scores))",
            "forward",
            SOFTMAX_AXIS,
        ),
        mutation(
            "the diagonal of softmax' with cross-entropy",
            "dscores /= N",
            "dscores *= probs * (1 - probs) / N",
            "BP1",
            r"softmax|diagonal|σ'|a·\(1 − a\)",
        ),
        mutation("z1 without b1", "hidden = X.dot(W1) + b1", "hidden = X.dot(W1)", "forward", BIAS),
        mutation("z1 for a1 in dW2", "hidden_relu.T.dot(dscores)", "hidden.T.dot(dscores)", "BP4", Z_FOR_A),
        mutation("db1 over the wrong axis", "np.sum(dhidden, axis=0)", "np.sum(dhidden, axis=1)", "BP3", AXIS),
        mutation("1/m twice in dW1", "X.T.dot(dhidden) +", "X.T.dot(dhidden) / N +", "BP4", MEAN, LAYER[1]),
        mutation(
            "linear forward, relu' backward",
            "hidden_relu = np.maximum(0, hidden)",
            "hidden_relu = hidden",
            "forward",
            r"relu|activation",
        ),
        mutation("y − a", "dscores /= N", "dscores /= -N", "BP1", SIGN),
        mutation(
            "−y/a is all",
            "        dscores = probs.copy()\n        dscores[np.arange(N), y] -= 1\n",
            "        dscores = np.zeros_like(probs)\n        dscores[np.arange(N), y] = -1 / probs[np.arange(N), y]\n",
            "BP1",
            r"y/a|Jacobian|derivative of softmax",  # δ = ∂c/∂a: both say it
        ),
    ],
    "module_globals": [
        mutation(
            "W2 changes before the error passes",
            "    dZ1 = W2.T.dot(dZ2) * A1 * (1 - A1)\n    # update\n    W2 -= alpha * dZ2.dot(A1.T) / m\n",
            "    # update\n    W2 -= alpha * dZ2.dot(A1.T) / m\n    dZ1 = W2.T.dot(dZ2) * A1 * (1 - A1)\n",
            "BP2",
            EARLY,
        ),
        mutation("W2 goes uphill", "W2 -= alpha", "W2 += alpha", "update BP4", r"uphill|sign|adds", LAYER[2]),
        mutation(
            "b1 stays",
            "    b1 -= alpha * dZ1.sum(axis=1, keepdims=True) / m\n",
            "",
            "update BP3",
            r"never|\b0\b|zero",
            LAYER[1],
        ),
        mutation(
            "the rate twice in W1",
            "W1 -= alpha *",
            "W1 -= alpha * alpha *",
            "update BP4",
            r"rate|0\.5|lr|alpha|half|1/2|×",
            LAYER[1],
        ),
        mutation("no σ' at the output", "(A2 - Y) * A2 * (1 - A2)", "(A2 - Y)", "BP1", MISSING),
        mutation("no σ' in the hidden layer", "W2.T.dot(dZ2) * A1 * (1 - A1)", "W2.T.dot(dZ2)", "BP2", MISSING),
        mutation("z(1 − z)", "W2.T.dot(dZ2) * A1 * (1 - A1)", "W2.T.dot(dZ2) * Z1 * (1 - Z1)", "BP2", GIVEN_Z),
        mutation(
            "b2 over the wrong axis",
            "dZ2.sum(axis=1, keepdims=True)",
            "dZ2.sum(axis=0, keepdims=True)",
            "BP3 run",
            r"axis|broadcast|shape",
        ),
        mutation(
            "b1 lacks 1/m",
            "dZ1.sum(axis=1, keepdims=True) / m",
            "dZ1.sum(axis=1, keepdims=True)",
            "BP3",
            MEAN,
            LAYER[1],
        ),
        mutation("the raw error goes back", "W2.T.dot(dZ2)", "W2.T.dot(A2 - Y)", "BP2", RAW),
        mutation("z1 for a1 in dW2", "dZ2.dot(A1.T)", "dZ2.dot(Z1.T)", "BP4", Z_FOR_A),
        mutation("z2 without b2", "Z2 = W2.dot(A1) + b2", "Z2 = W2.dot(A1)", "forward", BIAS),
        mutation("b2 by one number", "dZ2.sum(axis=1, keepdims=True)", "dZ2.sum()", "BP3", r"one number|scalar"),
        mutation("Y − A2", "(A2 - Y) * A2", "(Y - A2) * A2", "BP1 update", SIGN),
    ],
    "eleven_lines": [
        mutation("l2 − y with +=", "l2_error = y - l2", "l2_error = l2 - y", "BP1 update", SIGN),
        mutation(
            "no σ' at the output", "l2_delta = l2_error * nonlin(l2, deriv=True)", "l2_delta = l2_error", "BP1", MISSING
        ),
        mutation(
            "no σ' in the hidden layer",
            "l1_delta = l1_error * nonlin(l1, deriv=True)",
            "l1_delta = l1_error",
            "BP2",
            MISSING,
        ),
        mutation("σ' at a", "return x * (1 - x)", "return nonlin(x) * (1 - nonlin(x))", "BP1 BP2", AT_A),
        mutation(
            "the raw error goes back", "l1_error = l2_delta.dot(syn1.T)", "l1_error = l2_error.dot(syn1.T)", "BP2", RAW
        ),
        mutation(
            "syn1 changes before the error passes",
            HIDDEN + OUTPUT_STEP,
            OUTPUT_STEP + HIDDEN,
            "BP2",
            EARLY,
        ),
        mutation("dW1 of the error without σ'", "l0.T.dot(l1_delta)", "l0.T.dot(l1_error)", "BP2 BP4", r"σ'|gate|δ"),
        mutation(
            "dW2 of the error without σ'", "l1.T.dot(l2_delta)", "l1.T.dot(l2_error)", "BP4 BP1", r"σ'|gate|δ", LAYER[2]
        ),
        mutation(
            "tanh forward, sigmoid' backward", "return 1 / (1 + np.exp(-x))", "return np.tanh(x)", "forward", "tanh"
        ),
        mutation("tanh' of a sigmoid", "return x * (1 - x)", "return 1 - x**2", "BP1 BP2", "tanh"),
        mutation("syn0 goes uphill", "syn0 += l0", "syn0 -= l0", "BP4 update BP2", r"uphill|sign"),
        mutation(
            "a mean in one layer", "l1.T.dot(l2_delta)", "l1.T.dot(l2_delta) / len(X)", "BP4", MEAN
        ),  # either layer may be the odd one
        mutation("σ for σ'", "return x * (1 - x)", "return x", "BP1 BP2", r"itself|stands"),
    ],
}

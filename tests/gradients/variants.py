"""The right implementations again as others write them: a sum for a mean, an L2 term, ε in the logarithm, no biases.

All of these are right, so nothing may be called a fault; what differs from our gradient is said in a note.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

from glassnet import check_backprop

from .function_table import half_square
from .implementation import Implementation, Replacements


class Variant(NamedTuple):
    """The texts replaced, what the author's call becomes, and what the judge must know of it."""

    label: str
    replacements: Replacements
    note: str = ""  # what a note must contain
    l2: float = 0.0  # λ of the term λ·w in dW, on the scale of the mean
    own_cost: bool = False
    changes: dict[str, Any] = {}  # noqa: RUF012 - fields of the Implementation that change


def total(*replacements: Any) -> Variant:
    return Variant("a sum", replacements, "sum")


def mean(*replacements: Any) -> Variant:
    return Variant("a mean", replacements)


def decay(l2: float, *replacements: Any) -> Variant:
    return Variant("L2", replacements, r"L2|λ|penalty|decay", l2)


def epsilon(size: str, *replacements: Any) -> Variant:
    return Variant(f"ε of {size}", replacements, own_cost=True)


def check_four_without(m: ModuleType) -> Any:
    return check_backprop(m.backward, [3, 5, 2], ["tanh", "sigmoid"], "quadratic", biases=False)


FOUR_WITHOUT = Variant(
    "no biases",
    [
        ("def forward(x, W1, b1, W2, b2)", "def forward(x, W1, W2)"),
        ("def backward(x, y, W1, b1, W2, b2)", "def backward(x, y, W1, W2)"),
        ("forward(x, W1, b1, W2, b2)\n    d_out", "forward(x, W1, W2)\n    d_out"),
        ("x @ W1 + b1", "x @ W1"),
        ("h @ W2 + b2", "h @ W2"),
        ("return dW1, db1, dW2, db2", "return dW1, dW2"),
    ],
    changes={
        "b": "none",
        "check": check_four_without,
        "gradient": lambda m, w, b, x, y: (m.backward(x, y, *w), []),
        "cost_of": lambda m, w, b, x, y: m.loss(m.forward(x, *w)[-1], y),
    },
)


LAST_FIRST = Variant(
    "the last layer first",
    [("return dW1, db1, dW2, db2", "return dW2, db2, dW1, db1")],
    r"dW2, db2, dW1, db1",
    changes={
        "gradient": lambda m, w, b, x, y: (
            m.backward(x, y, w[0], b[0], w[1], b[1])[2::-2],
            m.backward(x, y, w[0], b[0], w[1], b[1])[3::-2],
        )
    },
)


def check_course_without(m: ModuleType) -> Any:
    return check_backprop(
        lambda parameters, X, Y: m.L_model_backward((f := m.L_model_forward(X, parameters))[0], Y, f[1]),
        [3, 5, 4, 2],
        ["relu", "relu", "sigmoid"],
        "binary_cross_entropy",
        biases=False,
    )


def matrices(w: Any) -> dict[str, Any]:
    return {f"W{n + 1}": matrix for n, matrix in enumerate(w)}


def course_gradient_without(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    last, caches = m.L_model_forward(x, matrices(w))
    grads = m.L_model_backward(last, y, caches)
    return [grads[f"dW{n + 1}"] for n in range(len(w))], []


COURSE_WITHOUT = Variant(
    "no biases",
    [
        ("def linear_forward(A, W, b)", "def linear_forward(A, W)"),
        ("Z = W.dot(A) + b", "Z = W.dot(A)"),
        ("return Z, (A, W, b)", "return Z, (A, W)"),
        ("A_prev, W, b, activation", "A_prev, W, activation"),
        ("linear_forward(A_prev, W, b)", "linear_forward(A_prev, W)"),
        ("L = len(parameters) // 2", "L = len(parameters)"),
        ('parameters["W" + str(i)], parameters["b" + str(i)]', 'parameters["W" + str(i)]'),
        ('parameters["W" + str(L)], parameters["b" + str(L)]', 'parameters["W" + str(L)]'),
        ("A_prev, W, b = cache", "A_prev, W = cache"),
        ("    db = 1 / m * np.sum(dZ, axis=1, keepdims=True)\n", ""),
        ("return dA_prev, dW, db", "return dA_prev, dW"),
        ('dA, grads["dW" + str(i + 1)], grads["db" + str(i + 1)] =', 'dA, grads["dW" + str(i + 1)] ='),
    ],
    changes={
        "b": "none",
        "check": check_course_without,
        "gradient": course_gradient_without,
        "cost_of": lambda m, w, b, x, y: m.compute_cost(m.L_model_forward(x, matrices(w))[0], y),
    },
)


def check_pairs_without(m: ModuleType) -> Any:
    return check_backprop(
        lambda weights, x, y: m.gradients(weights, x, y), [3, 4, 4, 2], ["tanh", "tanh", "tanh"], biases=False
    )


PAIRS_WITHOUT = Variant(
    "no biases",
    [
        ("act(wb[0] @ a + wb[1])", "act(wb @ a)"),
        ("for w, b in layers:", "for w in layers:"),
        ("w @ activations[-1] + b", "w @ activations[-1]"),
        ("for w, _ in reversed(layers)", "for w in reversed(layers)"),
        ("(local @ below.T, local.sum(axis=1, keepdims=True))", "local @ below.T"),
    ],
    changes={
        "b": "none",
        "check": check_pairs_without,
        "gradient": lambda m, w, b, x, y: (list(m.gradients(w, x, y)), []),
        "cost_of": lambda m, w, b, x, y: half_square(m.run(w, x) - y),
    },
)

VARIANTS: dict[str, list[Variant]] = {
    "course_two_layer": [
        total((".T) / m", ".T)", 2), ("keepdims=True) / m", "keepdims=True)", 2)),
        decay(0.3, ("A1.T) / m", "A1.T) / m + 0.3 * W2"), ("X.T) / m", 'X.T) / m + 0.3 * parameters["W1"]')),
    ],
    "course_deep": [
        epsilon(
            "1e-8",
            ("np.divide(Y, AL)", "np.divide(Y, AL + 1e-8)"),
            ("1 - Y, 1 - AL)", "1 - Y, 1 - AL + 1e-8)"),
            ("np.log(AL)", "np.log(AL + 1e-8)"),
            ("np.log(1 - AL)", "np.log(1 - AL + 1e-8)"),
        ),
        epsilon(
            "1e-5",
            ("np.divide(Y, AL)", "np.divide(Y, AL + 1e-5)"),
            ("1 - Y, 1 - AL)", "1 - Y, 1 - AL + 1e-5)"),
            ("np.log(AL)", "np.log(AL + 1e-5)"),
            ("np.log(1 - AL)", "np.log(1 - AL + 1e-5)"),
        ),
        decay(0.1, ("np.dot(dZ, A_prev.T)", "np.dot(dZ, A_prev.T) + 0.1 * W")),
        COURSE_WITHOUT,
    ],
    "thetas_unrolled": [
        decay(1 / 7, ("lambda_=0.0", "lambda_=1.0")),
        total(("@ a1 / m", "@ a1"), ("@ a2 / m", "@ a2")),
    ],
    "ones_last": [total((" @ delta / len(x)", " @ delta"))],
    "four_returned": [total(("(out - y) / n", "(out - y)")), FOUR_WITHOUT, LAST_FIRST],
    "flat_vector": [
        mean(("residual = out - y", "residual = (out - y) / len(x)")),
        decay(0.5, ("acts[i].T @ back,", "acts[i].T @ back + 0.5 * weights[i],")),
    ],
    "pairs_generator": [
        mean(("upstream = activations.pop() - y", "upstream = (activations.pop() - y) / x.shape[1]")),
        PAIRS_WITHOUT,
    ],
    "rows_with_out_in": [total(("np.eye(k)[y]) / n", "np.eye(k)[y])"))],
    "softmax_jacobian": [
        epsilon("1e-9", ("dp = -y / p / n", "dp = -y / (p + 1e-9) / n"), ("np.log(p)", "np.log(p + 1e-9)")),
        epsilon("1e-4", ("dp = -y / p / n", "dp = -y / (p + 1e-4) / n"), ("np.log(p)", "np.log(p + 1e-4)")),
        total(("dp = -y / p / n", "dp = -y / p")),
    ],
    "epsilon_in_log": [
        epsilon("1e-12", ("EPS = 1e-8", "EPS = 1e-12")),
        epsilon("1e-5", ("EPS = 1e-8", "EPS = 1e-5")),
        epsilon("1e-4", ("EPS = 1e-8", "EPS = 1e-4")),
        total((" / y.size", "")),
    ],
    "closure_by_name": [total(("[g / len(x) for g in grads_w], [g / len(x) for g in grads_b]", "grads_w, grads_b"))],
    "digits_network": [
        decay(0.2, ("[w - eta / len(mini_batch) * g for", "[w - eta * (g / len(mini_batch) + 0.2 * w) for")),
    ],
    "sizes_object": [
        total(("@ self.A[i].T / m", "@ self.A[i].T"), ("np.mean(dZ", "np.sum(dZ")),
        decay(0.1, ("@ self.A[i].T / m", "@ self.A[i].T / m + 0.1 * self.weights[i]")),
    ],
    "two_layer_net": [
        decay(0.2, ("reg=0.0", "reg=0.1")),
        total(("        dscores /= N\n", "")),
    ],
    "dense_objects": [
        total(("self.dinputs = self.dinputs / samples", "pass")),
        decay(0.02, ("np.dot(self.inputs.T, dvalues)", "np.dot(self.inputs.T, dvalues) + 0.02 * self.weights")),
    ],
    "eleven_lines": [
        mean(
            ("l1.T.dot(l2_delta)", "l1.T.dot(l2_delta) / len(X)"), ("l0.T.dot(l1_delta)", "l0.T.dot(l1_delta) / len(X)")
        )
    ],
    "only_fit": [
        total((" / y.shape[0]", "")),
        decay(0.01, ("acts[i].T @ grad", "acts[i].T @ grad + 0.01 * self.W[i]")),
    ],
    "module_globals": [
        total(("(A1.T) / m", "(A1.T)"), ("(X.T) / m", "(X.T)"), ("keepdims=True) / m", "keepdims=True)", 2)),
        decay(
            0.05,
            ("dZ2.dot(A1.T) / m", "(dZ2.dot(A1.T) / m + 0.05 * W2)"),
            ("dZ1.dot(X.T) / m", "(dZ1.dot(X.T) / m + 0.05 * W1)"),
        ),
    ],
    "parameter_objects": [total((" / self.difference.size", ""))],
    "deep_tanh": [
        total(("a[k - 1].T / m", "a[k - 1].T"), ("keepdims=True) / m", "keepdims=True)")),
        decay(0.4, ("a[k - 1].T / m", "a[k - 1].T / m + 0.4 * self.w[k]")),
    ],
    "linear_head": [
        total(("(2 / n)", "2", 4)),
        decay(
            0.1, ("self.A1.T @ err", "self.A1.T @ err + 0.1 * self.W2"), ("X.T @ back", "X.T @ back + 0.1 * self.W1")
        ),
    ],
}


def changed(case: Implementation, variant: Variant) -> Implementation:
    """The implementation as the variant's author has it."""
    return case._replace(**variant.changes)

"""Faults to plant in the equations, one line each: what is wrong, on which problem, what catches it, how it is planted.

BP1 to BP4 name the first equation that gradient_check must find wrong, from the output back. A mistake in the cost that
its gradient shares is caught by the pass written out by hand; one in an update by the steps written out by hand or by
the optimisers' recurrences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import sign, sqrt

from glassnet.program.equations import softmax_cost
from glassnet.tables.activations import ELU, GELU, ReLU, Softmax, Tanh, logistic
from glassnet.tables.costs import Quadratic
from glassnet.tables.layers import BatchNorm, Dropout, LayerNorm, Scaling
from glassnet.tables.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, NAdam, Nesterov, RMSProp

from .planting import (
    Plant,
    all_settings,
    clipped,
    equation,
    followed_by,
    kind,
    setting,
    table,
    together,
    too_early,
    update,
    without,
)
from .problems import Problem, problem


class Fault(NamedTuple):
    """One line of the table."""

    description: str
    case: str
    caught_by: str
    plant: Plant


# ---- the problems; in the square ones there are as many samples as neurons, so that every transpose fits


def layered(*layers: Any) -> Callable[[], Problem]:
    return lambda: problem([3, 5, *layers, 4, 2], ["tanh", "tanh", "linear"], batch=7, training=True, weighted=True)


def activated(name: str) -> Callable[[], Problem]:
    return lambda: problem([3, 5, 4, 2], [name, name, "linear"], weighted=True)


SIGMOID = ["sigmoid"] * 3
BY_GROUPS = Softmax((1, 3))
PENALTY = {"l1": 0.03, "l2": 0.1}
CASES: dict[str, Callable[[], Problem]] = {
    "plain": lambda: problem([3, 5, 4, 2], SIGMOID, weighted=True),
    "square": lambda: problem([4, 4, 4, 4], SIGMOID, batch=4, weighted=True),
    "penalty": lambda: problem([4, 4, 4, 4], SIGMOID, batch=6, weighted=True, **PENALTY),
    "bce": lambda: problem([3, 5, 4, 2], ["tanh", "tanh", "sigmoid"], "binary_cross_entropy", weighted=True),
    "cce": lambda: problem([3, 5, 4, 4], ["tanh", "tanh", "softmax"], "categorical_cross_entropy", weighted=True),
    "softmax": lambda: problem([3, 5, 4, 4], ["tanh", "softmax", "softmax"], weighted=True),
    "groups": lambda: problem([3, 4, 4], ["tanh", BY_GROUPS], "categorical_cross_entropy", weighted=True),
    "groups, general": lambda: problem([3, 4, 4], ["tanh", BY_GROUPS], weighted=True),
    "hidden groups": lambda: problem([3, 4, 2], [BY_GROUPS, "linear"], weighted=True),
    "tanh": activated("tanh"),
    "relu": activated("relu"),
    "elu": activated("elu"),
    "gelu": activated("gelu"),
    "dropout": layered(Dropout(0.5)),
    "batch_norm": layered(BatchNorm()),
    "layer_norm": layered(LayerNorm()),
    "scaling": layered(Scaling()),
}

# ---- wrong formulas too long for one line

BITS_OF_1 = 0x3FF0000000000000  # as a dropout's scale


def total(values: Any) -> Any:
    """The sum over samples."""
    return values.sum(axis=1, keepdims=True)


def norm(sums: Sequence[Any]) -> float:
    """The norm of all gradients from their square sums."""
    return float(np.sqrt(sum(float(part.sum()) for part in sums)))


def mean_cost(weighted: bool = True, mean: bool = True, penalties: bool = True) -> Plant:
    """C with one of its parts left out."""

    def function(c: Any, *rest: Any, settings: tuple[int, ...]) -> Any:
        mean_of = (c * rest[0] if weighted and settings[0] else c).sum() / (c.shape[1] if mean else 1)
        return np.asarray(mean_of + (sum(part.sum() for part in rest[settings[0] :]) if penalties else 0))

    return kind("mean_cost", function)


def penalised(function: Callable[..., Any]) -> Plant:
    """Another formula for what the penalty makes of dW."""
    return equation("dw2", function)


def batch_norm(mean: float = 1, product: float = 1, gamma: float = 1, root: bool = True) -> Plant:
    """The error through batch normalisation, each of its terms times a factor."""

    def function(d: Any, n: Any, g: Any, v: Any, m: Any, p: Any) -> Any:
        spread = sqrt(v + 1e-5) if root else v + 1e-5
        return (d - mean * m - product * n * p) * ((gamma * g + 1 - gamma) / spread)

    return equation("da1", function)


def layer_norm(mean: float = 1, product: float = 1) -> Plant:
    """The error through layer normalisation, each of its terms times a factor."""
    return equation("da1", lambda d, n, v, m, p: (d - mean * m - product * n * p) / sqrt(v + 1e-5))


def jacobian(function: Callable[..., Any]) -> Plant:
    """Another product of the error with softmax's Jacobian."""
    return kind("softmax_error", lambda error, a, groups: function(error, a))


def regrouped(quantity: str, *groups: int) -> Plant:
    """The softmax that writes `quantity` has other groups."""
    return all_settings(quantity, (len(groups), *groups))


def first_group(z: Any, y: Any, groups: tuple[int, ...]) -> Any:
    """The cross-entropy of the first group only."""
    return softmax_cost(z[: groups[0]], y[: groups[0]], groups[:1])


def half_square(z: Any, y: Any) -> Any:
    """The quadratic cost of a sigmoid, from z: right, but its gradient by z is not a − y."""
    return 0.5 * (logistic(z) - y) ** 2


TWICE_THE_COST = (
    table(Quadratic, "value", lambda _, a, y: (a - y) ** 2),
    table(Quadratic, "gradient", lambda _, a, y: 2 * (a - y)),
)
TWICE_THE_PENALTY = (
    equation("penalty2", lambda w, l1, l2: l1 * abs(w) + l2 * w * w),
    equation("dw2", lambda g, w, l1, l2: g + l1 * sign(w) + 2 * l2 * w),
)
NO_PENALTIES = [without(name) for name in ("dw1", "dw2", "dw3")]
AS_ADAM = (table(NAdam, "scalars", Adam.scalars), table(NAdam, "update", Adam.update))


def velocity(w: Any, g: Any, v: Any, s: Any) -> Any:
    """Momentum's update."""
    v = s["momentum"] * v + g
    return w - s["lr"] * v, v


def newest_square(w: Any, g: Any, v: Any, s: Any) -> Any:
    """AdaGrad, divided by the root of the newest square."""
    return w - s["lr"] * g / (sqrt(g * g) + s["epsilon"]), g * g


def growing(self: Any, w: Any, g: Any, *states: Any, **s: Any) -> Any:
    """Adam, beside a decay with the wrong sign."""
    changed, *rest = Adam.update(self, w, g, *states, **s)
    return changed + s["decay"] * w, *rest


def no_root(w: Any, g: Any, v: Any, s: Any) -> Any:
    """RMSProp, divided by the mean square."""
    square = s["rho"] * v + s["one_minus_rho"] * g * g
    return w - s["lr"] * g / (square + s["epsilon"]), square


def uncorrected(self: Any, t: Any, lr: Any, decays: float = 1.0, scalars: Any = Adam.scalars) -> Any:
    """Adam's scalars without bias correction: those of a step so late that it is 1."""
    return scalars(self, np.full(np.shape(t), np.inf), lr, decays)


# ---- the faults

LINES: list[tuple[str, str, str, Plant]] = [
    ("a − y has the wrong sign", "plain", "BP1", table(Quadratic, "gradient", lambda _, a, y: y - a)),
    ("the square's 2 remains beside the ½", "plain", "BP1", table(Quadratic, "gradient", lambda _, a, y: 2 * (a - y))),
    ("σ' is missing at the output", "plain", "BP1", equation("delta3", lambda d, a: d)),
    ("σ instead of σ' at the output", "plain", "BP1", equation("delta3", lambda d, a: d * a)),
    ("σ' is applied twice", "plain", "BP1", equation("delta3", lambda d, a: d * (a * (1 - a)) ** 2)),
    ("σ' reads z for a", "plain", "BP1", equation("delta3", reads=("da3", "z3"))),
    ("σ' at the output reads the layer below", "square", "BP1", equation("delta3", reads=("da3", "a2"))),
    ("1/m is in δ and again in BP4", "plain", "BP1", equation("delta3", lambda d, a: d * a * (1 - a) / 6)),
    ("sample weights are ignored", "plain", "BP1", equation("da3", lambda a, y, s: a - y)),
    ("sample weights are applied twice", "plain", "BP1", equation("da3", lambda a, y, s: (a - y) * s * s)),
    ("C ignores the sample weights", "plain", "BP1", mean_cost(weighted=False)),
    ("C is a sum, not a mean", "plain", "BP1", mean_cost(mean=False)),
    ("a wrong pair: a − y for quadratic", "plain", "BP1", table(Quadratic, "pairs", {"sigmoid": half_square})),
    (
        "σ' once more after the pair's a − y",
        "bce",
        "BP1",
        equation("delta3", lambda a, y, s: (a - y) * s * a * (1 - a)),
    ),
    (
        "the pair's cost lacks log Σ exp(z)",
        "cce",
        "BP1",
        kind("softmax_cost", lambda z, y, groups: -total((y * z).T).T),
    ),
    ("softmax's Jacobian without the sum", "softmax", "BP1", jacobian(lambda e, a: a * e)),
    ("softmax's Jacobian is a diagonal", "softmax", "BP1", jacobian(lambda e, a: a * (1 - a) * e)),
    ("softmax's sum is over samples", "softmax", "BP1", jacobian(lambda e, a: a * (e - total(a * e)))),
    ("softmax by groups is one softmax", "groups", "BP1", regrouped("a2", 4)),
    ("the groups' cost is that of one softmax", "groups", "BP1", regrouped("c", 4)),
    ("the cost omits all groups but one", "groups", "BP1", kind("softmax_cost", first_group)),
    ("the groups' boundary is another in c", "groups", "BP1", regrouped("c", 3, 1)),
    ("the Jacobian is that of one softmax", "groups, general", "BP1", regrouped("delta2", 4)),
    ("the groups' boundary is another in BP1", "groups, general", "BP1", regrouped("delta2", 2, 2)),
    ("a hidden softmax forgets its groups in BP2", "hidden groups", "BP2", regrouped("delta1", 4)),
    ("BP2 has the wrong sign", "plain", "BP2", kind("propagate", lambda d, w: -(w.T @ d))),
    ("W is not transposed", "square", "BP2", kind("propagate", lambda d, w: w @ d)),
    ("the error is propagated by the W below", "square", "BP2", equation("da2", reads=("delta3", "w2"))),
    ("the error skips a layer", "square", "BP2", equation("da1", reads=("delta3", "w2"))),
    ("the error does not pass W", "square", "BP2", equation("delta2", reads=("da3", "a2"))),
    ("σ' is missing in a hidden layer", "plain", "BP2", equation("delta2", lambda d, a: d)),
    ("hidden σ' reads the layer above", "square", "BP2", equation("delta2", reads=("da2", "a3"))),
    ("hidden σ' reads the layer below", "square", "BP2", equation("delta2", reads=("da2", "a1"))),
    (
        "sample weights in BP2",
        "plain",
        "BP2",
        equation("delta2", lambda d, a, s: d * a * (1 - a) * s, ("da2", "a2", "s")),
    ),
    ("tanh' is 1 − a, without the square", "tanh", "BP2", table(Tanh, "derivative", lambda _, z, a: 1 - a)),
    ("relu' is 1 everywhere", "relu", "BP2", table(ReLU, "derivative", lambda _, z, a: 1.0)),
    ("elu' lacks its + α", "elu", "BP2", table(ELU, "derivative", lambda _, z, a: np.where(a > 0, 1, a))),
    ("gelu' lacks the slope of Φ", "gelu", "BP2", table(GELU, "derivative", lambda self, z, a: self._phi(z))),
    ("BP4 has the wrong sign", "plain", "BP4", kind("bp4", lambda d, a: -(d @ a.T) / d.shape[1])),
    ("BP4 is transposed", "square", "BP4", kind("bp4", lambda d, a: a @ d.T / d.shape[1])),
    ("BP4 is a sum, not a mean", "plain", "BP4", kind("bp4", lambda d, a: d @ a.T)),
    ("1/m twice in BP4", "plain", "BP4", kind("bp4", lambda d, a: d @ a.T / d.shape[1] ** 2)),
    ("BP4 divides by the width, not by m", "plain", "BP4", kind("bp4", lambda d, a: d @ a.T / d.shape[0])),
    ("BP4 pairs δ with another sample's a", "plain", "BP4", kind("bp4", lambda d, a: d @ a[:, ::-1].T / d.shape[1])),
    ("BP4 reads z for a", "plain", "BP4", equation("dw2", reads=("delta2", "z1"))),
    ("BP4 reads the a of the layer before", "square", "BP4", equation("dw3", reads=("delta3", "a1"))),
    ("BP4 reads its own layer's a", "square", "BP4", equation("dw3", reads=("delta3", "a3"))),
    ("BP4 reads the δ of the layer above", "square", "BP4", equation("dw2", reads=("delta3", "a1"))),
    ("BP4 reads ∂c/∂a for δ", "plain", "BP4", equation("dw3", reads=("da3", "a2"))),
    ("BP3 is a sum, not a mean", "plain", "BP3", kind("bp3", total)),
    ("1/m twice in BP3", "plain", "BP3", kind("bp3", lambda d: total(d) / d.shape[1] ** 2)),
    ("BP3 sums over the neurons", "square", "BP3", kind("bp3", lambda d: total(d.T) / d.shape[1])),
    ("BP3 has the wrong sign", "plain", "BP3", kind("bp3", lambda d: -total(d) / d.shape[1])),
    ("BP3 is missing", "plain", "BP3", without("db2")),
    ("BP3 reads the δ of the layer above", "square", "BP3", equation("db2", reads=("delta3",))),
    ("dW lacks the penalty", "penalty", "BP4", without("dw2")),
    ("C lacks the penalty", "penalty", "BP4", mean_cost(penalties=False)),
    ("the penalty has the wrong sign", "penalty", "BP4", penalised(lambda g, w, l1, l2: g - (l1 * sign(w) + l2 * w))),
    ("the penalty's ½ is missing", "penalty", "BP4", penalised(lambda g, w, l1, l2: g + l1 * sign(w) + 2 * l2 * w)),
    ("the penalty is divided by m", "penalty", "BP4", penalised(lambda g, w, l1, l2: g + (l1 * sign(w) + l2 * w) / 6)),
    ("L1 without the sign", "penalty", "BP4", penalised(lambda g, w, l1, l2: g + l1 + l2 * w)),
    ("the penalty reads another layer's W", "penalty", "BP4", equation("dw3", reads=("dw3", "w2"))),
    ("biases are penalised", "penalty", "BP3", followed_by("db2", lambda g, b, l2: g + l2 * b, ("db2", "b2"), ("l2",))),
    ("z lacks its bias", "plain", "BP3", kind("affine", lambda a, w, b: w @ a)),
    ("z is W transposed times a", "square", "BP4", kind("affine", lambda a, w, b: w.T @ a + b)),
    ("z reads the a of the layer before", "square", "BP4", equation("z2", reads=("a0", "w2", "b2"))),
    ("dropout draws another mask in the backward pass", "dropout", "BP2", setting("da1", 2, 9)),
    ("dropout drops nothing in the backward pass", "dropout", "BP2", equation("da1", lambda e: e)),
    ("dropout does not scale in the backward pass", "dropout", "BP2", setting("da1", 1, BITS_OF_1)),
    ("batch norm without the mean term", "batch_norm", "BP2", batch_norm(mean=0)),
    ("batch norm without the product term", "batch_norm", "BP2", batch_norm(product=0)),
    ("batch norm adds the product term", "batch_norm", "BP2", batch_norm(product=-1)),
    ("batch norm omits γ in the backward pass", "batch_norm", "BP2", batch_norm(gamma=0)),
    ("batch norm divides by the variance", "batch_norm", "BP2", batch_norm(root=False)),
    ("layer norm without the mean term", "layer_norm", "BP2", layer_norm(mean=0)),
    ("layer norm without the product term", "layer_norm", "BP2", layer_norm(product=0)),
    ("layer norm's mean is over all samples", "layer_norm", "BP2", kind("feature_mean", lambda x: x.mean())),
    ("layer norm omits γ in the backward pass", "layer_norm", "BP2", equation("dlayer_norm1_normal", lambda d, g: d)),
    ("scaling omits γ in the backward pass", "scaling", "BP2", equation("da1", lambda e, g: e)),
    ("γ's gradient reads γ ⊙ x for x", "scaling", "BP3", equation("dscaling1_gamma", reads=("dscaling1", "scaling1"))),
    ("γ's gradient is a sum, not a mean", "scaling", "BP3", kind("mean_product", lambda p, q: total(p * q))),
    ("½ is missing in c and ∂c/∂a", "plain", "pass", together(*TWICE_THE_COST)),
    ("C and BP1 ignore weights", "plain", "pass", together(mean_cost(False), equation("da3", lambda a, y, *s: a - y))),
    ("C and dW lack the penalty", "penalty", "pass", together(mean_cost(penalties=False), *NO_PENALTIES)),
    ("C and dW lack the penalty's ½", "penalty", "pass", together(*TWICE_THE_PENALTY)),
    ("an update reads another layer's gradient", "square", "steps", equation("w2", reads=("w2", "dw1"))),
    ("the biases are not updated", "plain", "steps", without("b2")),
    ("W is updated before BP2 reads it", "plain", "steps", too_early("w2", "da1")),
    ("the rate is applied twice", "plain", "steps", equation("w2", lambda w, g, lr: w - lr * lr * g)),
    ("clipping takes the square of the norm", "plain", "steps", clipped(lambda sums, c: min(1, c / norm(sums) ** 2))),
    ("clipping stretches short gradients", "plain", "steps", clipped(lambda sums, c: c / norm(sums))),
    ("clipping forgets the biases", "plain", "steps", clipped(lambda sums, c: min(1, c / norm(sums[::2])))),
    ("the reported C is a sum, not a mean", "plain", "steps", mean_cost(mean=False)),
    ("sgd goes uphill", "plain", "steps", update(SGD, lambda w, g, s: (w + s["lr"] * g,))),
    ("the velocity's sign", "momentum", "rule", update(Momentum, lambda w, g, v, s: velocity(w, g, -v, s))),
    ("the velocity is lost", "momentum", "rule", update(Momentum, lambda w, g, v, s: velocity(w, g, 0, s))),
    ("nesterov does not look ahead", "nesterov", "rule", table(Nesterov, "update", Momentum.update)),
    ("adagrad forgets older squares", "adagrad", "rule", update(AdaGrad, newest_square)),
    ("rmsprop without the root", "rmsprop", "rule", update(RMSProp, no_root)),
    ("adam without bias correction", "adam", "rule", table(Adam, "scalars", uncorrected)),
    ("adamw's decay grows the weights", "adamw", "rule", table(AdamW, "update", growing)),
    ("nadam does not look ahead", "nadam", "rule", together(*AS_ADAM)),
]
FAULTS = [Fault(*line) for line in LINES]

"""Wrong δ of one layer: BP1 at the output, BP2 in a hidden layer.

Each is a wrong error that arrives, a wrong gate, or both. Given are the pass, and for BP2 what was found of the layer
above; the first of all is the right δ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from glassnet.check.mistakes.fault import Mistake, digits
from glassnet.check.mistakes.passes import Dense, Pass, transposed
from glassnet.program.parameters import Array
from glassnet.tables.activations import Softmax, activation

DETAIL = 0.04  # the weight of what is said of another mistake, and is none of its own
Part = tuple[Mistake | None, Array]


class Above(NamedTuple):
    """What is known of the layers above: δ and ∂c/∂a of each, by layer, and the dw that the layer above returned."""

    deltas: dict[int, Array]
    arriving: dict[int, Array]
    dw: Array | None


class Error(NamedTuple):
    """A δ of a layer, the ∂c/∂a it came from, and the mistakes in it."""

    mistakes: tuple[Mistake, ...]
    arriving: Array
    delta: Array


# ---- the gates, of the output and of hidden layers


def gates(run: Pass, right: Dense, layer: int, error: Array) -> Iterator[Part]:
    """δ for a ∂c/∂a that arrives, first through the right gate. `right` is the layer as it should be."""
    equation, z, a, used = "BP1" if layer == run.last else "BP2", run.z[layer], run.a[layer], run.dense[layer - 1]
    yield None, used.error(error, z, a)
    if used != right:
        yield from _kept_gates(right, equation, z, a, error)
    yield Mistake(equation, _missing(used)), error
    if not used.activation.elementwise:
        yield from _softmax_gates(used, equation, a, error)
        return
    slope = used.error(np.ones_like(error), z, a)
    forms = {
        "σ' is applied twice {where}.": slope * slope,
        "σ'(a) stands for σ'(z) {where}: the derivative is taken at a.": _slope(used, a),
        "z is used where the derivative needs a {where}: a form such as a·(1 − a) is given z.": _slope(used, z, z),
        "σ(z) itself stands for σ'(z) {where}.": a,
        "the gate of relu is taken from δ, where δ > 0, instead of from z {where}.": error > 0,
    }
    for sentence, factor in forms.items():
        yield Mistake(equation, sentence), error * factor
    yield from _other_slopes(equation, z, a, error)
    yield from _neighbours(run, layer, equation, error)


def _missing(used: Dense) -> str:
    if used.activation.elementwise:
        return "σ' is missing {where}."
    return "the error is not multiplied by the derivative of softmax, its Jacobian."


def _slope(dense: Dense, z: Array, a: Array | None = None) -> Array:
    """σ' at a z, with its own a unless another is given."""
    return dense.error(np.ones_like(z), z, dense.value(z) if a is None else a)


def _kept_gates(right: Dense, equation: str, z: Array, a: Array, error: Array) -> Iterator[Part]:
    """The derivative of the right activation behind another one's value."""
    if not right.activation.elementwise:
        yield None, np.stack([_jacobian(right, p, q) for p, q in zip(a, error, strict=True)])
        return
    kept = Mistake(equation, f"σ' {{where}} is still that of {right.activation.name}.", weight=DETAIL)
    yield kept, error * _slope(right, z)
    yield kept, error * _slope(right, z, a)


def _jacobian(dense: Dense, a: Array, error: Array) -> Array:
    return np.asarray(Softmax(dense.groups).jacobian_product(a, error))


def _softmax_gates(used: Dense, equation: str, a: Array, error: Array) -> Iterator[Part]:
    diagonal = "only the diagonal of softmax's Jacobian is used; a ⊙ (∂c/∂a − Σ a·∂c/∂a) is the whole product."
    yield Mistake(equation, diagonal), error * a * (1 - a)
    yield Mistake(equation, "softmax's Jacobian lacks its sum: a ⊙ (∂c/∂a − Σ a·∂c/∂a) is the product."), error * a
    over_samples = a * (error - (a * error).sum(axis=-1, keepdims=True))
    yield Mistake(equation, "the sum in softmax's Jacobian is over the samples, not over the outputs."), over_samples


def _other_slopes(equation: str, z: Array, a: Array, error: Array) -> Iterator[Part]:
    """The derivatives of other activations, of z and as forms of a."""
    for name in ("sigmoid", "tanh", "relu", "linear"):
        other = Dense(activation(name), ())
        mistake = Mistake(equation, f"σ' is that of {name} {{where}}, whatever the activation.")
        yield mistake, error * _slope(other, z)
        yield mistake, error * _slope(other, z, a)
    yield Mistake(equation, "tanh' lacks its square {where}: 1 − a instead of 1 − a²."), error * (1 - a)
    yield Mistake(equation, "σ' is 1 − z² {where}: z stands where a belongs."), error * (1 - z * z)
    yield Mistake(equation, "σ' has the wrong sign inside {where}: a·(1 + a) or 1 + a²."), error * a * (1 + a)
    yield Mistake(equation, "σ' has the wrong sign inside {where}: a·(1 + a) or 1 + a²."), error * (1 + a * a)


def _neighbours(run: Pass, layer: int, equation: str, error: Array) -> Iterator[Part]:
    """σ' at the z of the layer above or below."""
    for shift, which in ((1, "above"), (-1, "below")):
        other = layer + shift
        if 0 <= other <= run.last and run.a[other].shape == error.shape:
            sentence = f"σ' is taken at the z of the layer {which} (shifted layer) {{where}}."
            mistake = Mistake(equation, sentence, needs_square=True)
            z = run.z[other] if other else run.x
            yield mistake, error * _slope(run.dense[layer - 1], z)
            if other:
                yield mistake, error * run.dense[other - 1].error(np.ones_like(error), run.z[other], run.a[other])
            yield mistake, error * _slope(run.dense[layer - 1], z, run.a[other])


def _gated(run: Pass, right: Dense, layer: int, arriving: Part, max_mistakes: int) -> Iterator[Error]:
    """An error that arrives through every gate; through the right one alone where no second mistake is wanted."""
    for gate_mistake, delta in gates(run, right, layer, arriving[1]):
        mistakes = tuple(one for one in (arriving[0], gate_mistake) if one)
        if sum(one.weight > DETAIL for one in mistakes) > max_mistakes:
            return
        yield Error(mistakes, arriving[1], delta)


# ---- BP1


def output_errors(run: Pass, right: Dense, max_mistakes: int = 2) -> Iterator[Error]:
    """δ of the output, the right one first."""
    a, y = run.a[-1], run.y
    pair = run.is_pair(right) or run.is_pair(run.output)
    raw = run.cost_gradient()
    if pair:
        yield Error((), raw, a - y)
        name = right.activation.name
        once_more = f"σ' is applied once more after a − y; with {name} and this cost it has cancelled already."
        yield Error((Mistake("BP1", once_more),), raw, run.output.error(a - y, run.z[-1], a))
        if not run.output.activation.elementwise:
            diagonal = (
                f"a − y is multiplied by a·(1 − a), the diagonal of {name}'; with this cost {name}' has cancelled."
            )
            yield Error((Mistake("BP1", diagonal),), raw, (a - y) * a * (1 - a))
        for cost_mistake, arriving in _wrong_cost_gradients(run, pair):
            mistakes = (cost_mistake,) if cost_mistake else ()
            yield Error(mistakes, arriving, run.output.error(arriving, run.z[-1], a))
        for wrong, error in _wrong_errors(run):
            yield Error((wrong,), error, error)
    costs: list[Part] = [(None, raw), *_wrong_cost_gradients(run, pair), *_wrong_errors(run)]
    for cost_mistake, arriving in costs:
        yield from _gated(run, right, run.last, (cost_mistake, arriving), max_mistakes)


def _wrong_cost_gradients(run: Pass, pair: bool) -> Iterator[Part]:
    """Something else in the place of ∂c/∂a."""
    a, y, cost = run.a[-1], run.y, run.cost.name
    if not pair:
        yield Mistake("BP1", "∂c/∂a is a − y, that of the quadratic cost, but the cost is another."), a - y
    if "cross_entropy" in cost:
        yield Mistake("BP1", "∂c/∂a is −y/a alone; the term (1 − y)/(1 − a) is missing."), -y / a
        yield Mistake("BP1", "∂c/∂a is (1 − y)/(1 − a) alone; the term −y/a is missing."), (1 - y) / (1 - a)
        yield Mistake("BP1", "∂c/∂a is that of binary cross-entropy, but the cost is another."), (a - y) / (a * (1 - a))
        yield Mistake("BP1", "∂c/∂a has the wrong sign in one term."), -y / a - (1 - y) / (1 - a)
        yield Mistake("BP1", "the cost itself stands for its gradient: −y·log(a)."), -y * np.log(a)


def _wrong_errors(run: Pass) -> Iterator[tuple[Mistake, Array]]:
    """Something else in the place of a − y."""
    a, y, z = run.a[-1], run.y, run.z[-1]
    yield Mistake("BP1", "y is added to a instead of subtracted."), a + y
    yield Mistake("BP1", "the targets are not used: the error is a itself."), a
    yield Mistake("BP1", "the error is z − y: the output before its activation stands for a."), z - y
    yield Mistake("BP1", "the squared error stands for its derivative, a − y."), (a - y) ** 2
    yield Mistake("BP1", "|a − y| stands for a − y: the error has lost its sign."), np.abs(a - y)
    yield Mistake("BP1", "only the sign of a − y is used."), np.sign(a - y)


# ---- BP2


def hidden_errors(run: Pass, right: Dense, layer: int, above: Above, max_mistakes: int = 2) -> Iterator[Error]:
    """δ of a hidden layer, the right one first, for a δ of the layer above."""
    for part in arriving_errors(run, layer, above):
        yield from _gated(run, right, layer, part, max_mistakes)


def arriving_errors(run: Pass, layer: int, above: Above) -> Iterator[Part]:
    """∂c/∂a of a hidden layer: Wᵀ·δ of the layer above, and what may stand in its place."""
    w, delta, shape = run.w[layer + 1], above.deltas[layer + 1], run.a[layer].shape
    yield None, transposed(w) @ delta
    early = "the error is passed back before it went through σ' of the layer above: Wᵀ·∂c/∂a instead of Wᵀ·δ."
    yield Mistake("BP2", early), transposed(w) @ above.arriving[layer + 1]
    if w.shape[-1] == w.shape[-2]:
        yield Mistake("BP2", "W is not transposed on the way back: W·δ instead of Wᵀ·δ.", True), w @ delta
    unweighted = "the error is not multiplied by the weights: every neuron gets Σδ."
    yield Mistake("BP2", unweighted), np.ones_like(transposed(w)) @ delta
    if delta.shape == shape:
        yield Mistake("BP2", "δ of the layer above is used as it is, without Wᵀ.", True), delta
    yield Mistake("BP2", "the error passes through |W| instead of W."), transposed(np.abs(w)) @ delta
    for shift, which in ((0, "below"), (2, "above")):
        if 1 <= layer + shift <= run.last and run.w[layer + shift].shape == w.shape:
            sentence = f"the error arrives through the W of the layer {which} (shifted layer)."
            yield Mistake("BP2", sentence, True), transposed(run.w[layer + shift]) @ delta
    yield from _other_deltas(run, layer, above)
    if run.b[layer + 1].any():
        yield from _bias_columns(run, layer, delta)


def _other_deltas(run: Pass, layer: int, above: Above) -> Iterator[Part]:
    """Wᵀ times the δ of a layer further up."""
    w = run.w[layer + 1]
    for other, delta in above.deltas.items():
        if other <= layer + 1 or delta.shape != above.deltas[layer + 1].shape:
            continue
        sentence = "the δ of two layers above is used instead of that of the layer above (shifted layer)."
        if other == run.last:
            sentence = "every layer gets the error of the output instead of the δ of the layer above."
        yield Mistake("BP2", sentence, True), transposed(w) @ delta


def _bias_columns(run: Pass, layer: int, delta: Array) -> Iterator[Part]:
    """Biases are folded into W, and the wrong column is cut off on the way back."""
    w, b = run.w[layer + 1], run.b[layer + 1]
    sentence = "the column of the bias stays in W on the way back, and a column of weights is cut off."
    for folded in (np.concatenate([b, w[..., :-1]], axis=-1), np.concatenate([w[..., 1:], b], axis=-1)):
        yield Mistake("BP2", sentence), transposed(folded) @ delta


def early_update(lr: float) -> Mistake:
    """W has taken its step, of this learning rate, before the error passes through it."""
    sentence = "W is updated before the error passes through it; use the W of the forward pass (lr = {lr})."
    return Mistake("BP2", sentence.format(lr=digits(lr, 4)))

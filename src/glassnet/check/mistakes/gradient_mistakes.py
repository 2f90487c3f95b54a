"""Wrong dW (BP4) and wrong db (BP3) of one layer, given its δ; the first of each is the right one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glassnet.check.mistakes.error_mistakes import Error
from glassnet.check.mistakes.fault import Mistake
from glassnet.check.mistakes.passes import Pass, transposed
from glassnet.program.parameters import Array

Part = tuple[Mistake | None, Array]
LESS_LIKELY = 1.1  # than a δ that is wrong in the same way
ONE_NUMBER = "all biases of a layer get one number: δ is summed over the neurons, too."
EARLY = "is taken before the gate, from ∂c/∂a instead of δ."


def product(delta: Array, a: Array) -> Array:
    """BP4 in every trial."""
    return np.asarray(delta @ transposed(a) / delta.shape[-1])


def mean(array: Array) -> Array:
    """The mean over the samples in every trial."""
    return np.asarray(array.mean(axis=-1, keepdims=True))


def weight_gradients(run: Pass, layer: int, error: Error, above: Array | None) -> Iterator[Part]:
    """dW of a layer; `above` is the δ of the layer above."""
    delta, a, arriving = error.delta, run.a[layer - 1], error.arriving
    right = product(delta, a)
    yield None, right
    if right.shape[-1] == right.shape[-2]:
        yield Mistake("BP4", "dW is transposed: a·δᵀ instead of δ·aᵀ.", True), transposed(right)
    yield Mistake("BP4", f"dW {EARLY}"), product(arriving, a)
    if layer > 1:
        yield Mistake("BP4", "z of the layer below stands for its a."), product(delta, run.z[layer - 1])
        open_gates = (run.a[layer - 1] > 0).astype(float)
        written = "a of the layer below holds 0 and 1: relu's derivative is written in place, into a itself."
        yield Mistake("BP4", written), product(delta, open_gates)
        below = run.dense[layer - 2].error(np.ones_like(a), run.z[layer - 1], a)
        yield Mistake("BP4", "σ' of the layer below stands for its a."), product(delta, below)
    yield from _samples(delta, a)
    yield (
        Mistake("BP4", "the mean of δ times the mean of a stands for the mean of δ·aᵀ."),
        mean(delta) @ transposed(mean(a)),
    )
    yield Mistake("BP4", "δ is paired with the a of another sample: their order differs."), product(delta, a[..., ::-1])
    yield Mistake("BP4", "dW does not contain a: it is δ summed over the batch."), product(delta, np.ones_like(a))
    yield Mistake("BP4", "dW does not contain δ: it is a summed over the batch."), product(np.ones_like(delta), a)
    yield Mistake("BP4", "|δ| stands for δ."), product(np.abs(delta), a)
    yield Mistake("BP4", "dW is multiplied by W."), right * run.w[layer]
    yield (
        Mistake("BP4", "σ' is applied once more in dW.", weight=LESS_LIKELY),
        product(run.dense[layer - 1].error(delta, run.z[layer], run.a[layer]), a),
    )
    yield from _shifted(run, layer, delta, above)


def _samples(delta: Array, a: Array) -> Iterator[Part]:
    """dW of a part of the batch."""
    parts = {
        "dW comes from the first sample alone.": slice(0, 1),
        "dW comes from the last sample alone.": slice(-1, None),
        "the last sample is left out of dW.": slice(0, -1),
        "the first sample is left out of dW.": slice(1, None),
    }
    for sentence, part in parts.items():
        yield Mistake("BP4", sentence, any_scale="alone" in sentence), product(delta[..., part], a[..., part])
    for n in range(1, delta.shape[-1] - 1):  # a shuffled batch ends with any sample
        one = slice(n, n + 1)
        yield Mistake("BP4", "dW comes from one sample alone.", any_scale=True), product(delta[..., one], a[..., one])


def _shifted(run: Pass, layer: int, delta: Array, above: Array | None) -> Iterator[Part]:
    """The a or the δ of another layer, where the widths allow it."""
    shape = run.a[layer - 1].shape
    same = "a of the same layer stands for that of the layer below (shifted layer)."
    lower = "a of two layers below stands for that of the layer below (shifted layer)."
    for sentence, other in ((same, layer), (lower, layer - 2), ("x stands for a of the layer below.", 0)):
        if 0 <= other != layer - 1 and run.a[other].shape == shape:
            yield Mistake("BP4", sentence, True), product(delta, run.a[other])
    if above is not None and above.shape == delta.shape:
        sentence = "δ of the layer above stands for that of the layer itself (shifted layer)."
        yield Mistake("BP4", sentence, True), product(above, run.a[layer - 1])


def bias_gradients(run: Pass, layer: int, error: Error, above: Array | None) -> Iterator[Part]:
    """db of a layer; `above` is the δ of the layer above."""
    delta, right = error.delta, mean(error.delta)
    yield None, right
    yield Mistake("BP3", f"db {EARLY}"), mean(error.arriving)
    parts = {
        "db comes from the first sample alone.": slice(0, 1),
        "db comes from the last sample alone.": slice(-1, None),
        "the last sample is left out of db.": slice(0, -1),
        "the first sample is left out of db.": slice(1, None),
    }
    for sentence, part in parts.items():
        yield Mistake("BP3", sentence, any_scale="alone" in sentence), mean(delta[..., part])
    for n in range(1, delta.shape[-1] - 1):
        yield Mistake("BP3", "db comes from one sample alone.", any_scale=True), delta[..., n : n + 1]
    if delta.shape[-2] > 1:
        all_neurons = right.mean(axis=-2, keepdims=True) + np.zeros_like(right)
        yield Mistake("BP3", ONE_NUMBER, any_scale=True), all_neurons
    if delta.shape[-2] == delta.shape[-1]:
        sentence = "δ is summed over the wrong axis: over neurons, not over samples."
        yield Mistake("BP3", sentence, True), delta.mean(axis=-2)[..., np.newaxis]
    a = run.a[layer - 1]
    yield Mistake("BP3", "db is a sum of dW's entries instead of δ's."), product(delta, a).sum(axis=-1, keepdims=True)
    yield Mistake("BP3", "db is multiplied by a or z of its own layer."), mean(delta * run.a[layer])
    yield Mistake("BP3", "db is multiplied by b."), right * run.b[layer]
    yield Mistake("BP3", "|δ| stands for δ."), mean(np.abs(delta))
    gated = run.dense[layer - 1].error(delta, run.z[layer], run.a[layer])
    yield Mistake("BP3", "σ' is applied once more in db.", weight=LESS_LIKELY), mean(gated)
    if above is not None and above.shape == delta.shape:
        sentence = "δ of the layer above stands for that of the layer itself (shifted layer)."
        yield Mistake("BP3", sentence, True), mean(above)

"""Findings about what a network is made of: layers and settings with which it cannot learn, whatever the rate."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from glassnet.errors import counted, percent
from glassnet.program.architecture import Dense
from glassnet.program.parameters import Array
from glassnet.see.evidence import LEARNT_ENOUGH, NOTHING_LEARNT, Evidence, Finding
from glassnet.tables.layer import Layer
from glassnet.tables.layers import Dropout, LayerNorm

MAX_DROPOUT = 0.9
MAX_CLOSED = 0.9  # share of the samples at which the output's slope is 0
MIN_GAIN = 0.3  # the factor by which a layer's weights pass on a signal
MIN_PENALTY = 1e-3  # l1 + l2 below which a usual network is not held back
MAX_LEARNT = 0.5  # share of what a regression explains, with which no penalty is too strong
MIN_SAMPLES = 20  # with fewer, an output may be 0 that other samples raise
MIN_CURVATURE_GAIN = 0.15  # share of y's variance that a smooth regression explains and a linear one does not
FEW_ROWS = 20  # up to here, the linear regression is exact and no row is left out


def symmetric(evidence: Evidence) -> Finding | None:
    """The units of a hidden layer are copies of one another."""
    weights = [evidence.model.parameters[f"w{n}"] for n in range(1, len(evidence.model.architecture.dense) + 1)]
    for layer, (w, after) in enumerate(pairwise(weights), 1):
        if len(w) > 1 and _equal(w) and _equal(after.T):
            return Finding(
                "symmetric start",
                f"all {len(w)} units of layer {layer} have the same weights, in and out.",
                "BP2 and BP4: equal weights out give the units equal errors δ, and equal weights in give them equal a, "
                "so dW is the same for all of them and they stay copies.",
                f"{evidence.wording.redraw_weights}.",
                f"the units differ from the first step on, and the layer works as {len(w)} units, not as one.",
            )
    return None


def _equal(rows: Array) -> bool:
    """Whether all rows are equal, to one part in a million."""
    return bool(np.ptp(rows, axis=0).max() <= 1e-6 * np.abs(rows).max())


def dead_output(evidence: Evidence) -> Finding | None:
    """An output has slope 0 for every sample, or for almost every sample while nothing is learnt."""
    shares, dense = evidence.of("dead"), evidence.model.architecture.dense[-1]
    few = evidence.x is not None and len(evidence.x) < MIN_SAMPLES and not evidence.is_complete
    if not len(shares) or few or dense.activation.range.is_bounded or dense.after:
        return None
    closed = float(evidence.of("saturated")[-1])
    if not shares[-1] and (closed < MAX_CLOSED or not evidence.learnt_less_than(NOTHING_LEARNT)):
        return None
    if not evidence.learnt_less_than(LEARNT_ENOUGH):
        return None
    count, name = max(1, round(shares[-1] * dense.fan_out)), dense.activation.name
    which = f"the output ({name}) has" if dense.fan_out == 1 else f"{count} of {dense.fan_out} outputs ({name}) have"
    return Finding(
        "dead output",
        f"{which} σ'(z) ≈ 0 for {'every sample' if shares[-1] else f'{percent(closed)} of the samples'} that "
        f"{'was' if shares[-1] else 'were'} measured{evidence.levels}.",
        "BP1: δ = ∂c/∂a ⊙ σ'(z) is 0 where σ'(z) is, so no error enters the network and no step changes anything.",
        f"{evidence.wording.linear_output} ({name} belongs in hidden layers), and new initial weights.",
        "δ of the last layer is not 0, and the cost falls from the first epoch on.",
    )


def strong_dropout(evidence: Evidence) -> Finding | None:
    """So few values survive dropout that a step sees almost nothing of x."""
    if not evidence.learnt_less_than(LEARNT_ENOUGH):
        return None
    for where, width, layer in _layers(evidence):
        if isinstance(layer, Dropout) and layer.rate >= MAX_DROPOUT:
            return Finding(
                "dropout too strong",
                f"Dropout({layer.rate:g}) keeps {(1 - layer.rate) * width:.2g} of the {counted(width, 'value')} of "
                f"{where} in a step, on average{evidence.levels}.",
                "forward: a value that is dropped is 0, and so is its part in dW (BP4); the few that are kept are "
                f"multiplied by {1 / (1 - layer.rate):.3g}.",
                f"{evidence.wording.less_dropout}.",
                "a cost that falls below that of a constant prediction within some epochs."
                if evidence.learnt_less_than(NOTHING_LEARNT)
                else "a lower cost, after fewer epochs.",
            )
    return None


def batch_of_one(evidence: Evidence) -> Finding | None:
    """Batch normalisation of a single sample: every value becomes 0."""
    size = 0 if evidence.history is None else evidence.history.layers.batch_size
    if size != 1 or not evidence.learnt_less_than(LEARNT_ENOUGH):
        return None
    for where, _, layer in _layers(evidence):
        if layer.statistics:
            return Finding(
                "batches of one sample",
                f"BatchNorm of {where} subtracts the mean of the batch, which is the one sample itself, so that all "
                f"samples look alike in training{evidence.levels}.",
                "forward: x̂ = (x − mean of the batch) / standard deviation is 0 for a batch of 1, and so is every "
                "gradient below it.",
                f"{evidence.wording.larger_batch}.",
                "a cost that falls below that of a constant prediction within some epochs.",
            )
    return None


def _layers(evidence: Evidence) -> Iterator[tuple[str, int, Layer]]:
    """All layers between the dense ones: where they are, how many values they see, and themselves."""
    architecture = evidence.model.architecture
    for layer in architecture.input_layers:
        yield evidence.wording.x, architecture.inputs, layer
    for number, dense in enumerate(architecture.dense, 1):
        for layer in (*dense.before, *dense.after):
            yield f"layer {number}", dense.fan_out, layer


def strong_penalty(evidence: Evidence) -> Finding | None:
    """The penalty holds the weights so small that x hardly reaches the output, though x predicts y."""
    architecture = evidence.model.architecture
    if not architecture.penalised or not evidence.costs.size or evidence.learnt is None:
        return None
    if evidence.learnt > MAX_LEARNT or sum(evidence.penalty_scale) < MIN_PENALTY:
        return None  # whatever a regression explains, which takes longer to find out than all else here
    scores = evidence.predictability
    weights = [evidence.model.parameters[f"w{n}"] for n in range(1, len(architecture.dense) + 1)]
    gains = [float(np.sqrt(np.square(w, dtype=np.float64).sum() / min(w.shape))) for w in weights]
    layer = int(np.argmin(gains))
    if scores is None or evidence.learnt > MAX_LEARNT * scores.best or scores.best < MIN_GAIN:
        return None
    collapsed, dominates = gains[layer] <= MIN_GAIN, evidence.penalty > (evidence.reached or 0)
    if not collapsed and not (dominates and evidence.weight_growth < 1):
        return None
    small = f"the weights of layer {layer + 1} pass on {gains[layer]:.2g} of a signal"
    large = f"the penalty adds {evidence.penalty:.3g} to the cost, more than the errors do"
    return Finding(
        "penalty too strong",
        f"{small if collapsed else large}, though a regression explains "
        f"{percent(scores.best)} of the variance of y{evidence.levels}.",
        "cost: C includes l1·Σ|w| + l2/2·Σw², and every step pulls the weights towards 0 by lr·(l1·sign(w) + l2·w).",
        f"{evidence.wording.less_penalty}.",
        "larger weights, and predictions that differ from row to row.",
    )


def linear(evidence: Evidence) -> Finding | None:
    """Without a curved activation between two layers, the network is a linear model, and y is no linear function."""
    dense = evidence.model.architecture.dense
    if not _is_linear(dense) or not evidence.learnt_less_than(LEARNT_ENOUGH):
        return None
    reason = _curvature(evidence)
    if reason is None:
        return None
    count = len(dense) - 1
    kind = f"{counted(count, 'hidden layer')}, all with the activation linear" if count else "no hidden layer"
    return Finding(
        "no better than a linear model",
        f"the network has {kind}; {reason}{evidence.levels}.",
        "forward: W2·(W1·x + b1) + b2 is again W·x + b; only an activation that is not linear, between two layers, "
        "makes more of it.",
        f"{evidence.wording.curved_hidden if count else evidence.wording.hidden_layer}.",
        "a cost well below that of a linear model.",
    )


def _is_linear(dense: tuple[Dense, ...]) -> bool:
    """Whether z of the last layer is a linear function of x."""
    curved = any(isinstance(layer, LayerNorm) for each in dense for layer in (*each.before, *each.after))
    return not curved and all(each.activation.name == "linear" for each in dense[:-1])


def _curvature(evidence: Evidence) -> str | None:
    """Evidence that a function of x that is not linear predicts y much better; None where there is none."""
    scores = evidence.predictability
    if scores is not None:
        explains_more = scores.kernel - max(scores.linear, 0) > MIN_CURVATURE_GAIN
        if not explains_more or (evidence.learnt is not None and evidence.learnt > 0.6 * scores.kernel):
            return None
        if evidence.still_falls and scores.linear > 2 * NOTHING_LEARNT:
            return None
        return (
            f"a linear regression on {scores.samples:,.0f} rows explains {percent(max(scores.linear, 0))} of the "
            f"variance of rows left out, a smooth one {percent(scores.kernel)}"
        )
    x, y = evidence.x, evidence.y
    if x is None or y is None or not 2 < len(x) <= FEW_ROWS or not evidence.learnt_less_than(NOTHING_LEARNT):
        return None
    explained = _explained_by_a_plane(np.asarray(x, np.float64), np.asarray(y, np.float64))
    if explained > 2 * NOTHING_LEARNT or len(np.unique(x, axis=0)) < len(x):
        return None
    return f"the best linear function of x explains {percent(explained)} of the variance of y"


def _explained_by_a_plane(x: Array, y: Array) -> float:
    """R² of the linear regression on these rows; 1 where y is constant."""
    columns = np.column_stack([x, np.ones(len(x))])
    errors = y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
    total = float(np.square(y - y.mean(axis=0)).sum())
    return 1 - float(np.square(errors).sum()) / total if total > 0 else 1.0

"""Findings about how a network learns, from its layers and the costs of its run; each rule returns one, or None."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from glassnet.program.parameters import Array
from glassnet.see.evidence import Evidence, Finding
from glassnet.tables.activations import Activation

MIN_SAMPLES = 20  # with fewer, units may be inactive that other samples activate
MIN_ERROR_RATIO, MAX_ERROR_RATIO = 1e-3, 50.0  # δ of the first layer over δ of the last
LEARNT_ENOUGH = 0.8  # share of what can be learnt; from here on, saturated units do no harm
MAX_SATURATED, MAX_DEAD = 0.5, 0.4  # shares of a layer
MAX_UPDATE = 0.1  # ‖change of W‖ / ‖W‖ of one step
MAX_NOISE_SCALE = 10.0  # in batches
MAX_VALIDATION_GAP = 0.4  # between the two costs, as a share of what can be learnt
MIN_OSCILLATION = 0.01  # from epoch to epoch, as a share of the cost above the least possible


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


def exploding(evidence: Evidence) -> Finding | None:
    """The error grows on its way back."""
    delta = evidence.of("delta")
    if len(delta) < 3 or not delta[0] > MAX_ERROR_RATIO * delta[-1] > 0:
        return None
    return Finding(
        "exploding gradients",
        f"δ is {_sizes(delta)} from layer 1 to {len(delta)}: {delta[0] / delta[-1]:.3g} times larger at the first.",
        "BP2: δ = Wᵀ·δ ⊙ σ'(z) once per layer; large weights multiply it each time.",
        f"{evidence.wording.smaller_weights}.",
        f"δ of the first layer comes within a factor of {MAX_ERROR_RATIO:g} of the last, and larger rates work.",
    )


def saturated(evidence: Evidence) -> Finding | None:
    """Most units of a layer with a bounded activation are saturated, and little is learnt."""
    architecture, shares = evidence.model.architecture, evidence.of("saturated")
    if not len(shares) or not evidence.learnt_less_than(LEARNT_ENOUGH):
        return None
    limit = MAX_SATURATED if evidence.learnt is not None else 0.5 + MAX_SATURATED / 2
    paired = architecture.dense[-1].activation.name in architecture.cost.pairs
    for layer, dense in enumerate(architecture.dense[: -1 if paired else None], 1):
        if _is_bounded(dense.activation) and shares[layer - 1] > limit:
            return Finding(
                "saturated units",
                f"{shares[layer - 1]:.0%} of the outputs of layer {layer} ({dense.activation.name}) have σ'(z) "
                f"below 5 % of its largest value{_learnt(evidence)}.",
                "BP2 (BP1 at the output): the error arrives, but the gate ⊙ σ'(z) lets almost nothing of it pass.",
                f"{evidence.wording.leave_saturation}.",
                f"fewer than {MAX_SATURATED:.0%} of them are saturated after the first epochs, and the cost falls.",
            )
    return None


def _is_bounded(activation: Activation) -> bool:
    """Whether an activation's range is finite on both sides."""
    return bool(np.isfinite([activation.range.low, activation.range.high]).all())


def dead(evidence: Evidence) -> Finding | None:
    """Many units of a layer are inactive for every sample."""
    if evidence.x is not None and len(evidence.x) < MIN_SAMPLES:
        return None
    shares = evidence.of("dead")[:-1]
    for layer, share in enumerate(shares, 1):
        dense = evidence.model.architecture.dense[layer - 1]
        if share > MAX_DEAD and not _is_bounded(dense.activation):
            return Finding(
                "dead units",
                f"{share:.0%} of the {dense.fan_out} units of layer {layer} ({dense.activation.name}) have σ'(z) ≈ 0 "
                "for every sample that was measured.",
                "BP2 and BP4: σ'(z) = 0 for all samples makes δ = 0 and dW = 0, so no step brings them back.",
                f"{evidence.wording.revive_units}.",
                f"fewer than {MAX_DEAD:.0%} are dead; more than {round((1 - share) * dense.fan_out)} units can learn.",
            )
    return None


def vanishing(evidence: Evidence) -> Finding | None:
    """The error fades on its way back, and little is learnt."""
    delta = evidence.of("delta")
    fades = len(delta) > 2 and 0 <= delta[0] < MIN_ERROR_RATIO * delta[-1]
    if not fades or not evidence.learnt_less_than(LEARNT_ENOUGH):
        return None
    names = {dense.activation.name for dense in evidence.model.architecture.dense[:-1]}
    return Finding(
        "vanishing gradients",
        f"δ is {_sizes(delta)} from layer 1 to {len(delta)}: {delta[0] / delta[-1]:.2g} of the last arrives at the "
        f"first{_learnt(evidence)}.",
        f"BP2: δ = Wᵀ·δ ⊙ σ'(z) once per layer, and σ' of {', '.join(sorted(names))} with these weights makes it "
        "smaller each time (sigmoid's is ¼ at most).",
        f"{evidence.wording.avoid_vanishing}.",
        f"more than {MIN_ERROR_RATIO:g} of δ arrives at the first layer, and the cost falls from the first epochs on.",
    )


def rate_too_high(evidence: Evidence) -> Finding | None:
    """The run diverged, its cost rose, or its steps are as large as the weights."""
    costs, update, (oscillation, batches) = evidence.costs, evidence.updates, evidence.oscillation
    stopped = "" if evidence.history is None else evidence.history.stopped
    if stopped.startswith("training diverged"):
        reason = stopped.split("; the network")[0] + "."
    elif not evidence.learnt_less_than(LEARNT_ENOUGH):
        return None
    elif len(costs) > 1 and np.median(costs[-3:]) > 1.2 * costs.min() and _climbs(costs):
        reason = f"the cost of an epoch went from {costs.min():.3g} up to {np.median(costs[-3:]):.3g}."
    elif oscillation > 0.1 and 0 < batches < MAX_NOISE_SCALE:
        reason = (
            f"the cost oscillates by {oscillation:.0%} from epoch to epoch and no longer falls, though a batch is "
            f"large enough (noise scale {batches:.2g} batches){_learnt(evidence)}."
        )
    elif update is not None and update > MAX_UPDATE:
        reason = f"a step changes the weights by {update:.0%} of their size{_learnt(evidence)}."
    else:
        return None
    return Finding(
        "rate too high",
        reason,
        "update: W ← W − lr·dW follows the slope, and a long step leaves the region where that slope holds.",
        f"{evidence.wording.learning_rate} ten times smaller{_rate(evidence, 0.1)}.",
        "the cost falls from epoch to epoch, more slowly at first.",
    )


def _climbs(costs: Array) -> bool:
    """Whether the cost ends higher than its minimum, by more than it oscillates."""
    oscillation = np.median(np.abs(np.diff(costs)))
    return bool(np.median(costs[-3:]) - costs.min() > 3 * oscillation or np.median(costs[-3:]) > 1.2 * costs[0])


def rate_too_low(evidence: Evidence) -> Finding | None:
    """The cost fell steadily to the end and is still far from the least possible."""
    costs = evidence.costs
    if len(costs) < 5 or not evidence.learnt_less_than(0.5) or not costs[0] > costs[-1] > 0.5 * costs[0]:
        return None
    falls, total = -np.diff(costs), costs[0] - costs[-1]
    late = (costs[-1 - len(falls) // 3] - costs[-1]) / max(1, len(falls) // 3)
    if (falls > 0).mean() < 0.8 or late < 0.5 * total / len(falls):
        return None
    update = evidence.updates
    size = "" if update is None else f", a step changes the weights by {update:.2g} of their size"
    return Finding(
        "rate too low",
        f"the cost fell in {(falls > 0).mean():.0%} of the epochs and still falls, but only from {costs[0]:.4g} to "
        f"{costs[-1]:.4g}{size}{_learnt(evidence)}.",
        "update: W ← W − lr·dW; the cost drops by about lr·‖dW‖² per step.",
        f"{evidence.wording.learning_rate} ten times larger{_rate(evidence, 10)}, or many more epochs.",
        "the cost falls about ten times as fast, as long as it falls evenly.",
    )


def noisy_batch(evidence: Evidence) -> Finding | None:
    """The cost oscillates more than it falls, and the batch is small compared with the gradients' noise."""
    oscillation, batches = evidence.oscillation
    is_noisy = oscillation >= MIN_OSCILLATION and batches >= MAX_NOISE_SCALE
    if evidence.history is None or not is_noisy or not evidence.learnt_less_than(LEARNT_ENOUGH):
        return None
    batch, larger = evidence.history.layers.batch_size, min(batches, 16)
    power_of_two = int(2 ** np.ceil(np.log2(batch * larger)))
    return Finding(
        "batch too noisy",
        f"the cost oscillates by {oscillation:.0%} from epoch to epoch and no longer falls; for a gradient as large as "
        f"its noise a batch would need about {batches * batch:,.0f} samples, and has {batch}.",
        "BP4: dW = δ·aᵀ / m is a mean over the batch, and its noise shrinks as 1/√m only.",
        f'batch_size={power_of_two}, or a schedule that lets lr fall (schedule="cosine").',
        f"oscillation about {np.sqrt(larger):.0f} times smaller, and a lower cost at the end.",
    )


def overfit(evidence: Evidence) -> Finding | None:
    """The validation cost rose while the training cost fell, and the weights of the best epoch were not restored."""
    history = evidence.history
    if history is None or len(history) < 5 or history.best_epoch:
        return None
    validation, costs = history["validation_cost"], evidence.costs
    if not np.isfinite(validation).all():
        return None
    best = int(validation.argmin())
    rose = validation[-1] > 1.2 * validation[best] and costs[-1] < 0.9 * costs[best]
    depth = np.inf if evidence.constant is None else evidence.constant - evidence.least
    if not rose and validation[-1] - costs[-1] < MAX_VALIDATION_GAP * depth:
        return None
    return Finding(
        "overfit",
        f"the validation cost is {validation[-1]:.3g} (its best was {validation[best]:.3g}, after epoch {best + 1}), "
        f"the training cost {costs[-1]:.3g}.",
        "cost: C is the mean over the training samples alone; every step lowers it, also by learning their noise.",
        f"{evidence.wording.stop_early} (here {best + 1}); then {evidence.wording.regularise}.",
        f"a validation cost of {validation[best]:.3g} or less.",
    )


def cannot_fall(evidence: Evidence) -> Finding | None:
    """Every row gets the same prediction, so that the cost stays at that of a constant."""
    if evidence.outputs is None or evidence.y is None or evidence.learnt is None or evidence.learnt > 0.02:
        return None
    spread, target_spread = float(evidence.outputs.std(axis=0).max()), float(evidence.y.std(axis=0).max())
    costs = evidence.costs
    falls = len(costs) > 4 and costs[-1] < 0.98 * costs[len(costs) // 2]
    if spread > 0.01 * target_spread or falls or not len(costs):
        return None
    return Finding(
        "cost that cannot fall",
        f"the predictions differ by {spread:.2g} from row to row (the targets by {target_spread:.2g}) and the cost is "
        f"{evidence.reached:.3g}; the best constant prediction has {evidence.constant:.3g}.",
        "BP3 alone changes the output: where the last a does not depend on x, the last b can only learn a mean.",
        "check that x contains what y depends on (are rows mixed up?) and that it is scaled; then try another seed.",
        f"a cost below {evidence.constant:.3g}.",
    )


def _sizes(values: Array) -> str:
    """Numbers as text; of more than five, the first and the last two."""
    texts = [f"{value:.2g}" for value in values]
    return ", ".join(texts if len(texts) <= 5 else [*texts[:2], "...", *texts[-2:]])


def _learnt(evidence: Evidence) -> str:
    """The cost that was reached beside that of a constant prediction, where they are known."""
    if evidence.reached is None:
        return ""
    return f"; the cost is {evidence.reached:.3g}, a constant prediction's {evidence.constant:.3g}"


def _rate(evidence: Evidence, factor: float) -> str:
    """The last rate times a factor, where it is known."""
    return f" ({evidence.history[-1].lr * factor:.2g})" if evidence.history else ""

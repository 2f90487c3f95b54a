"""Findings about how a network learns, from its layers and the costs of its run; each rule says one, or nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from glassnet.program.parameters import Array
from glassnet.see.evidence import Evidence, Finding

FEW = 20  # samples: so few may well leave units shut that others open
FADED, GROWN = 1e-3, 50.0  # δ of the first layer over δ of the last
LEARNT = 0.8  # from there on, gates that are shut do no harm
MOSTLY_SHUT, MANY_DEAD = 0.5, 0.4
HUGE_UPDATE, TINY_UPDATE = 0.1, 3e-5  # ‖change of W‖ / ‖W‖ of one step
NOISY = 10.0  # noise scale over batch size
APART = 0.4  # between both costs, as a share of what can be learnt
SWING = 0.01  # of the cost above the least possible, from epoch to epoch


def symmetric(evidence: Evidence) -> Finding | None:
    """The units of a hidden layer are copies of one another."""
    weights = [evidence.model.parameters[f"w{n}"] for n in range(1, len(evidence.model.architecture.dense) + 1)]
    for layer, (w, after) in enumerate(pairwise(weights), 1):
        if len(w) > 1 and _equal(w) and _equal(after.T):
            return Finding(
                "symmetric start",
                f"all {len(w)} units of layer {layer} have the same weights, in and out.",
                "BP2 and BP4: equal weights out give the units equal errors δ, equal weights in equal a, so dW is the "
                "same for all of them and they stay copies.",
                f"{evidence.reader.words.draw}.",
                f"the units grow apart from the first step on; {len(w)} units then count as {len(w)}, not as one.",
            )
    return None


def _equal(rows: Array) -> bool:
    """Whether all rows are the same, to a millionth."""
    return bool(np.ptp(rows, axis=0).max() <= 1e-6 * np.abs(rows).max())


def exploding(evidence: Evidence) -> Finding | None:
    """The error grows on its way back."""
    delta = evidence.of("delta")
    if len(delta) < 3 or not delta[0] > GROWN * delta[-1] > 0:
        return None
    return Finding(
        "exploding gradients",
        f"δ is {_sizes(delta)} from layer 1 to {len(delta)}: {delta[0] / delta[-1]:.3g} times larger at the first.",
        "BP2: δ = Wᵀ·δ ⊙ σ'(z) once a layer; large weights multiply it each time.",
        f"{evidence.reader.words.smaller_weights}.",
        f"δ of the first layer comes within a factor of {GROWN:g} of the last, and larger rates can be used.",
    )


def saturated(evidence: Evidence) -> Finding | None:
    """Most gates of a layer with a bounded activation are shut, and little is learnt."""
    architecture, shares = evidence.model.architecture, evidence.of("saturated")
    if not len(shares) or not evidence.has_learnt_less_than(LEARNT):
        return None
    most = MOSTLY_SHUT if evidence.learnt is not None else 0.5 + MOSTLY_SHUT / 2
    paired = architecture.dense[-1].activation.name in architecture.cost.pairs
    for layer, dense in enumerate(architecture.dense[: -1 if paired else None], 1):
        row = dense.activation
        if np.isfinite([row.range.low, row.range.high]).all() and shares[layer - 1] > most:
            return Finding(
                "saturated units",
                f"{shares[layer - 1]:.0%} of the outputs of layer {layer} ({row.name}) have σ'(z) below 5 % of its "
                f"largest value{_learnt(evidence)}.",
                "BP2 (BP1 at the output): the error arrives, but the gate ⊙ σ'(z) lets almost nothing of it pass.",
                f"{evidence.reader.words.open_gates}.",
                f"fewer than {MOSTLY_SHUT:.0%} of the gates are shut after the first epochs, and the cost falls.",
            )
    return None


def dead(evidence: Evidence) -> Finding | None:
    """Many units of a layer have a gate that no sample opens."""
    if evidence.x is not None and len(evidence.x) < FEW:
        return None
    shares = evidence.of("dead")[:-1]
    for layer, share in enumerate(shares, 1):
        dense = evidence.model.architecture.dense[layer - 1]
        if share > MANY_DEAD and not np.isfinite([dense.activation.range.low, dense.activation.range.high]).all():
            return Finding(
                "dead units",
                f"{share:.0%} of the {dense.fan_out} units of layer {layer} ({dense.activation.name}) have σ'(z) ≈ 0 "
                "for every sample that was looked at.",
                "BP2 and BP4: σ'(z) = 0 for all samples makes δ = 0 and dW = 0, so no step brings them back.",
                f"{evidence.reader.words.live_units}.",
                f"fewer than {MANY_DEAD:.0%} are dead; the layer has more than {round((1 - share) * dense.fan_out)} "
                "units to work with.",
            )
    return None


def vanishing(evidence: Evidence) -> Finding | None:
    """The error fades on its way back, and little is learnt."""
    delta = evidence.of("delta")
    if len(delta) < 3 or not 0 <= delta[0] < FADED * delta[-1] or not evidence.has_learnt_less_than(LEARNT):
        return None
    gates = {dense.activation.name for dense in evidence.model.architecture.dense[:-1]}
    return Finding(
        "vanishing gradients",
        f"δ is {_sizes(delta)} from layer 1 to {len(delta)}: {delta[0] / delta[-1]:.2g} of the last arrives at the "
        f"first{_learnt(evidence)}.",
        f"BP2: δ = Wᵀ·δ ⊙ σ'(z) once a layer, and σ' of {', '.join(sorted(gates))} with these weights makes it "
        "smaller each time (sigmoid's is ¼ at most).",
        f"{evidence.reader.words.other_gates}.",
        f"more than {FADED:g} of δ arrives at the first layer, and the cost falls from the first epochs on.",
    )


def rate_too_high(evidence: Evidence) -> Finding | None:
    """The run diverged, its cost rose, or its steps are as large as the weights."""
    costs, update = evidence.costs, evidence.updates
    stopped = "" if evidence.history is None else evidence.history.stopped
    if stopped.startswith("training diverged"):
        seen = stopped.split("; the network")[0] + "."
    elif (
        len(costs) > 1
        and np.median(costs[-3:]) > 1.2 * costs.min()
        and _climbs(costs)
        and evidence.has_learnt_less_than(LEARNT)
    ):
        seen = f"the cost of an epoch went from {costs.min():.3g} up to {np.median(costs[-3:]):.3g}."
    elif (
        evidence.fluctuation[0] > 0.1 and 0 < evidence.fluctuation[1] < NOISY and evidence.has_learnt_less_than(LEARNT)
    ):
        seen = (
            f"the cost swings by {evidence.fluctuation[0]:.0%} from epoch to epoch and falls no more, though a batch "
            f"is large enough (noise scale {evidence.fluctuation[1]:.2g} batches){_learnt(evidence)}."
        )
    elif update is not None and update > HUGE_UPDATE and evidence.has_learnt_less_than(LEARNT):
        seen = f"a step changes the weights by {update:.0%} of their size{_learnt(evidence)}."
    else:
        return None
    return Finding(
        "rate too high",
        seen,
        "update: W ← W − lr·dW follows the slope; a long step leaves the place where that slope holds.",
        f"{evidence.reader.words.rate} ten times smaller{_rate(evidence, 0.1)}.",
        "the cost falls from epoch to epoch, at first slower.",
    )


def _climbs(costs: Array) -> bool:
    """Whether the cost ends higher than most of the run was, by more than it swings."""
    swing = np.median(np.abs(np.diff(costs)))
    return bool(np.median(costs[-3:]) - costs.min() > 3 * swing or np.median(costs[-3:]) > 1.2 * costs[0])


def rate_too_low(evidence: Evidence) -> Finding | None:
    """The cost fell steadily to the end, and has far to go."""
    costs = evidence.costs
    if len(costs) < 5 or not evidence.has_learnt_less_than(0.5) or not costs[0] > costs[-1] > 0.5 * costs[0]:
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
        "update: W ← W − lr·dW; the drop of the cost is about lr·‖dW‖² a step.",
        f"{evidence.reader.words.rate} ten times larger{_rate(evidence, 10)}, or many more epochs.",
        "the cost falls about ten times as fast as long as it falls evenly.",
    )


def noisy_batch(evidence: Evidence) -> Finding | None:
    """The cost swings more than it falls, and the batch is small against the gradients' noise."""
    swing, batches = evidence.fluctuation
    if evidence.history is None or swing < SWING or batches < NOISY or not evidence.has_learnt_less_than(LEARNT):
        return None
    batch = evidence.history.layers.batch_size
    return Finding(
        "batch too noisy",
        f"the cost swings by {swing:.0%} from epoch to epoch and falls no more; for a gradient as large as its chance "
        f"a batch would need about {batches * batch:,.0f} samples, and has {batch}.",
        "BP4: dW = δ·aᵀ / m is a mean over the batch; its chance shrinks with √m only.",
        f'batch_size={_power(batch * min(batches, 16))}, or a schedule that lets lr fall (schedule="cosine").',
        f"swings about {np.sqrt(min(batches, 16)):.0f} times smaller, and a lower cost at the end.",
    )


def overfit(evidence: Evidence) -> Finding | None:
    """The cost on the validation data rose while that of training fell; weights of a better epoch were not kept."""
    history = evidence.history
    if history is None or len(history) < 5 or history.best_epoch:
        return None
    held, costs = history["validation_cost"], evidence.costs
    if not np.isfinite(held).all():
        return None
    best = int(held.argmin())
    rose = held[-1] > 1.2 * held[best] and costs[-1] < 0.9 * costs[best]
    depth = np.inf if evidence.constant is None else evidence.constant - evidence.least
    if not rose and held[-1] - costs[-1] < APART * depth:
        return None
    return Finding(
        "overfit",
        f"the validation cost is {held[-1]:.3g} (at its best {held[best]:.3g}, after epoch {best + 1}), that of the "
        f"training samples {costs[-1]:.3g}.",
        "cost: C is the mean over the training samples alone; every step lowers it, also by learning their chance.",
        f"{evidence.reader.words.stop_early} (here {best + 1}); then {evidence.reader.words.constrain}.",
        f"a validation cost of {held[best]:.3g} or less.",
    )


def cannot_fall(evidence: Evidence) -> Finding | None:
    """Every row gets the same answer, so that the cost stays at that of a constant."""
    if evidence.outputs is None or evidence.y is None or evidence.learnt is None or evidence.learnt > 0.02:
        return None
    spread, wanted = float(evidence.outputs.std(axis=0).max()), float(evidence.y.std(axis=0).max())
    costs = evidence.costs
    falls = len(costs) > 4 and costs[-1] < 0.98 * costs[len(costs) // 2]
    if spread > 0.01 * wanted or falls or not len(costs):
        return None
    return Finding(
        "cost that cannot fall",
        f"the answers differ by {spread:.2g} from row to row (the targets by {wanted:.2g}) and the cost is "
        f"{evidence.reached:.3g}; the best constant answer has {evidence.constant:.3g}.",
        "BP3 alone moves the output: with nothing of x in the last a, b of the last layer can only learn a mean.",
        "see that x holds what y depends on (are rows mixed up?) and that it is scaled; then another seed.",
        f"a cost below {evidence.constant:.3g}.",
    )


def _sizes(values: Array) -> str:
    """Some numbers in a row."""
    shown = values if len(values) <= 5 else [*values[:2], *values[-2:]]
    words = [f"{value:.2g}" for value in shown]
    return ", ".join(words if len(values) <= 5 else [*words[:2], "...", *words[2:]])


def _learnt(evidence: Evidence) -> str:
    """What was learnt, in words."""
    if evidence.reached is None:
        return ""
    return f"; the cost is {evidence.reached:.3g}, a constant answer's {evidence.constant:.3g}"


def _rate(evidence: Evidence, factor: float) -> str:
    """The rate that is meant."""
    return f" ({evidence.history[-1].lr * factor:.2g})" if evidence.history is not None and evidence.history else ""


def _power(number: float) -> int:
    """The next power of two."""
    return int(2 ** np.ceil(np.log2(number)))

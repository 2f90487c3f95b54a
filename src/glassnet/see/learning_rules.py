"""Findings about how a network learns, from its layers and the costs of its run; each rule returns one, or None."""

from __future__ import annotations

import numpy as np

from glassnet.errors import counted, percent
from glassnet.program.parameters import Array
from glassnet.see.data_rules import unscaled
from glassnet.see.evidence import LEARNT_ENOUGH, NOTHING_LEARNT, Evidence, Finding

MIN_SAMPLES = 20  # with fewer, units may be inactive that other samples activate
MIN_ERROR_RATIO, MAX_ERROR_RATIO = 1e-3, 50.0  # δ of the first layer over δ of the last
MAX_SATURATED, MAX_DEAD = 0.5, 0.4  # shares of a layer
MAX_UPDATE, MAX_SMALL_UPDATE = 0.1, 1e-3  # ‖change of W‖ / ‖W‖ of one step: too large above, maybe too small below
MAX_SMALL_MOVEMENT = 0.3  # the same of a whole run: below it, the weights are still near their first values
MIN_THROW = 3.0  # the highest cost of an epoch over that of a constant prediction, where steps have thrown the weights
MIN_JUMP, MIN_GROWTH = 10.0, 4.0  # the same without dead units, and how much Σw² has grown
MAX_SLOW_FALL = 0.03  # of the cost in an epoch: what falls faster is on its way
MIN_STEPS_BEFORE_END = 100  # of a fit that stopped by itself, for its rate to be blamed
MIN_EPOCHS, MIN_TRIED = 10, 30  # epochs and steps before a network can be said to have learnt nothing
MIN_STEPS = 2000  # of a run whose first weights are unknown, for it to count as long
MAX_NOISE_SCALE = 10.0  # in batches
MAX_VALIDATION_GAP = 0.4  # between the two costs, as a share of what can be learnt
MIN_OSCILLATION = 0.01  # from epoch to epoch, as a share of the cost above the least possible


def exploding(evidence: Evidence) -> Finding | None:
    """The error grows on its way back, and not only because the steps have made the weights large."""
    delta = evidence.of("delta")
    if len(delta) < 3 or not delta[0] > MAX_ERROR_RATIO * delta[-1] > 0:
        return None
    first = np.zeros(0) if evidence.history is None else evidence.history.layers.first_to_last[:1]
    if _steps_are_too_long(evidence) is not None and not (first > MAX_ERROR_RATIO).any():
        return None  # the steps have made the weights large
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
        if dense.activation.range.is_bounded and shares[layer - 1] > limit:
            return Finding(
                "saturated units",
                f"{percent(shares[layer - 1])} of the outputs of layer {layer} ({dense.activation.name}) have σ'(z) "
                f"below 5 % of its largest value{evidence.levels}.",
                "BP2 (BP1 at the output): the error arrives, but the gate ⊙ σ'(z) lets almost nothing of it pass.",
                f"{evidence.wording.leave_saturation}.",
                f"fewer than {percent(MAX_SATURATED)} of them are saturated after the first epochs, and the cost "
                "falls.",
            )
    return None


def dead(evidence: Evidence) -> Finding | None:
    """Many units of a layer are inactive for every sample."""
    if evidence.x_is_small:
        return None  # z is b, and the same for all samples
    if evidence.x is not None and len(evidence.x) < MIN_SAMPLES:
        return None
    shares = evidence.of("dead")[:-1]
    for layer, share in enumerate(shares, 1):
        dense = evidence.model.architecture.dense[layer - 1]
        if share > MAX_DEAD and not dense.activation.range.is_bounded:
            which = f"{percent(share)} of the {dense.fan_out} units of layer {layer}"
            which = f"the only unit of layer {layer}" if dense.fan_out == 1 else which
            return Finding(
                "dead units",
                f"{which} ({dense.activation.name}) {'has' if dense.fan_out == 1 else 'have'} σ'(z) ≈ 0 for every "
                f"sample that was measured{evidence.levels}.",
                "BP2 and BP4: σ'(z) = 0 for all samples makes δ = 0 and dW = 0, so no step brings them back.",
                f"{evidence.wording.revive_units}.",
                f"fewer than {percent(MAX_DEAD)} of the units are dead, and the others can learn.",
            )
    return None


def vanishing(evidence: Evidence) -> Finding | None:
    """The error fades on its way back, and little is learnt."""
    delta = evidence.of("delta")
    fades = len(delta) > 2 and 0 <= delta[0] < MIN_ERROR_RATIO * delta[-1]
    if not fades or not evidence.learnt_less_than(LEARNT_ENOUGH):
        return None
    names = {dense.activation.name for dense in evidence.model.architecture.dense[:-1]}
    share = f"{delta[0] / delta[-1]:.2g}" if delta[0] > 0 else "nothing"
    return Finding(
        "vanishing gradients",
        f"δ is {_sizes(delta)} from layer 1 to {len(delta)}: {share} of the last arrives at the first"
        f"{evidence.levels}.",
        f"BP2: δ = Wᵀ·δ ⊙ σ'(z) once per layer, and σ' of {', '.join(sorted(names))} with these weights makes it "
        "smaller each time (sigmoid's is ¼ at most).",
        f"{evidence.wording.avoid_vanishing}.",
        f"more than {MIN_ERROR_RATIO:g} of δ arrives at the first layer, and the cost falls from the first epochs on.",
    )


def rate_too_high(evidence: Evidence) -> Finding | None:
    """The run diverged, its cost rose, or its steps are as large as the weights."""
    reason = _steps_are_too_long(evidence)
    if reason is None:
        return None
    return Finding(
        "rate too high",
        reason,
        "update: W ← W − lr·dW follows the slope, and a long step leaves the region where that slope holds.",
        f"{_rate(evidence, 0.1, 'ten times smaller')}.",
        "the cost falls from epoch to epoch, more slowly at first.",
    )


def _steps_are_too_long(evidence: Evidence) -> str | None:
    """The evidence that steps are too long, as a sentence; None where there is none."""
    costs, update, (oscillation, batches) = evidence.costs, evidence.updates, evidence.oscillation
    stopped = "" if evidence.history is None else evidence.history.stopped
    if stopped.startswith("training diverged"):
        return stopped.split("; the network")[0] + "."
    if not evidence.learnt_less_than(LEARNT_ENOUGH):
        return None
    if (thrown := _killed_units(evidence) or _thrown_weights(evidence)) is not None:
        return thrown
    if len(costs) > 1 and np.median(costs[-3:]) > 1.2 * costs.min() and _climbs(costs):
        return f"the cost of an epoch went from {costs.min():.3g} up to {np.median(costs[-3:]):.3g}."
    if oscillation > 0.1 and 0 < batches < MAX_NOISE_SCALE:
        return (
            f"the cost oscillates by {percent(oscillation)} from epoch to epoch and no longer falls, though a batch is "
            f"large enough (noise scale {batches:.2g} batches){evidence.levels}."
        )
    if update is not None and update > MAX_UPDATE:
        return f"a step changes the weights by {percent(update)} of their size{evidence.levels}."
    return None


def _killed_units(evidence: Evidence) -> str | None:
    """The evidence that the first steps threw the weights so far that units died; None where there is none."""
    shares, costs, constant = evidence.of("dead")[:-1], evidence.costs, evidence.constant
    if constant is None or evidence.learnt is None or not len(costs) or not len(shares) or shares.max() <= MAX_DEAD:
        return None
    if costs.max() - evidence.largest_penalty < MIN_THROW * constant or unscaled(evidence) is not None:
        return None
    return (
        f"the cost of an epoch was up to {costs.max():.3g}, far above that of {evidence.constant_answer} "
        f"({constant:.3g}), and the steps left {percent(shares.max())} of the units of a layer dead."
    )


def _thrown_weights(evidence: Evidence) -> str | None:
    """The evidence that steps threw the weights far out, where the cost still is worse than a constant's."""
    costs, constant = evidence.costs, evidence.constant
    if constant is None or evidence.learnt is None or evidence.learnt > NOTHING_LEARNT or not len(costs):
        return None
    if costs.max() - evidence.largest_penalty < MIN_JUMP * constant or evidence.weight_growth < MIN_GROWTH:
        return None
    updates = np.zeros(0) if evidence.history is None else evidence.history.layers["update"]
    long_steps = (updates > MAX_UPDATE).any() if updates.size else evidence.movement is None
    if not long_steps or unscaled(evidence) is not None:
        return None  # the weights were large before the first step
    return (
        f"the cost of an epoch was up to {costs.max():.3g}, far above that of {evidence.constant_answer} "
        f"({constant:.3g}), and at the end it still is no better."
    )


def _climbs(costs: Array) -> bool:
    """Whether the cost ends higher than its minimum, by more than it oscillates."""
    oscillation = np.median(np.abs(np.diff(costs)))
    return bool(np.median(costs[-3:]) - costs.min() > 3 * oscillation or np.median(costs[-3:]) > 1.2 * costs[0])


def rate_too_low(evidence: Evidence) -> Finding | None:
    """The cost fell steadily to the end and is still far from the least possible, or has not begun to fall."""
    costs, update, asked = evidence.costs, evidence.updates, evidence.wording.epochs
    ended_early = asked is not None and len(costs) < asked
    if asked is not None and 0 < evidence.steps < (MIN_STEPS_BEFORE_END if ended_early else MIN_TRIED):
        return None  # a fit that tol ended after so few steps was asked to be short
    limit = NOTHING_LEARNT if ended_early else 0.5  # a large tol may be meant
    if evidence.still_falls and evidence.learnt_less_than(limit) and _falls_slowly(costs):
        reason = (
            f"the cost fell in {percent(evidence.share_of_falls)} of the epochs and still falls, but only from "
            f"{costs[0]:.4g} to {costs[-1]:.4g}"
        )
    elif _has_hardly_moved(evidence):
        moved = evidence.movement
        by = f" has changed the weights by {moved:.2g} of their size in all" if moved else ""
        reason = f"training for {_length(evidence)}{by or ' was short'}"
    else:
        return None
    size = "" if update is None else f", a step changes the weights by {update:.2g} of their size"
    return Finding(
        "rate too low",
        f"{reason}{size}{evidence.levels}.",
        "update: W ← W − lr·dW; the cost drops by about lr·‖dW‖² per step.",
        f"{_rate(evidence, 10, 'ten times larger')}{_or_longer(evidence)}.",
        "the cost falls about ten times as fast, as long as it falls evenly.",
    )


def _falls_slowly(costs: Array) -> bool:
    """Whether the cost has fallen by less than half, and by a small share of it in an epoch."""
    return bool(costs[-1] > max(0.5, (1 - MAX_SLOW_FALL) ** (len(costs) - 1)) * costs[0])


def _length(evidence: Evidence) -> str:
    """How long the run was; a loss curve alone does not tell the steps."""
    steps = f" ({counted(evidence.steps, 'step')})" if evidence.steps else ""
    return f"{counted(len(evidence.costs), 'epoch')}{steps}"


def _or_longer(evidence: Evidence) -> str:
    """How to train longer, to follow a first proposal; empty where the epochs are the caller's loop."""
    done, allowed = len(evidence.costs), evidence.wording.epochs
    if allowed is None:
        return f", or many more epochs ({evidence.wording.epochs_option.format(10 * done)})"
    if not evidence.steps:
        return ""
    if done < allowed:
        return f", or {evidence.wording.wait_longer}: the fit ended after {done} of {counted(allowed, 'epoch')}"
    return f", or many more epochs ({evidence.wording.epochs_option.format(10 * allowed)})"


def _has_hardly_moved(evidence: Evidence) -> bool:
    """Whether nothing is learnt because steps are too small or too few: the weights are near their first values."""
    costs, update = evidence.costs, evidence.updates
    if not len(costs) or evidence.learnt is None or evidence.learnt > NOTHING_LEARNT or not np.isfinite(costs).all():
        return False
    if costs[-1] > 1.05 * costs.min() or ((scores := evidence.predictability) is not None and scores.best <= 0.1):
        return False
    if update is not None and update > MAX_SMALL_UPDATE:
        return False
    if len(costs) < MIN_EPOCHS and evidence.steps < MIN_TRIED:
        return False  # nothing was to be expected of so short a run
    if evidence.movement is not None:
        return evidence.movement < MAX_SMALL_MOVEMENT
    return evidence.steps < MIN_STEPS


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
        f"the cost oscillates by {percent(oscillation)} from epoch to epoch and no longer falls; for a gradient as "
        f"large as its noise a batch would need about {batches * batch:,.0f} samples, and has {batch}.",
        "BP4: dW = δ·aᵀ / m is a mean over the batch, and its noise shrinks as 1/√m only.",
        f"{evidence.wording.batch_option.format(power_of_two)}, or a schedule that lets the rate fall "
        f"({evidence.wording.schedule}).",
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


def worse_than_constant(evidence: Evidence) -> Finding | None:
    """What was learnt does not carry over to the validation data at all."""
    history, validation = evidence.history, evidence.validation
    if history is None or not evidence.fails_to_generalise or evidence.constant is None:
        return None
    if not evidence.costs[-1] < (1 - NOTHING_LEARNT) * evidence.constant:
        return None  # the training data are no better
    best = int(validation.argmin())
    cost = validation[history.best_epoch - 1 if history.best_epoch else -1]
    was_better = validation[best] < 0.95 * evidence.constant
    lowest = f", its lowest {validation[best]:.3g} after epoch {best + 1}" if best + 1 < len(validation) else ""
    return Finding(
        "validation worse than a constant",
        f"the validation cost is {cost:.3g}{lowest}; {evidence.constant_answer} has {evidence.constant:.3g} on the "
        f"training rows, where the network has {evidence.costs[-1]:.3g}.",
        "cost: C is the mean over the training samples alone; every step lowers it, also by learning their noise.",
        f"{evidence.wording.stop_early} (here {best + 1}); then {evidence.wording.regularise}."
        if was_better
        else "checking that the validation rows are of the same kind as the training rows (drawn at random, equally "
        f"scaled, each x beside its own y); then more rows, fewer columns, or {evidence.wording.regularise}.",
        f"a validation cost below {evidence.constant:.3g}.",
    )


def learnt_nothing(evidence: Evidence) -> Finding | None:
    """The cost is that of a constant prediction, and no other rule has found out why."""
    costs = evidence.costs
    if evidence.reached is None or evidence.learnt is None or evidence.learnt > NOTHING_LEARNT or not len(costs):
        return None
    if len(costs) > 4 and costs[-1] < 0.98 * costs[len(costs) // 2]:
        return None
    if len(costs) < MIN_EPOCHS and evidence.steps < MIN_TRIED:
        return None  # nothing was to be expected of so short a run
    if evidence.validation.size and evidence.constant is not None and costs[-1] < 0.9 * evidence.constant:
        return None  # the weights of an early epoch were kept
    scores = evidence.predictability
    best = percent(scores.best) if scores and scores.best > 0.1 else ""
    though = f", though a regression explains {best} of the variance of y" if best else ""
    return Finding(
        "learnt nothing",
        f"after {_length(evidence)} the cost is {evidence.reached:.3g}, "
        f"no better than {evidence.constant_answer} ({evidence.constant:.3g}){though}.",
        "BP3 alone changes the output: where the last a does not depend on x, the last b can only learn a mean.",
        f"{evidence.wording.another_seed}, a learning rate ten times larger or smaller, and wider layers"
        f"{'' if though else '; and checking that x contains what y depends on (are rows mixed up?)'}.",
        f"a cost below {evidence.constant:.3g}.",
    )


def _sizes(values: Array) -> str:
    """Numbers as text; of more than five, the first and the last two."""
    texts = [f"{value:.2g}" for value in values]
    return ", ".join(texts if len(texts) <= 5 else [*texts[:2], "...", *texts[-2:]])


def _rate(evidence: Evidence, factor: float, change: str) -> str:
    """The learning rate times a factor as the interface sets it, where it is known, and what that changes."""
    wording, rates = evidence.wording, np.zeros(0) if evidence.history is None else evidence.history["lr"]
    rate = wording.rate
    if rate is None and len(rates) and np.ptp(rates) <= 1e-6 * rates.max():
        rate = float(rates[-1])
    return f"{wording.learning_rate} {change}" if rate is None else wording.rate_of(rate * factor, change)

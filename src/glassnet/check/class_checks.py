"""What a run of a class with the article's interface shows beside its gradient: forward, train, batches, the start."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from glassnet.check.candidate import Candidate, Refusal, arrays
from glassnet.check.check_backprop import EXACT, ROUNDED, Trial
from glassnet.check.hypotheses import Fault, gradients, updated_early
from glassnet.check.search import factor
from glassnet.program.parameters import Array

LR, SAMPLES, BATCH, WIDE = 0.03, 14, 4, 400
OTHER = Fault("update", "one step of train does not move the weights by −lr·dw and the biases by −lr·db.")
SHUFFLED = Fault("update", "nothing is shuffled: every epoch sees the samples in the order of the file.")
SEEDS = ("seed", "random_state", "rng", "random_seed", "generator", "key")


def class_faults(candidate: Candidate, trial: Trial, words: Any, cost: Any, wrong: bool) -> list[Fault]:
    """Every fault that the runs show; `wrong` where the gradient has a fault already."""
    faults: list[Fault] = []
    for look in (_forward, _stale, _overflow, _unknown, _step, _batches, _start):
        try:
            # Where the gradient is wrong, a step that is not ours, or none at all, is its consequence.
            faults += [found for found in look(candidate, trial, words, cost) if not (wrong and found == OTHER)]
        except Refusal as refusal:
            if look is not _unknown and not wrong:
                faults.append(Fault("run", f"{refusal} ({look.__name__[1:]})."))
    return faults


def _forward(candidate: Candidate, trial: Trial, *_: Any) -> Iterator[Fault]:
    """z and a against ours, the first that differs."""
    made = candidate.filled(trial.widths, *trial.parameters)
    z_s, a_s = candidate.forward(made, trial.x)
    count = len(trial.widths) - 1
    found = {"z": arrays(candidate, z_s, "z_s", count), "a": arrays(candidate, a_s, "a_s", count + 1)[1:]}
    for layer in range(1, count + 1):
        for name in ("z", "a"):
            ours, theirs = trial.held.executor.columns(f"{name}{layer}"), found[name][layer - 1]
            if theirs.shape != ours.shape or not np.allclose(theirs, ours, rtol=ROUNDED, atol=1e-4):
                equation = (
                    "W·a + b" if name == "z" else f"{trial.network.architecture.dense[layer - 1].activation.name}(z)"
                )
                yield Fault("forward", f"{name}{layer} is not {equation}: it is the first that differs from ours.")
                return


def _stale(candidate: Candidate, trial: Trial, *_: Any) -> Iterator[Fault]:
    """backpropagation must work with the z_s and a_s it is given."""
    made, count = candidate.filled(trial.widths, *trial.parameters), len(trial.widths) - 1
    first = candidate.forward(made, trial.x)
    fresh = arrays(candidate, candidate.back(made, trial.y, *first)[0], "dw", count)
    again = candidate.forward(made, trial.x)
    candidate.forward(made, trial.x[:, ::-1])
    late = arrays(candidate, candidate.back(made, trial.y, *again)[0], "dw", count)
    if any(not np.allclose(p, q, rtol=1e-6, atol=1e-9) for p, q in zip(fresh, late, strict=True)):
        yield Fault(
            "BP4",
            "stale activations: backpropagation takes those of the last feedforward, not the z_s and a_s it is given.",
        )


def _overflow(candidate: Candidate, trial: Trial, *_: Any) -> Iterator[Fault]:
    """z of ±1000 must give a number."""
    weights, biases = trial.parameters
    made = candidate.filled(trial.widths, [1e3 * w for w in weights], biases)
    z_s, a_s = candidate.forward(made, trial.x)
    count = len(trial.widths) - 1
    found, z = arrays(candidate, a_s, "a_s", count + 1)[1:], arrays(candidate, z_s, "z_s", count)
    for layer, a in enumerate(found):
        if not np.isfinite(a).all() and np.isfinite(z[layer]).all():
            name = trial.network.architecture.dense[layer].activation.name
            if name not in ("exp", "selu"):
                place = np.argwhere(~np.isfinite(a))[0]
                yield Fault("forward", f"{name} overflows: z = {z[layer][tuple(place)]:.0f} gives {a[tuple(place)]}.")
            return


def _unknown(candidate: Candidate, trial: Trial, *_: Any) -> Iterator[Fault]:
    """A name that no activation has must be refused."""
    if not isinstance(candidate.mine, type):
        return
    made = candidate.made(trial.widths, ["no such activation"] * (len(trial.widths) - 1))
    z_s, a_s = candidate.forward(made, trial.x)
    same = all(np.array_equal(np.asarray(z), np.asarray(a)) for z, a in zip(z_s, list(a_s)[1:], strict=True))
    what = "silently becomes linear" if same else "is taken without a word"
    yield Fault("forward", f"an unknown activation {what}; refuse it with the known names.")


def _step(candidate: Candidate, trial: Trial, *_: Any) -> Iterator[Fault]:
    """One full-batch step of train against −lr times the gradient."""
    if not hasattr(candidate.mine, "train"):
        return
    before = trial.parameters
    made = candidate.filled(trial.widths, *before)
    candidate.train(made, trial.x, trial.y, batch_size=trial.m, epochs=1, lr=LR)
    after = [[candidate.turned(new) for new in getattr(made, name)] for name in ("weights", "biases")]
    pairs = [list(zip(*found, strict=True)) for found in zip(after, before, strict=True)]
    if any(new.size != old.size for found in pairs for new, old in found):
        yield OTHER  # a gradient of another shape has spread the array
        return
    moved = [[new.reshape(old.shape) - old for new, old in found] for found in pairs]
    tolerance = 10 * ROUNDED if np.asarray(made.weights[0]).dtype == np.float32 else EXACT
    ours = gradients(trial.held)
    own = _own(candidate, trial) or ours
    if ours is None or own is None or _ratios(moved, ours, tolerance) == [1.0, 1.0]:
        return
    said = [_said(ratio, trial.m) for ratio in _ratios(moved, own, tolerance)]
    early = gradients(trial.held, [updated_early(LR, len(trial.widths) - 1)])
    if None not in said:
        for text, what in _grouped([text or "" for text in said]):
            yield Fault("update", text.format(what=what))
    elif early is not None and _ratios(moved, early, tolerance) == [1.0, 1.0]:
        yield Fault("BP2", "train updates W before the error passes through it; the W of the forward pass is meant.")
    else:
        yield OTHER


def _ratios(moved: Sequence[list[Array]], of: Sequence[list[Array]], tolerance: float) -> list[float | None]:
    """How far weights and biases moved, as a share of −lr·gradient."""
    return [factor(part, [-LR * g for g in found], tolerance) for part, found in zip(moved, of, strict=True)]


def _said(ratio: float | None, m: int) -> str | None:
    """What such a share means; "" for 1, which is right."""
    meanings = {
        1.0: "",
        -1.0: "train adds lr·gradient to the {what}: it goes uphill; subtract it.",
        LR: "the learning rate is applied twice to the {what}.",
        1 / LR: "the learning rate is not applied to the {what}.",
        0.0: "the {what} are never updated.",
        float(m): "the {what} move by the sum over the batch; the mean is meant.",
        1 / m: "the step of the {what} is divided by m once more.",
    }
    return None if ratio is None else next((s for f, s in meanings.items() if np.isclose(ratio, f, rtol=1e-3)), None)


def _grouped(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The same text for weights and biases is one fault."""
    if texts[0] == texts[1]:
        if texts[0]:
            yield texts[0], "weights and biases"
        return
    yield from ((text, word) for text, word in zip(texts, ("weights", "biases"), strict=True) if text)


def _own(candidate: Candidate, trial: Trial) -> tuple[list[Array], list[Array]] | None:
    """Their own gradient, where it has the right shapes."""
    found = candidate.gradients(trial.widths, *trial.parameters, trial.x, trial.y)
    count = len(trial.widths) - 1
    try:
        dw, db = (arrays(candidate, part, "dw", count) for part in found)
        return dw, [part.reshape(b.shape) for part, b in zip(db, trial.network.biases, strict=True)]
    except (Refusal, ValueError):
        return None


def _batches(candidate: Candidate, trial: Trial, words: Any, cost: Any) -> Iterator[Fault]:
    """Which samples the steps of two epochs see."""
    if not (isinstance(candidate.mine, type) and hasattr(candidate.mine, "train")):
        return
    tall = Trial([BATCH + 2, *trial.widths[1:]], words, cost, SAMPLES, seed=2)
    seen, refusal = _watched(candidate, tall, BATCH)
    found = list(_seen(tall, seen, refusal)) if seen else []
    yield from found
    if found and found[0].sentence.startswith("batch_size slices"):
        # Where every feature is in the slice the steps can be made; the order they see the samples in shows then.
        flat = Trial(trial.widths, words, cost, SAMPLES, seed=2)
        order = _order(flat, _watched(candidate, flat, max(trial.widths))[0])
        if order and order == sorted(order[:SAMPLES]) * (len(order) // SAMPLES):
            yield SHUFFLED


def _watched(candidate: Candidate, trial: Trial, batch_size: int) -> tuple[list[Array], Refusal | None]:
    """Every x that two epochs of train hand to feedforward, columns, and what it raised."""
    made, seen = candidate.made(trial.widths), list[Array]()
    kept = made.feedforward

    def watched(x: Any, *rest: Any, **more: Any) -> Any:
        seen.append(candidate.turned(x).copy())
        return kept(x, *rest, **more)

    try:
        made.feedforward = watched
        candidate.train(made, trial.x, trial.y, batch_size=batch_size, epochs=2, lr=LR)
    except AttributeError:  # a class with slots cannot be watched
        return [], None
    except Refusal as refusal:
        return seen, refusal
    return seen, None


def _order(trial: Trial, seen: list[Array]) -> list[int]:
    """Which samples were seen, one after another."""
    return [int(np.argmin(np.abs(trial.x[0] - value))) for x in seen for value in x[0]]


def _seen(tall: Trial, seen: list[Array], refusal: Refusal | None) -> Iterator[Fault]:
    """What the batches that were seen have wrong."""
    if any(x.ndim != 2 or len(x) != tall.widths[0] for x in seen):
        shape = next(x.shape for x in seen if x.ndim != 2 or len(x) != tall.widths[0])
        yield Fault(
            "update",
            f"batch_size slices features, not samples: of x {tall.x.shape} a step with batch_size={BATCH} saw {shape}; "
            "samples are columns, x[:, i:i + batch_size].",
        )
        return
    if refusal is not None:
        raise refusal
    if all(x.shape[1] == SAMPLES for x in seen):
        yield Fault("update", f"the batch is never sliced: at batch_size={BATCH} each step saw all {SAMPLES} samples.")
        return
    order = _order(tall, seen)
    once = order[: len(order) // 2]
    if missing := SAMPLES - len(set(once)):
        yield Fault(
            "update", f"an epoch never sees {missing} of {SAMPLES} samples: the last, smaller batch is dropped."
        )
    if order == sorted(once) * 2:
        yield SHUFFLED


def _start(candidate: Candidate, trial: Trial, *_: Any) -> Iterator[Fault]:
    """First weights of a wide layer, and whether they can be had again."""
    if not isinstance(candidate.mine, type):
        return
    widths = [WIDE, *trial.widths[1:]]
    first, second = (np.asarray(candidate.made(widths).weights[0], np.float64) for _ in range(2))
    spread = float(first.std()) * np.sqrt(WIDE)
    if spread == 0:
        yield Fault("start", "all first weights are alike, so that the neurons of a layer stay alike.")
    elif spread > 4:
        yield Fault(
            "start",
            f"first weights are not scaled by 1/√fan_in: their spread is {first.std():.1f} for {WIDE} inputs, so that "
            f"z spreads over ±{spread:.0f} and neurons start saturated.",
        )
    known = inspect.signature(candidate.mine).parameters
    if not np.array_equal(first, second) and not any(name in known for name in SEEDS):
        yield Fault("start", "nothing is seeded: two networks of the same words start apart, and no argument says how.")

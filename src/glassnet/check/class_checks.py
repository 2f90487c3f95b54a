"""Checks of a class with the article's interface beyond its gradient: forward, train, batches, first weights."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from glassnet.check.candidates.answer import as_arrays
from glassnet.check.candidates.article_candidate import ArticleCandidate
from glassnet.check.candidates.candidate_error import CandidateError
from glassnet.check.mistakes.fault import Fault, Gradients
from glassnet.check.mistakes.fit import factor
from glassnet.check.mistakes.search import updated_early
from glassnet.check.trial import FLOAT32_TOLERANCE, TOLERANCE, Trial
from glassnet.program.parameters import Array

LR, SAMPLES, BATCH_SIZE, WIDE_FAN_IN = 0.03, 14, 4, 400
WRONG_STEP = Fault("update", "one step of train does not move the weights by −lr·dw and the biases by −lr·db.")
NOT_SHUFFLED = Fault("update", "nothing is shuffled: every epoch sees the samples in the order of the data.")
SEED_ARGUMENTS = ("seed", "random_state", "rng", "random_seed", "generator", "key")


def class_faults(candidate: ArticleCandidate, trial: Trial, wrong: bool) -> list[Fault]:
    """Every fault that the checks find; `wrong` says that the gradient has one already."""
    faults: list[Fault] = []
    for check in (_forward, _stale, _overflow, _unknown, _step, _batches, _start):
        try:
            # Where the gradient is wrong, a wrong step of train is its consequence.
            faults += [fault for fault in check(candidate, trial) if not (wrong and fault == WRONG_STEP)]
        except CandidateError as error:
            if check is not _unknown and not wrong:
                faults.append(Fault("run", f"{error} ({check.__name__[1:]})."))
    return faults


def _forward(candidate: ArticleCandidate, trial: Trial) -> Iterator[Fault]:
    """Compares z and a with ours and reports the first that differs."""
    instance = candidate.create_with(trial.widths, *trial.parameters)
    z_s, a_s = candidate.forward(instance, trial.x)
    count = len(trial.widths) - 1
    returned = {
        "z": as_arrays(z_s, "z_s", count, candidate.columns),
        "a": as_arrays(a_s, "a_s", count + 1, candidate.columns)[1:],
    }
    for layer in range(1, count + 1):
        for name in ("z", "a"):
            ours, theirs = trial.prepared.executor.columns(f"{name}{layer}"), returned[name][layer - 1]
            if theirs.shape != ours.shape or not np.allclose(theirs, ours, rtol=FLOAT32_TOLERANCE, atol=1e-4):
                activation = trial.network.architecture.dense[layer - 1].activation.name
                right = "W·a + b" if name == "z" else f"{activation}(z)"
                sentence = f"{name}{layer} is not {right}; it is the first quantity that differs from ours."
                yield Fault("forward", sentence)
                return


def _stale(candidate: ArticleCandidate, trial: Trial) -> Iterator[Fault]:
    """backpropagation must use the z_s and a_s that it is given."""
    instance, count = candidate.create_with(trial.widths, *trial.parameters), len(trial.widths) - 1
    take, first_pass = candidate.chosen.take_weight, candidate.forward(instance, trial.x)
    fresh = as_arrays(candidate.backward(instance, trial.y, *first_pass)[0], "dw", count, take)
    second_pass = candidate.forward(instance, trial.x)
    candidate.forward(instance, trial.x[:, ::-1])
    delayed = as_arrays(candidate.backward(instance, trial.y, *second_pass)[0], "dw", count, take)
    if any(not np.allclose(p, q, rtol=1e-6, atol=1e-9) for p, q in zip(fresh, delayed, strict=True)):
        used = "backpropagation uses those of the last feedforward, not the z_s and a_s it is given."
        yield Fault("BP4", f"stale activations: {used}")


def _overflow(candidate: ArticleCandidate, trial: Trial) -> Iterator[Fault]:
    """z of ±1000 must give a finite a."""
    weights, biases = trial.parameters
    instance = candidate.create_with(trial.widths, [1e3 * w for w in weights], biases)
    z_s, a_s = candidate.forward(instance, trial.x)
    count = len(trial.widths) - 1
    a_s, z_s = as_arrays(a_s, "a_s", count + 1, candidate.columns)[1:], as_arrays(z_s, "z_s", count, candidate.columns)
    for layer, (z, a) in enumerate(zip(z_s, a_s, strict=True)):
        if not np.isfinite(a).all() and np.isfinite(z).all():
            name = trial.network.architecture.dense[layer].activation.name
            if name not in ("exp", "selu"):
                index = tuple(np.argwhere(~np.isfinite(a))[0])
                yield Fault("forward", f"{name} overflows: z = {z[index]:.0f} gives {a[index]}.")
            return


def _unknown(candidate: ArticleCandidate, trial: Trial) -> Iterator[Fault]:
    """An unknown activation must be refused."""
    if not isinstance(candidate.mine, type):
        return
    instance = candidate.create(trial.widths, ["no such activation"] * (len(trial.widths) - 1))
    z_s, a_s = candidate.forward(instance, trial.x)
    same = all(np.array_equal(np.asarray(z), np.asarray(a)) for z, a in zip(z_s, list(a_s)[1:], strict=True))
    what = "silently becomes linear" if same else "is accepted silently"
    yield Fault("forward", f"an unknown activation {what}; raise an error that lists the known names.")


def _step(candidate: ArticleCandidate, trial: Trial) -> Iterator[Fault]:
    """Compares one full-batch step of train with −lr times the gradient."""
    if not hasattr(candidate.mine, "train"):
        return
    before = trial.parameters
    instance = candidate.create_with(trial.widths, *before)
    candidate.train(instance, trial.x, trial.y, batch_size=trial.m, epochs=1, lr=LR)
    after = [
        [candidate.chosen.take_weight(new) for new in instance.weights],
        [candidate.chosen.take_bias(new) for new in instance.biases],
    ]
    pairs = [list(zip(*arrays, strict=True)) for arrays in zip(after, before, strict=True)]
    if any(new.size != old.size for part in pairs for new, old in part):
        yield WRONG_STEP  # a gradient of another shape has broadcast the array
        return
    steps = [[new.reshape(old.shape) - old for new, old in part] for part in pairs]
    tolerance = 10 * FLOAT32_TOLERANCE if np.asarray(instance.weights[0]).dtype == np.float32 else TOLERANCE
    own = _own_gradient(candidate, trial) or trial.gradients
    if _ratios(steps, trial.gradients, tolerance) == [1.0, 1.0]:
        return
    meanings = [_meaning(ratio, trial.m) for ratio in _ratios(steps, own, tolerance)]
    early = updated_early(trial, LR)
    if None not in meanings:
        for text in dict.fromkeys(filter(None, meanings)):
            concerned = [name for name, meaning in zip(("weights", "biases"), meanings, strict=True) if meaning == text]
            yield Fault("update", text.format(what=" and ".join(concerned)))
    elif _ratios(steps, early, tolerance) == [1.0, 1.0]:
        yield Fault("BP2", "train updates W before the error passes through it; use the W of the forward pass.")
    else:
        yield WRONG_STEP


def _ratios(steps: Sequence[list[Array]], gradient: Gradients, tolerance: float) -> list[float | None]:
    """The steps of weights and biases, as multiples of −lr·gradient."""
    return [factor(step, [-LR * g for g in part], tolerance) for step, part in zip(steps, gradient, strict=True)]


def _meaning(ratio: float | None, m: int) -> str | None:
    """What such a ratio means; "" for 1, which is right."""
    meanings = {
        1.0: "",
        -1.0: "train adds lr·gradient to the {what}: it goes uphill; subtract it.",
        LR: "the learning rate is applied twice to the {what}.",
        1 / LR: "the learning rate is not applied to the {what}.",
        0.0: "the {what} are never updated.",
        float(m): "the {what} move by the sum over the batch instead of the mean.",
        1 / m: "the step of the {what} is divided by m a second time.",
    }
    return None if ratio is None else next((s for f, s in meanings.items() if np.isclose(ratio, f, rtol=1e-3)), None)


def _own_gradient(candidate: ArticleCandidate, trial: Trial) -> Gradients | None:
    """Their own gradient, or None where it has wrong shapes."""
    try:
        answer = candidate.answer(trial)
        return answer.dw, [part.reshape(b.shape) for part, b in zip(answer.db, trial.network.biases, strict=True)]
    except (CandidateError, ValueError):
        return None


def _batches(candidate: ArticleCandidate, trial: Trial) -> Iterator[Fault]:
    """Which samples the steps of two epochs use."""
    if not (isinstance(candidate.mine, type) and hasattr(candidate.mine, "train")):
        return
    tall = trial.variant([BATCH_SIZE + 2, *trial.widths[1:]], SAMPLES, seed=2)
    batches, error = _recorded_batches(candidate, tall, BATCH_SIZE)
    faults = list(_batch_faults(tall, batches, error)) if batches else []
    yield from faults
    if faults and faults[0].sentence.startswith("batch_size slices"):
        # Where every feature is in the slice, the steps can be made, and the order of the samples shows.
        flat = trial.variant(trial.widths, SAMPLES, seed=2)
        order = _sample_order(flat, _recorded_batches(candidate, flat, max(trial.widths))[0])
        if order and order == sorted(order[:SAMPLES]) * (len(order) // SAMPLES):
            yield NOT_SHUFFLED


def _recorded_batches(
    candidate: ArticleCandidate, trial: Trial, batch_size: int
) -> tuple[list[Array], CandidateError | None]:
    """Every x that two epochs of train pass to feedforward, samples as columns, and what train raised."""
    instance, batches = candidate.create(trial.widths), list[Array]()
    feedforward = instance.feedforward

    def recording(x: Any, *arguments: Any, **options: Any) -> Any:
        batches.append(candidate.columns(x).copy())
        return feedforward(x, *arguments, **options)

    try:
        instance.feedforward = recording
        candidate.train(instance, trial.x, trial.y, batch_size=batch_size, epochs=2, lr=LR)
    except AttributeError:  # a class with slots cannot be recorded
        return [], None
    except CandidateError as error:
        return batches, error
    return batches, None


def _sample_order(trial: Trial, batches: list[Array]) -> list[int]:
    """The indices of the samples in the batches, one after another."""
    return [int(np.argmin(np.abs(trial.x[0] - value))) for x in batches for value in x[0]]


def _batch_faults(tall: Trial, batches: list[Array], error: CandidateError | None) -> Iterator[Fault]:
    """What is wrong with the batches of two epochs."""
    shape = next((x.shape for x in batches if x.ndim != 2 or len(x) != tall.widths[0]), None)
    if shape is not None:
        yield Fault(
            "update",
            f"batch_size slices features, not samples: of x {tall.x.shape} a step with batch_size={BATCH_SIZE} used "
            f"{shape}; samples are columns, x[:, i:i + batch_size].",
        )
        return
    if error is not None:
        raise error
    if all(x.shape[1] == SAMPLES for x in batches):
        used = f"with batch_size={BATCH_SIZE} each step used all {SAMPLES} samples."
        yield Fault("update", f"the batch is never sliced: {used}")
        return
    order = _sample_order(tall, batches)
    first_epoch = order[: len(order) // 2]
    if missing := SAMPLES - len(set(first_epoch)):
        sentence = f"an epoch never uses {missing} of {SAMPLES} samples: the last, smaller batch is dropped."
        yield Fault("update", sentence)
    if order == sorted(first_epoch) * 2:
        yield NOT_SHUFFLED


def _start(candidate: ArticleCandidate, trial: Trial) -> Iterator[Fault]:
    """The first weights of a wide layer, and whether they can be reproduced."""
    if not isinstance(candidate.mine, type):
        return
    widths = [WIDE_FAN_IN, *trial.widths[1:]]
    first, second = (np.asarray(candidate.create(widths).weights[0], np.float64) for _ in range(2))
    spread = float(first.std()) * np.sqrt(WIDE_FAN_IN)
    if spread == 0:
        yield Fault("start", "all first weights are equal, so that the neurons of a layer stay equal.")
    elif spread > 4:
        yield Fault(
            "start",
            f"first weights are not scaled by 1/√fan_in: their spread is {first.std():.1f} for {WIDE_FAN_IN} inputs, "
            f"so that z spreads over ±{spread:.0f} and neurons start saturated.",
        )
    arguments = inspect.signature(candidate.mine).parameters
    if not np.array_equal(first, second) and not any(name in arguments for name in SEED_ARGUMENTS):
        sentence = (
            "nothing is seeded: two networks made in the same way start with different weights; add an argument seed."
        )
        yield Fault("start", sentence)

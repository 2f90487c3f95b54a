"""What a diagnosis is based on: the layers of a model, the costs of its run, and the data, each in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.targets import numeric_targets
from glassnet.execution.inference import evaluate, loaded_executor, outputs
from glassnet.execution.model import Model
from glassnet.program.parameters import Array
from glassnet.see.predictability import predictability
from glassnet.see.wording import NETWORK, Wording
from glassnet.tables.costs import Cost
from glassnet.training.history import CostLevels, FinalState, History, Predictability
from glassnet.training.layer_measures import QUANTITIES, LayerMeter, Measures

MAX_COST = 1e300  # in place of an infinite one
MAX_SAMPLES = 2048  # that the layers are measured on
LEARNT_ENOUGH = 0.8  # of Evidence.learnt: from here on, nothing that is wrong with the layers does harm
SMALL_NUMBER, SMALL_RMS = 0.1, 0.01  # of x: its largest number, and the root mean square of its largest column
RARE = 0.05  # the share of a class from which on down few validation rows have it
VALIDATION_MARGIN, RARE_MARGIN = 1.05, 1.5  # of a constant's cost on training rows, to judge a validation cost by
NOTHING_LEARNT = 0.05  # of Evidence.learnt: up to here, the predictions might as well be constant


class Finding(NamedTuple):
    """One thing that is wrong with a network or its data: evidence, the equation behind it, a change, its effect."""

    name: str
    evidence: str
    equation: str
    change: str
    expected: str

    @property
    def sentence(self) -> str:
        """The evidence and the change, in one line."""
        return f"{self.name.capitalize()}: {self.evidence} Try {self.change}"

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.evidence}\n  why       {self.equation}\n  try       {self.change}\n"
            f"  expected  {self.expected}"
        )


@dataclass(frozen=True)
class Evidence:
    """All that is known; what follows from it is computed once.

    `x` and `y` are samples as rows (y as numbers, one-hot for classes), `outputs` the model's outputs for them and
    `reached` their mean cost, `constant` that of the best constant prediction, `least` the least possible: None and 0
    without data. `measures` are of the layers now, or the last ones of the run.
    `is_complete` says that x and y are all the data, not some training samples. `repeated` is the share of samples that
    repeat an earlier one, where x does not tell: None means that it does.
    """

    model: Model
    history: History | None
    measures: Measures | None
    x: Array | None = None
    y: Array | None = None
    outputs: Array | None = None
    reached: float | None = None
    constant: float | None = None
    least: float = 0.0
    is_complete: bool = True
    wording: Wording = NETWORK
    repeated: float | None = None

    @cached_property
    def learnt(self) -> float | None:
        """How far the cost has fallen from that of the best constant prediction (0) to the least possible (1).

        The lower of the costs on x and of the last epoch counts, where x is all the data; the cost on some samples is
        compared with that of their own constant prediction. Without data, the share by which the cost of the first
        epoch has fallen; None where nothing is known.
        """
        costs = self.costs
        if self.reached is None or self.constant is None:
            return float(1 - costs[-1] / costs[0]) if len(costs) > 1 and costs[0] > 0 else None
        if self.constant - self.least <= 0:
            return None
        reached = min([self.reached, *costs[-1:]]) if self.is_complete else self.reached
        return (self.constant - reached) / (self.constant - self.least)

    def learnt_less_than(self, limit: float) -> bool:
        """Whether less than this has been learnt, or nothing is known about it."""
        return self.learnt is None or self.learnt < limit

    @cached_property
    def costs(self) -> Array:
        """The cost of each epoch of the last run."""
        return np.zeros(0) if self.history is None else self.history["cost"]

    @property
    def still_falls(self) -> bool:
        """Whether the cost fell in most epochs, and at the end about as fast as before."""
        costs = self.costs
        if len(costs) < 5 or not costs[0] > costs[-1]:
            return False
        falls, third = -np.diff(costs), max(1, (len(costs) - 1) // 3)
        late = (costs[-1 - third] - costs[-1]) / third
        return bool(self.share_of_falls >= 0.8 and late >= 0.5 * falls.mean())

    @property
    def share_of_falls(self) -> float:
        """The share of the epochs whose cost is lower than that of the epoch before."""
        return float((np.diff(self.costs) < 0).mean()) if len(self.costs) > 1 else 0.0

    @cached_property
    def oscillation(self) -> tuple[float, float]:
        """How much the cost goes up and down from epoch to epoch in the last half of the run, and its noise.

        The first is a share of what the cost is above the least possible, 0 where it falls by more than that; the
        second is the noise scale over the batch size, 0 where it is unknown.
        """
        late = self.costs[len(self.costs) // 2 :]
        if len(late) < 5:
            return 0.0, 0.0
        change, half = float(np.median(np.abs(np.diff(late)))), len(late) // 2
        size = 0 if self.history is None else self.history.layers.batch_size
        noise = 0.0 if self.measures is None or not size else self.measures.noise / size
        falls = late[:half].mean() - late[half:].mean() > change
        return (0.0 if falls else change / max(abs(float(np.median(late)) - self.least), 1e-300)), noise

    @cached_property
    def predictability(self) -> Predictability | None:
        """Whether x predicts y at all, by two regressions; None where that is unknown."""
        if self.x is not None and self.y is not None:
            return predictability(self.x, self.y)
        final = None if self.history is None else self.history.final
        return None if final is None else final.predictability

    @cached_property
    def x_is_small(self) -> bool:
        """Whether x is so small throughout that z hardly depends on it."""
        if self.x is None or not self.x.size:
            return False
        largest = float(np.abs(self.x).max())
        sizes = np.sqrt(np.square(self.x.astype(np.float64) / (largest or 1)).mean(axis=0))
        return largest < SMALL_NUMBER and largest * float(sizes.max()) < SMALL_RMS

    @cached_property
    def movement(self) -> float | None:
        """‖W − W of the seed‖ / ‖W of the seed‖: how far all weights have come; None where they began elsewhere."""
        model = self.model
        first = Model(model.architecture, model.initializer, model.dtype, model.seed, model.engine)
        names = [f"w{layer}" for layer in range(1, len(model.architecture.dense) + 1)]
        now, before = (np.concatenate([one.parameters[name].ravel() for name in names]) for one in (model, first))
        size = float(np.linalg.norm(before))
        return float(np.linalg.norm(now - before)) / size if size > 0 else None

    @cached_property
    def weight_growth(self) -> float:
        """Σw² of all weights over what it is at most in a usual first draw, 2·fan_out in each layer."""
        dense = self.model.architecture.dense
        squares = sum(
            float(np.square(self.model.parameters[f"w{layer}"], dtype=np.float64).sum())
            for layer in range(1, len(dense) + 1)
        )
        return squares / sum(2 * each.fan_out for each in dense)

    @cached_property
    def penalty_scale(self) -> tuple[float, float]:
        """l1 and l2 as the cost has them: scikit-learn's alpha is divided by the samples of a batch."""
        architecture, divisor = self.model.architecture, 1
        if self.wording.divides_penalty and self.history is not None:
            divisor = max(1, self.history.layers.batch_size)
        return architecture.l1 / divisor, architecture.l2 / divisor

    @cached_property
    def penalty(self) -> float:
        """What the penalty adds to the cost with the weights as they are now."""
        l1, l2 = self.penalty_scale
        weights = [self.model.parameters[f"w{n}"] for n in range(1, len(self.model.architecture.dense) + 1)]
        return float(sum(l1 * np.abs(w).sum() + l2 / 2 * np.square(w, dtype=np.float64).sum() for w in weights))

    @property
    def largest_penalty(self) -> float:
        """What the penalty added to the cost at most, with the weights of now or of a usual first draw."""
        (l1, l2), dense = self.penalty_scale, self.model.architecture.dense
        first = sum(l1 * each.fan_out * np.sqrt(2 * each.fan_in) + l2 * each.fan_out for each in dense)
        return max(self.penalty, float(first))

    @cached_property
    def steps(self) -> int:
        """The steps of the last run."""
        return self.history[-1].step if self.history else 0

    @property
    def constant_answer(self) -> str:
        """What the best prediction that ignores x amounts to, of which `constant` is the cost."""
        cost = self.model.architecture.cost
        if cost.target_sum is not None or cost.name == "binary_cross_entropy":
            return f"always answering the {'shares of the classes' if self.has_classes else 'mean of y'}"
        mean_is_best = cost.name in ("quadratic", "poisson", "poisson_deviance")
        return f"always answering {'the mean of y' if mean_is_best else 'the best constant'}"

    @cached_property
    def has_classes(self) -> bool:
        """Whether the targets are classes: one-hot in each group of outputs, or 0 and 1 in one column."""
        return self.y is not None and are_classes(self.y)

    @property
    def levels(self) -> str:
        """The cost that was reached beside that of a constant prediction, to end a sentence with; empty if unknown."""
        if self.reached is None or self.constant is None or self.learnt is None:
            return ""
        if self.learnt <= NOTHING_LEARNT:
            return f"; the cost is {self.reached:.3g}, no better than {self.constant_answer} ({self.constant:.3g})"
        return f"; the cost is {self.reached:.3g}, that of {self.constant_answer} {self.constant:.3g}"

    @cached_property
    def validation(self) -> Array:
        """The validation cost of each epoch of the last run, penalty included; empty without one."""
        costs = np.zeros(0) if self.history is None else self.history["validation_cost"]
        return costs if np.isfinite(costs).all() else np.zeros(0)

    @property
    def fails_to_generalise(self) -> bool:
        """Whether the validation cost of the weights that were kept is clearly above that of a constant prediction.

        The constant's cost is known for the training rows only, and is another one on the validation rows, above all
        where a class is rare.
        """
        if not len(self.validation) or self.constant is None or self.history is None:
            return False
        best = self.history.best_epoch
        cost = self.validation[best - 1 if best and best <= len(self.validation) else -1]
        rare = self.y is not None and self.has_classes and self.y.mean(axis=0).min() < RARE
        return bool(cost - self.penalty > (RARE_MARGIN if rare else VALIDATION_MARGIN) * self.constant)

    @property
    def updates(self) -> float | None:
        """The median of the last measurements' largest ‖change of W‖ / ‖W‖; None if the run was too short for one."""
        if self.history is None or not len(self.history.layers):
            return None
        return float(np.median(self.history.layers["update"][-5:].max(axis=1))) or None  # 0: no optimiser was known

    def of(self, quantity: str) -> Array:
        """A quantity of each layer, (layers,); empty where nothing was measured."""
        return np.zeros(0) if self.measures is None else self.measures.values[:, QUANTITIES.index(quantity)]


def evidence_of_run(
    model: Model,
    history: History | None,
    samples: Sources | None,
    wording: Wording = NETWORK,
    repeated: float | None = None,
) -> Evidence:
    """What is known of the model's last run, from some samples of it or from its History alone."""
    if samples is not None:
        evidence = examine(model, history, samples, wording, False, repeated)
        if history is not None and evidence.measures and evidence.reached is not None and evidence.constant is not None:
            levels = CostLevels(evidence.reached, evidence.constant, evidence.least)
            scores = evidence.predictability if evidence.learnt_less_than(LEARNT_ENOUGH) else None
            history.final = FinalState(evidence.measures, levels, scores)
        return evidence
    known = history or History()
    measures = known.layers.measurements[-1][2] if known.layers.measurements else None
    costs = known.final.levels._asdict() if known.final else {}
    return Evidence(model, history, measures, **costs, is_complete=False, wording=wording)


def examine(
    model: Model,
    history: History | None,
    sources: Sources,
    wording: Wording = NETWORK,
    is_complete: bool = True,
    repeated: float | None = None,
) -> Evidence:
    """What is known of the model, its last run, and these samples, which are already checked."""
    cost, predicted = model.architecture.cost, outputs(model, sources.x).T
    targets = numeric_targets(sources.y, model.architecture.outputs)
    constant, least = reference_costs(cost, targets.astype(np.float64), model.architecture.groups)
    with np.errstate(all="ignore"):  # from z where the cost pairs with the output, so that p = 0 has a finite cost
        mean, _ = evaluate(model, sources._replace(weights=None), penalty=False)
    reached = float(np.nan_to_num(mean, nan=MAX_COST, posinf=MAX_COST))
    known = (sources.x, targets, predicted, reached, constant, least)
    return Evidence(model, history, measured(model, sources), *known, is_complete, wording, repeated)


def measured(model: Model, sources: Sources) -> Measures:
    """The layers as they are now, measured on samples that are already checked."""
    indices = np.linspace(0, len(sources.x) - 1, min(MAX_SAMPLES, len(sources.x))).astype(np.int64)
    executor = loaded_executor(model, sources.x[indices], sources.y[indices])
    executor.run()
    return LayerMeter(model.architecture, executor).measure()


def are_classes(y: Array) -> bool:
    """Whether targets are classes: one-hot, or 0 and 1 in one column."""
    return bool(np.isin(y, (0, 1)).all() and (y.shape[1] == 1 or (y.sum(axis=1) == 1).all()))


def mean_cost(cost: Cost, a: Array, y: Array) -> float:
    """The mean over the samples of the cost without the penalty; a and y are rows."""
    with np.errstate(all="ignore"):
        return float(np.mean(np.nan_to_num(cost.value(a, y), posinf=MAX_COST).sum(axis=1)))


def reference_costs(cost: Cost, y: Array, groups: tuple[int, ...] = ()) -> tuple[float, float]:
    """The cost of the best constant prediction among the mean and the quantiles of y, and that of a = y.

    With the sizes of the `groups` of outputs, y is smoothed first, as the cost of a run smooths it.
    """
    y = np.asarray(cost.smoothed(y.T, groups)).T if groups else y
    with np.errstate(all="ignore"):
        quantiles = np.quantile(y, np.linspace(0.05, 0.95, 19), axis=0)
        constants = [y.mean(axis=0), *quantiles] if cost.target_sum is None else [y.mean(axis=0)]
    return min(mean_cost(cost, np.broadcast_to(a, y.shape), y) for a in constants), mean_cost(cost, y, y)

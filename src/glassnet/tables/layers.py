"""Layers that act between dense layers: dropout, batch and layer normalisation, scaling.

A layer is only its rows: `forward` adds them and returns the name of its output, `backward` adds the rows that bring
the error from its output to its input. `place` is where the layer stands (see building.py); quantities are named by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from numpy import sqrt

from glassnet.tables.interval import POSITIVE, SHARE_BELOW_ONE
from glassnet.tables.rows import check, row_of


class Place(Protocol):
    """Where a layer stands: it names the layer's quantities and adds its rows."""

    name: str
    width: int
    training: bool  # the rows of a training step, in place of those of inference
    learning: bool  # within a training step, where running statistics move

    def quantity(self, key: str) -> str:
        """The full name of one of the layer's parameters or statistics."""

    def error(self, quantity: str) -> str:
        """The name of ∂c/∂quantity."""

    def formula(
        self, write: str, function: Callable[..., Any], *reads: str, shape: str = "full", text: str = "", role: Any = ""
    ) -> str:
        """Add an elementwise row; `shape` is "full", "column" or "unit"."""

    def row(self, kind: str, reads: tuple[str, ...], writes: Mapping[str, str], text: str = "") -> None:
        """Add a row of another kind; `writes` maps names to shapes."""

    def drop(self, read: str, write: str, rate: float, text: str) -> None:
        """Add a dropout row."""

    def mean(self, parameter: str, *reads: str) -> None:
        """Add the gradient of a parameter: the mean over the batch of the product of `reads`."""


@dataclass(frozen=True)
class Layer:
    """What every layer row has: its name, its parameters and its running statistics with their first values."""

    name: ClassVar[str]
    source: ClassVar[str]
    parameters: ClassVar[Mapping[str, float]] = {}
    statistics: ClassVar[Mapping[str, float]] = {}

    @property
    def acts_before(self) -> bool:
        """Whether the layer acts before the activation of its dense layer."""
        return bool(getattr(self, "before_activation", False))

    def forward(self, place: Place, x: str) -> str:
        """Add the rows that act on `x` and return the name of the result."""
        raise NotImplementedError

    def backward(self, place: Place, error: str, x: str) -> str:
        """Add the rows that bring `error` (∂c/∂output) back and return the name of ∂c/∂x."""
        raise NotImplementedError


@dataclass(frozen=True)
class Dropout(Layer):
    """Each value is 0 with probability `rate` and divided by 1 − rate otherwise, while training.

    Source: Srivastava et al. (2014), in its inverted form: the inference network is left as it is.
    """

    rate: float = 0.5
    name = "dropout"
    source = "Srivastava et al. 2014, JMLR 15, section 4 (inverted)"

    def __post_init__(self) -> None:
        check(self, "rate", SHARE_BELOW_ONE)

    def forward(self, place: Place, x: str) -> str:
        """Drop values while training; in the inference program there is no row at all."""
        return self._drop(place, x, place.name, f"dropout({x}, {self.rate:g})")

    def backward(self, place: Place, error: str, x: str) -> str:
        """The same values are dropped from the error, by the same hash."""
        return self._drop(place, error, place.error(x), f"dropout(∂c/∂{place.name}, {self.rate:g})")

    def _drop(self, place: Place, read: str, write: str, text: str) -> str:
        if not place.training or self.rate == 0:
            return read
        place.drop(read, write, self.rate, text)
        return write


@dataclass(frozen=True)
class Scaling(Layer):
    """One factor γ a column, learnt, starting at 1."""

    before_activation: bool = False
    name = "scaling"
    source = "Ioffe & Szegedy 2015, the factor γ of equation (4) alone"
    parameters: ClassVar[Mapping[str, float]] = {"gamma": 1.0}

    def forward(self, place: Place, x: str) -> str:
        """γ ⊙ x."""
        return place.formula(place.name, lambda x, gamma: x * gamma, x, place.quantity("gamma"), text=f"γ ⊙ {x}")

    def backward(self, place: Place, error: str, x: str) -> str:
        """∂C/∂γ = mean(error ⊙ x); the error goes on times γ."""
        place.mean("gamma", error, x)
        return place.formula(
            place.error(x),
            lambda error, gamma: error * gamma,
            error,
            place.quantity("gamma"),
            text=f"∂c/∂{place.name} ⊙ γ",
        )


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Each column brought to mean 0 and variance 1 over the batch, then γ·x̂ + β.

    Source: Ioffe & Szegedy (2015), algorithm 1; biased variance. Inference uses running statistics,
    r ← momentum·r + (1 − momentum)·batch. Sample weights do not enter the batch's mean and variance.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5
    before_activation: bool = False
    name = "batch_norm"
    source = "Ioffe & Szegedy 2015, algorithm 1 and section 3"
    parameters: ClassVar[Mapping[str, float]] = {"gamma": 1.0, "beta": 0.0}
    statistics: ClassVar[Mapping[str, float]] = {"mean": 0.0, "variance": 1.0}

    def __post_init__(self) -> None:
        check(self, "momentum", SHARE_BELOW_ONE)
        check(self, "epsilon", POSITIVE)

    def forward(self, place: Place, x: str) -> str:
        """Statistics of the batch (training) or the running ones (inference), then normalise, scale and shift."""
        mean, variance = place.quantity("mean"), place.quantity("variance")
        if place.training:
            running, momentum = {"mean": mean, "variance": variance}, self.momentum
            mean, variance = place.quantity("batch_mean"), place.quantity("batch_variance")
            place.row("moments", (x,), {mean: "column", variance: "column"}, f"μ, v = mean, variance of {x} over m")
            for key, batch in (("mean", mean), ("variance", variance)) if place.learning else ():
                place.formula(
                    running[key],
                    lambda old, new: momentum * old + (1 - momentum) * new,
                    running[key],
                    batch,
                    shape="column",
                    role="running statistic",
                )
        return _normalised(self, place, x, mean, variance)

    def backward(self, place: Place, error: str, x: str) -> str:
        """∂C/∂γ, ∂C/∂β, then the error through the mean and the variance of the batch."""
        scaled, gamma, variance = place.quantity("normal"), place.quantity("gamma"), place.quantity("variance")
        place.mean("gamma", error, scaled)
        place.mean("beta", error)
        epsilon = self.epsilon
        if not place.training:
            return place.formula(
                place.error(x),
                lambda d, gamma, v: d * (gamma / sqrt(v + epsilon)),
                error,
                gamma,
                variance,
                text="through γ/√(v+ε)",
            )
        return place.formula(
            place.error(x),
            lambda d, n, gamma, v, mean, product: (d - mean - n * product) * (gamma / sqrt(v + epsilon)),
            *(error, scaled, gamma, place.quantity("batch_variance"), f"d{place.quantity('beta')}", f"d{gamma}"),
            text=f"γ/√(v+ε) ⊙ (∂c/∂{place.name} − mean − x̂ ⊙ mean(∂c/∂{place.name} ⊙ x̂))",
        )


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Each sample brought to mean 0 and variance 1 over its features, then γ·x̂ + β.

    Source: Ba, Kiros & Hinton (2016), equations (3) and (4); biased variance. Training and inference are the same.
    """

    epsilon: float = 1e-5
    before_activation: bool = False
    name = "layer_norm"
    source = "Ba, Kiros & Hinton 2016, equations (3) and (4)"
    parameters: ClassVar[Mapping[str, float]] = {"gamma": 1.0, "beta": 0.0}

    def __post_init__(self) -> None:
        check(self, "epsilon", POSITIVE)

    def forward(self, place: Place, x: str) -> str:
        """Statistics of each sample, then normalise, scale and shift."""
        mean, variance = place.quantity("mean"), place.quantity("variance")
        place.row(
            "feature_moments", (x,), {mean: "unit", variance: "unit"}, f"μ, v = mean, variance of {x} over features"
        )
        return _normalised(self, place, x, mean, variance)

    def backward(self, place: Place, error: str, x: str) -> str:
        """∂C/∂γ, ∂C/∂β, then the error through the mean and the variance of the sample."""
        scaled, gamma = place.quantity("normal"), place.quantity("gamma")
        place.mean("gamma", error, scaled)
        place.mean("beta", error)
        inner = place.formula(f"d{scaled}", lambda d, gamma: d * gamma, error, gamma, text=f"∂c/∂{place.name} ⊙ γ")
        mean, product, epsilon = place.quantity("error_mean"), place.quantity("error_product"), self.epsilon
        place.row("feature_mean", (inner,), {mean: "unit"})
        place.row("feature_mean_product", (inner, scaled), {product: "unit"})
        return place.formula(
            place.error(x),
            lambda d, n, v, mean, product: (d - mean - n * product) / sqrt(v + epsilon),
            *(inner, scaled, place.quantity("variance"), mean, product),
            text="1/√(v+ε) ⊙ (∂c/∂x̂ − mean − x̂ ⊙ mean(∂c/∂x̂ ⊙ x̂))",
        )


def _normalised(row: BatchNorm | LayerNorm, place: Place, x: str, mean: str, variance: str) -> str:
    """x̂ = (x − μ)/√(v + ε), then γ·x̂ + β: what both normalisations share."""
    epsilon = row.epsilon
    scaled = place.formula(
        place.quantity("normal"),
        lambda x, mean, v: (x - mean) / sqrt(v + epsilon),
        x,
        mean,
        variance,
        text=f"({x} − μ)/√(v+ε)",
        role="normalised",
    )
    return place.formula(
        place.name,
        lambda x, gamma, beta: x * gamma + beta,
        scaled,
        place.quantity("gamma"),
        place.quantity("beta"),
        text="γ ⊙ x̂ + β",
    )


LAYERS: dict[str, type[Layer]] = {row.name: row for row in (Dropout, Scaling, BatchNorm, LayerNorm)}


def layer(word: str | Layer) -> Layer:
    """The row for a name or a row; an unknown name raises ParameterError with the known ones."""
    return row_of(LAYERS, "layer", word, Layer)

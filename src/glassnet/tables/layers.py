"""Layers between dense layers: dropout, normalisation of the batch or the sample, scaling, parametric activations.

A layer consists of equations: `forward` adds those of its output and returns its name, `backward` adds those that
propagate the error from its output to its input. The builder that both receive knows the layer's position in the
network and names its quantities. Layers that widen the inputs are in `embeddings.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from numpy import sqrt

from glassnet.errors import ParameterError
from glassnet.tables.activations import activation
from glassnet.tables.embeddings import Embedding, PeriodicEmbedding, PiecewiseLinear
from glassnet.tables.entry import Limits, resolve_entry
from glassnet.tables.interval import HALF_OPEN_UNIT, NON_NEGATIVE, POSITIVE
from glassnet.tables.layer import Layer, LayerBuilder


@dataclass(frozen=True)
class Dropout(Layer):
    """While training, set each value to 0 with probability `rate` and divide the others by 1 − rate.

    Source: Srivastava et al. (2014), in the inverted form, which changes nothing at inference.
    """

    rate: float = 0.5
    name = "dropout"
    source = "Srivastava et al. 2014, JMLR 15, section 4 (inverted)"
    limits: ClassVar[Limits] = {"rate": HALF_OPEN_UNIT}

    def forward(self, builder: LayerBuilder, x: str) -> str:
        """Drop values while training; the inference program has no equation for it."""
        return self._drop(builder, x, builder.name, f"dropout({x}, {self.rate:g})")

    def backward(self, builder: LayerBuilder, error: str, x: str) -> str:
        """Drop the same values of the error, chosen by the same hash."""
        return self._drop(builder, error, builder.error(x), f"dropout(∂c/∂{builder.name}, {self.rate:g})")

    def _drop(self, builder: LayerBuilder, read: str, write: str, text: str) -> str:
        if not builder.training or self.rate == 0:
            return read
        builder.drop(read, write, self.rate, text)
        return write


@dataclass(frozen=True)
class GaussianNoise(Layer):
    """While training, add to each value a normal number with mean 0 and standard deviation `scale`."""

    scale: float = 0.1
    name = "gaussian_noise"
    source = "Bishop, Training with Noise is Equivalent to Tikhonov Regularization (1995); Box & Muller (1958)"
    limits: ClassVar[Limits] = {"scale": NON_NEGATIVE}

    def forward(self, builder: LayerBuilder, x: str) -> str:
        """Add noise while training; the inference program has no equation for it."""
        if not builder.training or self.scale == 0:
            return x
        builder.noise(x, builder.name, self.scale, f"{x} + {self.scale:g}·noise")
        return builder.name

    def backward(self, builder: LayerBuilder, error: str, x: str) -> str:
        """∂c/∂x is ∂c/∂output: the noise does not depend on x."""
        if not builder.training or self.scale == 0:
            return error
        text = f"∂c/∂{builder.name}"
        return builder.formula(builder.error(x), lambda error: error, error, text=text)


@dataclass(frozen=True)
class Scaling(Layer):
    """One learnt factor γ per column, initially 1."""

    before_activation: bool = False
    name = "scaling"
    source = "Ioffe & Szegedy 2015, the factor γ of equation (4) alone"
    parameters: ClassVar[Mapping[str, float]] = {"gamma": 1.0}

    def forward(self, builder: LayerBuilder, x: str) -> str:
        """γ ⊙ x."""
        return builder.formula(builder.name, lambda x, gamma: x * gamma, x, builder.quantity("gamma"), text=f"γ ⊙ {x}")

    def backward(self, builder: LayerBuilder, error: str, x: str) -> str:
        """∂C/∂γ = mean(error ⊙ x) and ∂c/∂x = error ⊙ γ."""
        builder.mean("gamma", error, x)
        gamma, text = builder.quantity("gamma"), f"∂c/∂{builder.name} ⊙ γ"
        return builder.formula(builder.error(x), lambda error, gamma: error * gamma, error, gamma, text=text)


@dataclass(frozen=True)
class ParametricActivation(Layer):
    """x + α ⊙ (f(x) − x) with one learnt α per column, initially 1; `activation` names f.

    Place it after a dense layer with the activation "linear". With α = 1 it is f, with α = 0 the identity.
    """

    activation: str = "mish"
    name = "parametric_activation"
    source = "Holzmüller, Grinsztajn & Steinwart, Better by Default: Strong Pre-Tuned MLPs (2024), section 3"
    parameters: ClassVar[Mapping[str, float]] = {"alpha": 1.0}

    def __post_init__(self) -> None:
        entry = activation(self.activation)
        if not entry.elementwise:
            raise ParameterError(f"activation of ParametricActivation is {entry.name!r}; it must be elementwise.")
        object.__setattr__(self, "activation", entry.name)

    def forward(self, builder: LayerBuilder, x: str) -> str:
        """f(x) − x, then x + α ⊙ (f(x) − x)."""
        value, bend = activation(self.activation).value, builder.quantity("bend")
        builder.formula(bend, lambda x: value(x) - x, x, text=f"{self.activation}({x}) − {x}")
        alpha, text = builder.quantity("alpha"), f"{x} + α ⊙ ({self.activation}({x}) − {x})"
        return builder.formula(builder.name, lambda x, alpha, bend: x + alpha * bend, x, alpha, bend, text=text)

    def backward(self, builder: LayerBuilder, error: str, x: str) -> str:
        """∂C/∂α = mean(error ⊙ (f(x) − x)) and ∂c/∂x = error ⊙ (1 + α ⊙ (f'(x) − 1))."""
        builder.mean("alpha", error, builder.quantity("bend"))
        entry, alpha = activation(self.activation), builder.quantity("alpha")

        def gradient(error: Any, x: Any, alpha: Any) -> Any:
            return error * (1 + alpha * (entry.derivative(x, entry.value(x)) - 1))

        text = f"∂c/∂{builder.name} ⊙ (1 + α ⊙ ({self.activation}'({x}) − 1))"
        return builder.formula(builder.error(x), gradient, error, x, alpha, text=text)


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Normalise each column to mean 0 and variance 1 over the batch, then γ·x̂ + β.

    Source: Ioffe & Szegedy (2015), algorithm 1; biased variance. Inference uses running statistics,
    r ← momentum·r + (1 − momentum)·batch. Sample weights do not affect the mean and variance of the batch.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5
    before_activation: bool = False
    name = "batch_norm"
    source = "Ioffe & Szegedy 2015, algorithm 1 and section 3"
    parameters: ClassVar[Mapping[str, float]] = {"gamma": 1.0, "beta": 0.0}
    statistics: ClassVar[Mapping[str, float]] = {"mean": 0.0, "variance": 1.0}
    limits: ClassVar[Limits] = {"momentum": HALF_OPEN_UNIT, "epsilon": POSITIVE}

    def forward(self, builder: LayerBuilder, x: str) -> str:
        """Normalise by the statistics of the batch (training) or the running ones (inference), then scale and shift."""
        mean, variance = builder.quantity("mean"), builder.quantity("variance")
        if builder.training:
            running, momentum = (mean, variance), self.momentum
            mean, variance = builder.quantity("batch_mean"), builder.quantity("batch_variance")
            builder.row("moments", (x,), {mean: "column", variance: "column"}, f"μ, v = mean, variance of {x} over m")
            for average, batch in zip(running, (mean, variance), strict=True) if builder.learning else ():
                builder.formula(
                    average,
                    lambda old, new: momentum * old + (1 - momentum) * new,
                    *(average, batch),
                    shape="column",
                    role="running statistic",
                )
        return _normalise(self, builder, x, mean, variance)

    def backward(self, builder: LayerBuilder, error: str, x: str) -> str:
        """∂C/∂γ, ∂C/∂β, then the error propagated through the mean and variance of the batch."""
        normalised, gamma = builder.quantity("normal"), builder.quantity("gamma")
        builder.mean("gamma", error, normalised)
        builder.mean("beta", error)
        epsilon, beta = self.epsilon, builder.quantity("beta")
        if not builder.training:
            return builder.formula(
                builder.error(x),
                lambda d, gamma, v: d * (gamma / sqrt(v + epsilon)),
                *(error, gamma, builder.quantity("variance")),
                text="through γ/√(v+ε)",
            )
        return builder.formula(
            builder.error(x),
            lambda d, n, gamma, v, mean, product: (d - mean - n * product) * (gamma / sqrt(v + epsilon)),
            *(error, normalised, gamma, builder.quantity("batch_variance"), f"d{beta}", f"d{gamma}"),
            text=f"γ/√(v+ε) ⊙ (∂c/∂{builder.name} − mean − x̂ ⊙ mean(∂c/∂{builder.name} ⊙ x̂))",
        )


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Normalise each sample to mean 0 and variance 1 over its features, then γ·x̂ + β.

    Source: Ba, Kiros & Hinton (2016), equations (3) and (4); biased variance. Training and inference are the same.
    """

    epsilon: float = 1e-5
    before_activation: bool = False
    name = "layer_norm"
    source = "Ba, Kiros & Hinton 2016, equations (3) and (4)"
    parameters: ClassVar[Mapping[str, float]] = {"gamma": 1.0, "beta": 0.0}
    limits: ClassVar[Limits] = {"epsilon": POSITIVE}

    def forward(self, builder: LayerBuilder, x: str) -> str:
        """Normalise by the statistics of each sample, then scale and shift."""
        mean, variance = builder.quantity("mean"), builder.quantity("variance")
        text = f"μ, v = mean, variance of {x} over features"
        builder.row("feature_moments", (x,), {mean: "unit", variance: "unit"}, text)
        return _normalise(self, builder, x, mean, variance)

    def backward(self, builder: LayerBuilder, error: str, x: str) -> str:
        """∂C/∂γ, ∂C/∂β, then the error propagated through the mean and variance of the sample."""
        normalised, gamma = builder.quantity("normal"), builder.quantity("gamma")
        builder.mean("gamma", error, normalised)
        builder.mean("beta", error)
        text = f"∂c/∂{builder.name} ⊙ γ"
        inner = builder.formula(f"d{normalised}", lambda d, gamma: d * gamma, error, gamma, text=text)
        mean, product, epsilon = builder.quantity("error_mean"), builder.quantity("error_product"), self.epsilon
        builder.row("feature_mean", (inner,), {mean: "unit"})
        builder.row("feature_mean_product", (inner, normalised), {product: "unit"})
        return builder.formula(
            builder.error(x),
            lambda d, n, v, mean, product: (d - mean - n * product) / sqrt(v + epsilon),
            *(inner, normalised, builder.quantity("variance"), mean, product),
            text="1/√(v+ε) ⊙ (∂c/∂x̂ − mean − x̂ ⊙ mean(∂c/∂x̂ ⊙ x̂))",
        )


def _normalise(layer: BatchNorm | LayerNorm, builder: LayerBuilder, x: str, mean: str, variance: str) -> str:
    """x̂ = (x − μ)/√(v + ε), then γ·x̂ + β, for both normalisations."""
    epsilon = layer.epsilon
    normalised = builder.formula(
        builder.quantity("normal"),
        lambda x, mean, v: (x - mean) / sqrt(v + epsilon),
        *(x, mean, variance),
        text=f"({x} − μ)/√(v+ε)",
        role="normalised",
    )
    return builder.formula(
        builder.name,
        lambda x, gamma, beta: x * gamma + beta,
        *(normalised, builder.quantity("gamma"), builder.quantity("beta")),
        text="γ ⊙ x̂ + β",
    )


LAYERS: dict[str, type[Layer]] = {
    entry.name: entry
    for entry in (
        *(Dropout, GaussianNoise, Scaling, ParametricActivation, BatchNorm, LayerNorm),
        *(PeriodicEmbedding, PiecewiseLinear, Embedding),
    )
}
LayerLike = str | Layer | type[Layer]


def layer(identifier: LayerLike) -> Layer:
    """Return a layer from its name, its class or itself."""
    return resolve_entry(LAYERS, "layer", identifier, Layer)

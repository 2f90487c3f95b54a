"""What a layer between dense layers is: its settings, its parameters, and the equations that it adds to a program.

The entries are in `layers.py` and, for those that widen the inputs, in `embeddings.py`; `program/layer_positions.py` is
the builder that they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from glassnet.tables.entry import Entry

Shape = str | int
"""Of a layer's quantity: "full" (m, width of its input), "column" (width,), "unit" (m,), or a number n for (m, n)."""


class Draw(NamedTuple):
    """How parameters are drawn: "normal" with deviation `scale`, or "uniform" within ±scale; the `zero_rows` are 0."""

    distribution: str
    scale: float
    zero_rows: tuple[int, ...] = ()

    def values(self, rng: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Values of that shape, float64; `rng` is NumPy's Generator or RandomState."""
        drawn = rng.normal(0, 1, shape) if self.distribution == "normal" else rng.uniform(-1, 1, shape)
        drawn[list(self.zero_rows)] = 0
        return np.asarray(drawn * self.scale, np.float64)


class Parameter(NamedTuple):
    """A parameter of a layer: its shape, (n,) or (rows, columns) as the engine stores it, and its first values."""

    shape: tuple[int, ...]
    initial: float | tuple[float, ...] | Draw


class LayerBuilder(Protocol):
    """Names the quantities of one layer of a network and adds its equations to the program."""

    name: str
    width: int  # of the layer's input
    training: bool  # whether the program is that of a training step, not of inference
    learning: bool  # whether running statistics are updated

    def quantity(self, key: str) -> str:
        """The full name of one of the layer's parameters or statistics."""

    def error(self, quantity: str) -> str:
        """The name of ∂c/∂quantity."""

    def formula(
        self,
        write: str,
        function: Callable[..., Any],
        *reads: str,
        shape: Shape = "full",
        text: str = "",
        role: Any = "",
    ) -> str:
        """Add an elementwise equation and return the name of its result."""

    def row(
        self,
        kind: str,
        reads: tuple[str, ...],
        writes: Mapping[str, Shape],
        text: str = "",
        settings: tuple[int, ...] = (),
    ) -> None:
        """Add an equation of another kind; `writes` maps names to shapes."""

    def drop(self, read: str, write: str, rate: float, text: str) -> None:
        """Add a dropout equation."""

    def noise(self, read: str, write: str, scale: float, text: str) -> None:
        """Add an equation of noise."""

    def mean(self, parameter: str, *reads: str) -> None:
        """Add the gradient of a parameter: the mean over the batch of the product of `reads`."""

    def gradient(self, kind: str, parameter: str, reads: tuple[str, ...], text: str, settings: tuple[int, ...]) -> None:
        """Add the gradient of a parameter by an equation of another kind."""


@dataclass(frozen=True)
class Layer(Entry):
    """Base class of the layers: name, parameters and running statistics, these with their initial values.

    `parameters` and `statistics` have one number per column of the input; a layer with parameters of other shapes
    overrides `parameters_of`. `on_inputs` layers act on x itself and nowhere else; they may change its width.
    """

    parameters: ClassVar[Mapping[str, float]] = {}
    statistics: ClassVar[Mapping[str, float]] = {}
    on_inputs: ClassVar[bool] = False

    @property
    def acts_before(self) -> bool:
        """Whether the layer acts before the activation of its dense layer."""
        return bool(getattr(self, "before_activation", False))

    def parameters_of(self, width: int) -> dict[str, Parameter]:
        """The parameters of the layer on an input of `width` columns."""
        return {key: Parameter((width,), initial) for key, initial in self.parameters.items()}

    def output_width(self, width: int) -> int:
        """The number of output columns for `width` input columns. Raises ParameterError if they do not fit."""
        return width

    def forward(self, builder: LayerBuilder, x: str) -> str:
        """Add the equations that transform `x` and return the name of the output."""
        raise NotImplementedError

    def backward(self, builder: LayerBuilder, error: str, x: str) -> str:
        """Add the equations that propagate `error` (∂c/∂output) and return the name of ∂c/∂x."""
        raise NotImplementedError

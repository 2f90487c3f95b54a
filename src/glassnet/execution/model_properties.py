"""What a network tells of the Model that it holds: architecture, parameters, dtype, precision, seed and engine."""

from __future__ import annotations

from typing import Any

from glassnet.execution.model import Model
from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Parameters


class ModelProperties:
    """The properties of a class that holds a Model."""

    model: Model

    @property
    def architecture(self) -> Architecture:
        """What the equations depend on: the layers, the cost, the penalty and the precision of products."""
        return self.model.architecture

    @property
    def parameters(self) -> Parameters:
        """Every parameter by name, views into one flat vector."""
        return self.model.parameters

    @property
    def statistics(self) -> Parameters:
        """The running statistics of normalisation layers, by name."""
        return self.model.statistics

    @property
    def dtype(self) -> Any:
        """The NumPy dtype of all computations but products in mixed precision."""
        return self.model.dtype

    @property
    def precision(self) -> str:
        """The precision of products in training: that of the dtype, or "mixed_bfloat16"."""
        return self.architecture.precision or str(self.dtype)

    @property
    def seed(self) -> int:
        """The seed of all randomness."""
        return self.model.seed

    @property
    def engine(self) -> str:
        """What runs the equations: "compiled" or "numpy"."""
        return self.model.engine

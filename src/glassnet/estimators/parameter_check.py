"""Parameters of estimators that scikit-learn's checks let through: numbers too large for a float, and bad pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.array_likes import check_representable
from glassnet.errors import ParameterError
from glassnet.execution.executor import usable_precision
from glassnet.program.precision import MIXED


class ParameterCheckMixin:
    """Checks the size of whole numbers before scikit-learn checks their ranges, and what goes together after it."""

    def _validate_params(self) -> None:
        parameters: dict[str, Any] = self.get_params(deep=False)  # type: ignore[attr-defined]
        check_representable(parameters)
        super()._validate_params()  # type: ignore[misc]
        if parameters.get("precision") == MIXED:
            if parameters.get("solver") == "lbfgs":
                advice = "take solver 'adam' or 'sgd', or leave precision out"
                raise ParameterError(f"solver 'lbfgs' computes in float64, not in precision {MIXED!r}: {advice}.")
            usable_precision(MIXED, "float32", "compiled", "leave precision out")


def fitting_dtype(estimator: Any, X: Any) -> Any:
    """The dtype of a network that is fitted to X: `dtype`, else float32 for mixed precision, else that of X."""
    return np.dtype(estimator.dtype or (np.float32 if estimator.precision == MIXED else X.dtype))

"""TabularClassifier, TabularRegressor: raw columns in, several averaged networks out.

They are imported when they are asked for, because scikit-learn takes seconds and the command line needs only a model.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassnet.tabular.classifier import TabularClassifier
    from glassnet.tabular.regressor import TabularRegressor

__all__ = ["TabularClassifier", "TabularRegressor"]
_HOMES = {"TabularClassifier": "classifier", "TabularRegressor": "regressor"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

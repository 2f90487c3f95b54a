"""Rounds of lanes: training on many blocks of rows at once, in this process or on a cluster of Dask."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassnet.scale.estimators import DaskMLPClassifier, DaskMLPRegressor
    from glassnet.scale.fitting import fit

_HOMES = {"fit": "fitting", "DaskMLPClassifier": "estimators", "DaskMLPRegressor": "estimators"}
__all__ = ["DaskMLPClassifier", "DaskMLPRegressor", "fit"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'glassnet.scale' has no attribute {name!r}")
    return getattr(importlib.import_module(f"glassnet.scale.{_HOMES[name]}"), name)

"""DaskMLPClassifier and DaskMLPRegressor: the estimators, with collections of Dask in fit, predict and score.

They train in lanes (fitting.py). What they predict for a collection of Dask is computed when it is asked for; anything
else they predict at once, as the plain estimators do.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from glassnet.estimators.base_mlp import AT_LEAST_1, BaseMLP
from glassnet.estimators.classifier import MLPClassifier
from glassnet.estimators.regressor import MLPRegressor
from glassnet.files.atomic_file import FilePath
from glassnet.scale.blocks import is_dask
from glassnet.scale.fitting import fit
from glassnet.scale.lane_settings import LANES
from glassnet.scale.lazy_predictions import lazy_outputs, lazy_score, prepared_rows
from glassnet.scale.prepared_estimator import prepared_pipeline

Array = np.ndarray[Any, Any]
LANE_PARAMETERS = ("client", "lanes", "steps_per_round", "rate_factor", "timeout")


Function = TypeVar("Function", bound=Callable[..., Any])


def with_parameters_of(plain: type[BaseMLP]) -> Callable[[Function], Function]:
    """Show the parameters of the plain class in the signature of an __init__ that ends in **parameters.

    scikit-learn learns the names of the parameters there.
    """

    def decorate(function: Function) -> Function:
        own = inspect.signature(function)
        known = {name: each for name, each in own.parameters.items() if each.kind is not inspect.Parameter.VAR_KEYWORD}
        others = [each for name, each in inspect.signature(plain.__init__).parameters.items() if name not in known]
        function.__signature__ = own.replace(parameters=[*known.values(), *others])  # type: ignore[attr-defined]
        return function

    return decorate


class DaskEstimator(BaseMLP):
    """What both estimators have in common; `plain` is the class of what `to_local` gives."""

    plain: ClassVar[type[BaseMLP]]
    preparation_: Any
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "client": "no_validation",
        "lanes": [AT_LEAST_1],
        "steps_per_round": [None, AT_LEAST_1],
        "rate_factor": "no_validation",
        "timeout": "no_validation",
    }

    def _store_parameters(self, arguments: dict[str, Any]) -> None:
        for name in self.plain._get_param_names():
            setattr(self, name, arguments[name])

    def _store_lanes(self, arguments: dict[str, Any]) -> None:
        for name in LANE_PARAMETERS:
            setattr(self, name, arguments[name])

    def _fit_in_lanes(self, X: Any, y: Any, sample_weight: Any, validation_data: Any, files: dict[str, Any]) -> Self:
        lanes = {name: getattr(self, name) for name in LANE_PARAMETERS}
        fit(self, X, y, sample_weight=sample_weight, validation=validation_data, **lanes, **files)
        return self

    def _prepared_now(self, X: Any) -> Any:
        """X in memory, prepared where the columns of the training data were."""
        check_is_fitted(self)
        return prepared_rows(self.preparation_, X)

    def to_local(self) -> Any:
        """The estimator without Dask, with equal predictions: it can be saved, or trained further with partial_fit.

        If columns of X were prepared, for example text and dates, the result is a pipeline that prepares them too.
        """
        local = self._without_dask()
        return local if self.preparation_ is None else prepared_pipeline(self.preparation_, local)

    def save(self, path: FilePath) -> None:
        """Write the result of `to_local` to a model file; `glassnet.load` reads it. Raises as MLPClassifier's does."""
        local = self._without_dask()
        local.preparation_ = self.preparation_
        local.save(path)

    def _without_dask(self) -> Any:
        """The estimator of the class `plain`, which gets columns that are prepared."""
        check_is_fitted(self)
        local: Any = self.plain(**{name: getattr(self, name) for name in self.plain._get_param_names()})
        names = ("preparation_", *self._get_param_names())
        local.__setstate__({name: value for name, value in self.__getstate__().items() if name not in names})
        for name in self.plain._get_param_names():
            setattr(local, name, getattr(self, name))
        return local

    def __sklearn_clone__(self) -> Self:
        """A copy that is not fitted, and uses the same client."""
        parameters = self.get_params(deep=False)
        return type(self)(**parameters | {n: clone(v, safe=False) for n, v in parameters.items() if n != "client"})

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"client": None}


class DaskMLPClassifier(DaskEstimator, MLPClassifier):
    """An MLPClassifier for data on a cluster: it is trained in lanes, and its predictions are lazy.

    Parameters
    ----------
    hidden_layer_sizes, activation : as in MLPClassifier
    client : a Client of Dask; None starts workers on this machine for the duration of the fit; False trains in this
        process
    lanes : how many parts of the data are trained on at the same time; a setting of the model
    steps_per_round, rate_factor, timeout : as in `glassnet.scale.fit`
    parameters : all others of MLPClassifier (`solver`, `batch_size`, `max_iter`, `random_state`, ...)

    Attributes
    ----------
    preparation_ : how the columns of a DataFrame became numbers; None if all columns are numbers
    lanes_ : the settings that define the lanes
    All others are those of MLPClassifier.
    """

    plain = MLPClassifier
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MLPClassifier._parameter_constraints,
        **DaskEstimator._parameter_constraints,
    }

    @with_parameters_of(MLPClassifier)
    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        client: Any = None,
        lanes: int = LANES,
        steps_per_round: int | None = None,
        rate_factor: float | None = None,
        timeout: float | None = None,
        **parameters: Any,
    ) -> None:
        self._store_lanes(locals())
        super().__init__(hidden_layer_sizes, activation, **parameters)

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, validation_data: Any = None, **files: Any
    ) -> Self:
        """Fit to X and y: anything that `glassnet.scale.fit` takes, samples as rows.

        `validation_data` is (X, y), or the fraction of each block to hold out; `checkpoint`, `every` and `resume` are
        as in `NeuralNetwork.train`. Raises DataError, which names the block, and ClusterError.
        """
        return self._fit_in_lanes(X, y, sample_weight, validation_data, files)

    def predict(self, X: Any) -> Any:
        """The most probable class of each row: lazy for a dask.array (n,) or dask.dataframe (a Series)."""
        if is_dask(X):
            return lazy_outputs(self, X, "predict", self.classes_)
        return super().predict(self._prepared_now(X))

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class: lazy for a dask.array (n, classes) or dask.dataframe (a column per class)."""
        if is_dask(X):
            return lazy_outputs(self, X, "predict_proba", self.classes_)
        return super().predict_proba(self._prepared_now(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """The share of rows that are predicted correctly; a Delayed for collections of Dask."""
        if is_dask(X):
            return lazy_score(self, X, y, sample_weight)
        return super().score(X, y, sample_weight)


class DaskMLPRegressor(DaskEstimator, MLPRegressor):
    """An MLPRegressor for data on a cluster: it is trained in lanes, and its predictions are lazy.

    Its parameters and attributes are those of DaskMLPClassifier and MLPRegressor.
    """

    plain = MLPRegressor
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MLPRegressor._parameter_constraints,
        **DaskEstimator._parameter_constraints,
    }

    @with_parameters_of(MLPRegressor)
    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        client: Any = None,
        lanes: int = LANES,
        steps_per_round: int | None = None,
        rate_factor: float | None = None,
        timeout: float | None = None,
        **parameters: Any,
    ) -> None:
        self._store_lanes(locals())
        super().__init__(loss, hidden_layer_sizes, activation, **parameters)

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, validation_data: Any = None, **files: Any
    ) -> Self:
        """Fit to X and y, as in DaskMLPClassifier."""
        return self._fit_in_lanes(X, y, sample_weight, validation_data, files)

    def predict(self, X: Any) -> Any:
        """The predictions: lazy for a dask.array (n,) or (n, outputs), or a dask.dataframe."""
        if is_dask(X):
            return lazy_outputs(self, X, "predict", range(self.n_outputs_))
        return super().predict(self._prepared_now(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """R² as in scikit-learn; a Delayed for collections of Dask."""
        if is_dask(X):
            return lazy_score(self, X, y, sample_weight)
        return super().score(X, y, sample_weight)

"""TabularRegressor: a number, or several, from raw columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import StrOptions

from glassnet.data.target import NumberTarget, TargetColumn
from glassnet.tabular.base_tabular import NAME_OF_TARGET, BaseTabular
from glassnet.tabular.hyperparameters import NUMBERS, Hyperparameters
from glassnet.tabular.target_values import number_values

Array = np.ndarray[Any, Any]


class TabularRegressor(RegressorMixin, BaseTabular):
    """Several networks, averaged, for raw columns: numbers, text, dates, missing cells, in a DataFrame or an array.

    Parameters
    ----------
    metric : what chooses the epoch of each network, on rows that it leaves out: auto (the RMSE), rmse, mae, r2, or a
        scorer (estimator, X, y) -> float, where greater is better
    log_target : whether the logarithm of a positive y is learnt; "auto" leaves it to the preset
    preset, time_limit, drop, number, category, date, keep, missing, random_state, n_jobs, precision, verbose : as in
        TabularClassifier

    Attributes
    ----------
    model_ : the TabularModel; members_ : its networks, each with the rows that it left out
    notes_ : what was done with the columns, one sentence per column
    report_ : scores on rows left out of training, and observations on the table
    n_features_in_, feature_names_in_ : the number of raw columns, and their names if X had names
    """

    task = NUMBERS
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseTabular._parameter_constraints,
        "log_target": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        *,
        preset: str = "default",
        metric: str | Callable[..., float] = "auto",
        log_target: bool | str = "auto",
        time_limit: float | None = None,
        drop: Sequence[Any] = (),
        number: Sequence[Any] = (),
        category: Sequence[Any] = (),
        date: Sequence[Any] = (),
        keep: Sequence[Any] = (),
        missing: Sequence[str] = (),
        random_state: Any = None,
        n_jobs: int | None = None,
        precision: str | None = None,
        verbose: int = 0,
    ) -> None:
        self.preset, self.metric, self.log_target, self.time_limit = preset, metric, log_target, time_limit
        self.drop, self.number, self.category, self.date = drop, number, category, date
        self.keep, self.missing, self.random_state = keep, missing, random_state
        self.n_jobs, self.precision, self.verbose = n_jobs, precision, verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TabularRegressor:
        """Fit to raw columns X (n, features) and the numbers y (n,) or (n, outputs), with weights (n,) of the rows.

        Raises DataError (a ValueError) for data that cannot be used. A FitWarning says what may be wrong with the fit.
        """
        return self._fit(X, y, sample_weight)

    def predict(self, X: Any) -> Array:
        """The predicted numbers (n,), or (n, outputs) where y had several columns."""
        values = self.model_values(X)
        return values[:, 0] if values.shape[1] == 1 else values

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Array:
        """Bounds (n, 2) that contain y for the share `coverage` of new rows; (n, outputs, 2) if y had several columns.

        They are computed from the errors on rows that networks left out, and are wider where errors are larger
        (docs/tabular.md says what is guaranteed). Raises ParameterError (a ValueError) for a coverage that needs more
        rows.
        """
        bounds = self.model_.interval(self._inputs(X), coverage)
        return bounds[:, 0] if bounds.shape[1] == 1 else bounds

    def predict_quantiles(self, X: Any, quantiles: float | Iterable[float] = (0.1, 0.5, 0.9)) -> Array:
        """Quantiles of y, (n, levels) or (n, outputs, levels), which rise with the level; raises as
        predict_interval does.
        """
        levels = [quantiles] if isinstance(quantiles, (int, float)) else quantiles
        values = self.model_.quantiles(self._inputs(X), levels)
        return values[:, 0] if values.shape[1] == 1 else values

    def predict_row(self, row: Mapping[str, Any]) -> Any:
        """The predicted number of one row, given as a dict of cells by column, or (outputs,) if y had several columns.

        This is much faster than a DataFrame of one row. Raises DataError (a ValueError) for a column that is missing or
        a cell that cannot be read.
        """
        values = self.model_.values(self._single_row.inputs(row))[0]
        return values[0] if len(values) == 1 else values

    def model_values(self, X: Any) -> Array:
        """The predicted numbers, (n, outputs) even if there is one output."""
        x = self._inputs(X)
        return self.model_.values(x)

    def _target_values(self, y: Any) -> tuple[Array, list[str]]:
        return number_values(y)

    def _fit_target(self, values: Array, plan: Hyperparameters) -> tuple[TargetColumn, Array]:
        log_target = plan.log_target if self.log_target == "auto" else bool(self.log_target)
        target = NumberTarget.fit(NAME_OF_TARGET, values, log_target=log_target)
        return target, target.encode(values)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

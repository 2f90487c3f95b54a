"""The base of TabularClassifier and TabularRegressor: scikit-learn's contract around a TabularModel."""

from __future__ import annotations

import sys
import time
import warnings
from functools import cache
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, check_is_fitted

from glassnet.data.choice import ColumnChooser
from glassnet.data.options import COLUMN_OPTIONS, ReadingOptions
from glassnet.data.preprocessing import ArrayPreparation, TablePreparation
from glassnet.data.summary import Summary
from glassnet.data.table import Table
from glassnet.data.target import TargetColumn
from glassnet.errors import DataError, counted
from glassnet.estimators.fit_warnings import FitWarning
from glassnet.estimators.inputs import weight_input
from glassnet.estimators.parameter_check import ParameterCheckMixin
from glassnet.execution.executor import usable_precision
from glassnet.program.precision import NETWORK_PRECISIONS
from glassnet.tabular.column_warnings import warn_of_columns
from glassnet.tabular.ensemble import Execution
from glassnet.tabular.fitting import Fitted, Rows, Settings, fit_model
from glassnet.tabular.hyperparameters import Hyperparameters, preset_hyperparameters
from glassnet.tabular.member import Member
from glassnet.tabular.model import TabularModel
from glassnet.tabular.number_inputs import NumberInputs
from glassnet.tabular.python_notes import python_note
from glassnet.tabular.raw_columns import PATH, informative_columns, raw_table
from glassnet.tabular.report import Report
from glassnet.tabular.reporting import KEY as REPORT
from glassnet.tabular.saving import TabularSavingMixin
from glassnet.tabular.single_row import SingleRow, named_row, row_of_array

Array = np.ndarray[Any, Any]
NAME_OF_TARGET = "y"


class BaseTabular(ParameterCheckMixin, TabularSavingMixin, BaseEstimator):
    """The base of both estimators; it contains no mathematics."""

    task: ClassVar[str]
    model_: TabularModel
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "preset": [str],
        "metric": [str, callable],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
        **{name: [str, "array-like"] for name in (*COLUMN_OPTIONS, "missing")},
        "random_state": ["random_state"],
        "n_jobs": [None, Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left")],
        "precision": [None, StrOptions(set(NETWORK_PRECISIONS))],
        "verbose": ["verbose"],
    }
    _hyperparameters: Hyperparameters | None = None  # overrules the preset's where a subclass sets it

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """The constructor's parameters, inspected once: copying an estimator asks for them several times."""
        return list(super()._get_param_names())

    # What the classifier and the regressor define ---------------------------------------------------------------------

    def _target_values(self, y: Any) -> tuple[Array, list[str]]:
        """The values of y, (n,) or (n, outputs), and notes on them."""
        raise NotImplementedError

    def _fit_target(self, values: Array, plan: Hyperparameters) -> tuple[TargetColumn, Array]:
        """The target, and the encoded values, (n,) or (n, outputs)."""
        raise NotImplementedError

    def _weights(self, target: TargetColumn, y: Array, weights: Array | None) -> Array | None:
        """The weights of the rows (n,), with those of their classes; None where all are 1."""
        return weights

    # Fitting ----------------------------------------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """The body of fit."""
        started, seed = time.perf_counter(), int(check_random_state(self.random_state).randint(2**31 - 1))
        table, named = raw_table(X, self)
        if table.rows < 2:
            raise DataError(f"{table.path} has 1 sample; at least 2 are needed.")
        values, notes = self._target_values(y)
        check_consistent_length(np.empty((table.rows, 0)), values)
        table, values, weights = _with_weight(table, values, _checked_weights(sample_weight, table.rows))
        plan = self._hyperparameters or preset_hyperparameters(self.preset, self.task, table.rows, len(table.names))
        plan = plan._replace(precision=usable_precision(self.precision, "float32", "compiled"))
        target, encoded = self._fit_target(values, plan)
        notes += filter(None, [getattr(target, "note", "")])
        weights = self._weights(target, encoded, weights)
        table, encoded, weights = _with_weight(table, encoded, weights)
        rows = Rows(table, target, encoded, weights)
        chooser = ColumnChooser(Summary.of(rows.table), self._options(rows.table, named), rows.table)
        limit = None if self.time_limit is None else max(self.time_limit - (time.perf_counter() - started), 0.0)
        execution = Execution(self.n_jobs, limit, int(bool(self.verbose)))
        try:
            fitted = fit_model(rows, chooser, Settings(plan, self.metric, seed, execution))
        except DataError as error:
            raise DataError(python_note(str(error))) from error
        self._store(fitted, table, named, notes)
        return self

    def _options(self, table: Table, named: bool) -> ReadingOptions:
        """What the person says about columns; the numeric columns of an array are kept but where they are constant."""
        lists: dict[str, Any] = {name: _entries(getattr(self, name), named) for name in (*COLUMN_OPTIONS, "missing")}
        if not named:
            lists["keep"] += [name for name in informative_columns(table) if name not in lists["drop"]]
        return ReadingOptions(**lists)

    def _store(self, fitted: Fitted, table: Table, named: bool, notes: list[str]) -> None:
        """Set the fitted attributes, and say what was found."""
        self._set_model(fitted.model, table.names, named)
        self.notes_ = [*notes, *map(python_note, fitted.notes)]
        if self.verbose:
            for note in self.notes_:
                print(f"Note: {note}", file=sys.stderr)
        for problem in fitted.problems:
            warnings.warn(FitWarning(python_note(problem)), stacklevel=5)

    def _set_model(self, model: TabularModel, names: list[str], named: bool) -> None:
        """Set the attributes of a fitted estimator; `names` are those of all raw columns, from a person if `named`."""
        self.model_, self.n_features_in_ = model, len(names)
        self._names, self._is_named = names, named
        self._number_inputs = NumberInputs.of(model.preparation, names)
        for name in ("feature_names_in_", "_rows_prepared"):
            self.__dict__.pop(name, None)
        if named:
            self.feature_names_in_ = np.array(names, object)

    # Predicting -------------------------------------------------------------------------------------------------------

    @property
    def members_(self) -> list[Member]:
        """The trained networks with the rows that each left out."""
        check_is_fitted(self)
        return self.model_.members

    @property
    def report_(self) -> Report:
        """How good the model is on rows that its networks left out, and observations on the table."""
        check_is_fitted(self)
        if (document := self.model_.training.get(REPORT)) is None:
            raise DataError("The model has no report; fit it again.")
        try:
            return Report.from_json(document)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise DataError("The report in the model's file is damaged; fit it again.") from None

    def plot_training(self, ax: Any = None) -> Any:
        """Draw the score of each network by epoch, on the rows it left out, on `ax` or a new figure; return the axes.

        Raises DataError for an estimator that was read from a file, because files do not contain the epochs.
        """
        from glassnet.tabular.pictures import draw_curves

        check_is_fitted(self)
        return draw_curves(self.model_, ax)

    def _inputs(self, X: Any) -> Array:
        """The inputs (n, features) of the networks for raw columns: by name, or by position where there is none."""
        check_is_fitted(self)
        if isinstance(self.model_.preparation, ArrayPreparation):  # of the command line
            array = check_array(X, dtype=None, allow_nd=True, estimator=self)
            return self.model_.preparation.transform(array.reshape(len(array), -1), "X")
        if self._number_inputs is not None and (x := self._number_inputs(X)) is not None:
            return x
        row = named_row(X) if self._is_named else None
        if row is not None or (row := row_of_array(X, self._names)) is not None:
            return self._single_row.inputs(row, PATH, stacklevel=4)
        table, named = raw_table(X, self)
        if not (named and self._is_named):
            if len(table.names) != self.n_features_in_:
                raise DataError(
                    f"X has {len(table.names)} features, but {type(self).__name__} is expecting "
                    f"{self.n_features_in_} features as input."
                )
            table = Table(table.path, table.data.rename_columns(self._names))
        x, notes = self.model_.prepare(table)
        warn_of_columns(notes, stacklevel=4)
        return x

    @property
    def _single_row(self) -> SingleRow:
        """What prepares single rows; built at the first one, and not copied."""
        if "_rows_prepared" not in vars(self):
            check_is_fitted(self)
            if not isinstance(self.model_.preparation, TablePreparation):
                raise DataError("The model was trained on arrays, which have no named columns; pass an array.")
            self._rows_prepared = SingleRow(self.model_.preparation)
        return self._rows_prepared

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_rows_prepared"}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        tags.non_deterministic = False
        return tags


def _entries(entries: Any, named: bool) -> list[Any]:
    """The entries of an option; a column of an array may be given by its number."""
    entries = [entries] if isinstance(entries, str) else list(entries)
    return entries if named else [f"x{entry}" if isinstance(entry, Integral) else entry for entry in entries]


def _checked_weights(sample_weight: Any, rows: int) -> Array | None:
    """The weights (rows,) float64 of the rows, or None. Raises ValueError where they are negative or not finite."""
    if sample_weight is None:
        return None
    return np.asarray(_check_sample_weight(weight_input(sample_weight), np.empty((rows, 0)), ensure_non_negative=True))


def _with_weight(table: Table, y: Array, weights: Array | None) -> tuple[Table, Array, Array | None]:
    """The rows whose weight is above 0. Raises DataError where there are fewer than two."""
    if weights is None or weights.all():
        return table, y, weights
    chosen = np.flatnonzero(weights)
    if len(chosen) < 2:
        raise DataError(f"{counted(len(chosen), 'row has', 'rows have')} a weight above 0; at least 2 are needed.")
    return table.take(chosen), y[chosen], weights[chosen]

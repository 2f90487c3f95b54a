"""TabularClassifier: the class of a row from raw columns, with its probability."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight

from glassnet.data.target import ClassTarget, TargetColumn
from glassnet.errors import DataError
from glassnet.tabular.base_tabular import NAME_OF_TARGET, BaseTabular
from glassnet.tabular.hyperparameters import CLASSES, Hyperparameters
from glassnet.tabular.model import TabularModel
from glassnet.tabular.target_values import class_values

Array = np.ndarray[Any, Any]


class TabularClassifier(ClassifierMixin, BaseTabular):
    """Several networks, averaged, for raw columns: numbers, text, dates, missing cells, in a DataFrame or an array.

    Parameters
    ----------
    preset : fast, default or best: how many networks are trained, and for how many epochs; pixels, where every
        column is one of an image
    metric : what chooses the epoch of each network, on the rows that it leaves out: auto (log_loss), log_loss,
        accuracy, balanced_accuracy, roc_auc, or a scorer (estimator, X, y) -> float, where greater is better
    class_weight : weights of the classes, a dict, or "balanced"
    time_limit : seconds after which the fit ends with the best networks so far
    drop, number, category, date : columns to leave out, or to read as numbers, categories or dates ("when=dmy" gives
        the order of day and month); a column of an array is named by its number
    keep : columns that are used although they look like identifiers, row counters, constants or free text
    missing : further words that mean a missing cell
    random_state : the seed of all randomness, which gives the same bits for any n_jobs
    n_jobs : number of networks that are trained at the same time; None and -1 mean as many as there are processors
    precision : "mixed_bfloat16" trains the networks with products whose operands are rounded to bfloat16:
        faster on processors with AVX512_BF16, refused on others. Predictions are computed in float32
    verbose : 1 shows the progress, and what was done with the columns

    Attributes
    ----------
    classes_ : the classes in sorted order
    model_ : the TabularModel; members_ : its networks, each with the rows that it left out
    notes_ : what was done with the columns, one sentence per column
    report_ : scores on rows left out of training, and observations on the table
    n_features_in_, feature_names_in_ : the number of raw columns, and their names if X had names
    """

    task = CLASSES
    classes_: Array
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseTabular._parameter_constraints,
        "class_weight": [None, dict, StrOptions({"balanced"})],
    }

    def __init__(
        self,
        *,
        preset: str = "default",
        metric: str | Callable[..., float] = "auto",
        class_weight: Mapping[Any, float] | str | None = None,
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
        self.preset, self.metric, self.class_weight, self.time_limit = preset, metric, class_weight, time_limit
        self.drop, self.number, self.category, self.date = drop, number, category, date
        self.keep, self.missing, self.random_state = keep, missing, random_state
        self.n_jobs, self.precision, self.verbose = n_jobs, precision, verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TabularClassifier:
        """Fit to raw columns X (n, features) and the classes y (n,), with weights (n,) of the rows.

        Raises DataError (a ValueError) for data that cannot be used. A FitWarning says what may be wrong with the fit.
        """
        return self._fit(X, y, sample_weight)

    def _set_model(self, model: TabularModel, names: list[str], named: bool) -> None:
        super()._set_model(model, names, named)
        assert isinstance(model.target, ClassTarget)
        self.classes_ = np.array(model.target.classes)

    def predict(self, X: Any) -> Array:
        """The most probable class of each row, (n,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class in the order of `classes_`, (n, classes)."""
        x = self._inputs(X)
        return self.model_.probabilities(x)

    def predict_row(self, row: Mapping[str, Any]) -> Any:
        """The most probable class of one row, a dict of cells by column; much faster than a DataFrame of one row."""
        return self.classes_[self.model_.probabilities(self._single_row.inputs(row))[0].argmax()]

    def predict_proba_row(self, row: Mapping[str, Any]) -> Array:
        """The probability of each class in the order of `classes_`, (classes,), for one row, a dict of cells by column.

        Raises DataError (a ValueError) for a column that is missing or a cell that cannot be read.
        """
        return self.model_.probabilities(self._single_row.inputs(row))[0]

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of the probabilities, (n, classes)."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _target_values(self, y: Any) -> tuple[Array, list[str]]:
        return class_values(y)

    def _fit_target(self, values: Array, plan: Hyperparameters) -> tuple[TargetColumn, Array]:
        try:
            target = ClassTarget.fit(NAME_OF_TARGET, values)
        except DataError as error:
            raise DataError(str(error).replace("use --task regression", "use TabularRegressor")) from None
        return target, np.unique(values, return_inverse=True)[1].astype(np.int64)

    def _weights(self, target: TargetColumn, y: Array, weights: Array | None) -> Array | None:
        if self.class_weight is None:
            return weights
        assert isinstance(target, ClassTarget)
        by_class = compute_sample_weight(self.class_weight, np.array(target.classes)[y])
        return by_class if weights is None else weights * by_class

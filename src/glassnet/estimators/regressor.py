"""MLPRegressor: scikit-learn's parameters, attributes and results on glassnet's engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, SupportsIndex

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from glassnet.errors import DataError
from glassnet.estimators.base_mlp import BaseMLP
from glassnet.estimators.inputs import validated
from glassnet.estimators.sklearn_names import default_output, loss_entry, mean_over_outputs
from glassnet.estimators.validation_data import ValidationData
from glassnet.tables import optimizers, schedules
from glassnet.tables.activations import Activation, ActivationLike, activation
from glassnet.tables.costs import Cost, Quadratic

Array = np.ndarray[Any, Any]


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron for regression, a drop-in replacement for scikit-learn's MLPRegressor.

    The parameters up to `max_fun` are scikit-learn's, with its defaults (the first is the loss); all others are
    keyword-only. Those not listed here are described in MLPClassifier.

    Parameters
    ----------
    loss : squared_error (½ of it, summed over the outputs), poisson (half the deviance; its output activation is exp),
        absolute_error, huber, quantile, or any entry of glassnet's costs: Huber(2.0), Quantile(0.9), custom_cost(...)
    sklearn_compatible : report the squared error of several outputs as scikit-learn does, as their mean, although the
        gradient is that of their sum (its issue 8349); the fit then stops by that loss

    Attributes
    ----------
    coefs_, intercepts_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_ : the model
    loss_, loss_curve_, best_loss_, n_iter_, t_, validation_scores_, best_validation_score_ : the run
    validation_loss_curve_ : the validation loss after each epoch, without the penalty
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMLP._parameter_constraints,
        "loss": [str, Cost],
        "sklearn_compatible": ["boolean"],
    }

    def __init__(
        self,
        loss: str | Cost = "squared_error",
        hidden_layer_sizes: SupportsIndex | Iterable[SupportsIndex] = (100,),
        activation: ActivationLike | Sequence[ActivationLike] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        output_activation: ActivationLike | None = None,
        optimizer: optimizers.OptimizerLike | None = None,
        schedule: schedules.ScheduleLike | None = None,
        dropout: float = 0.0,
        batch_norm: bool = False,
        layer_norm: bool = False,
        scoring: Any = None,
        callbacks: Sequence[Any] = (),
        progress: bool = False,
        dtype: Any = None,
        time_limit: float | None = None,
        threads: int | None = None,
        sklearn_compatible: bool = False,
        precision: str | None = None,
    ) -> None:
        self._store_parameters(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> MLPRegressor:
        """Fit to X (n, features), dense or sparse, and y (n,) or (n, outputs).

        `validation_data` is (X, y) or (X, y, sample_weight); early stopping then uses it instead of a part of X.
        """
        return self._fit(X, y, sample_weight, False, validation_data)

    @available_if(lambda estimator: estimator._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one more epoch on these data."""
        return self._fit(X, y, sample_weight, True)

    def predict(self, X: Any) -> Array:
        """The predictions (n,) for the rows of X, or (n, outputs) if there are several outputs."""
        return self._decode(self._outputs(self._validated_X(X)))

    # What the base calls ----------------------------------------------------------------------------------------------

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        X, y = validated(self, X, y, multi_output=True, y_numeric=True, dtype=(np.float64, np.float32), reset=reset)
        if y.dtype.kind in "US":
            advice = "convert it, or take MLPClassifier for classes"
            raise DataError(f"y holds the text {str(y.flat[0])!r:.60}; a regressor needs numbers: {advice}.")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, self._encode(y)

    def _encode(self, y: Array) -> Array:
        """y as rows (n, outputs), checked to lie in the loss's domain."""
        rows, domain = np.ascontiguousarray(y.reshape(len(y), -1)), loss_entry(self.loss).targets
        index = domain.first_outside(rows)
        if index is not None:
            raise DataError(f"y[{index[0]}] is {rows[index]:g}, but loss {self.loss!r} needs y in {domain}.")
        return rows if rows.dtype.kind == "f" and rows.dtype.itemsize in (4, 8) else rows.astype(np.float64)

    def _decode(self, targets: Array) -> Array:
        """Targets in the shape of predict."""
        return targets[:, 0] if targets.shape[1] == 1 else targets

    def _validation_score(self, validation: ValidationData) -> float:
        x, y, weights = validation.sources
        return float(r2_score(y, self._outputs(x), sample_weight=weights))

    def _output_and_cost(self, outputs: int) -> tuple[Activation, Cost]:
        loss = loss_entry(self.loss, outputs)
        output = activation(self.output_activation or default_output(loss))
        as_mean = self.sklearn_compatible and outputs > 1 and isinstance(loss, Quadratic)
        return output, mean_over_outputs(loss, outputs) if as_mean else loss

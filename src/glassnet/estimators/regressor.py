"""MLPRegressor: scikit-learn's regressor by its words, attributes and results, on glassnet's engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from glassnet.errors import DataError
from glassnet.estimators.validation_data import Held, scored
from glassnet.estimators.inputs import validated
from glassnet.estimators.base_mlp import Perceptron
from glassnet.estimators.sklearn_names import activation_row, averaged, default_output, loss_row
from glassnet.tables.activations import Activation
from glassnet.tables.costs import Cost, Quadratic

Array = np.ndarray[Any, Any]


class MLPRegressor(RegressorMixin, Perceptron):
    """A multi-layer perceptron for quantities: `from glassnet import MLPRegressor` in scikit-learn's place.

    Parameters up to `max_fun` are scikit-learn's, with its defaults (the first is the loss); all further ones are by
    keyword. Those that MLPClassifier has too mean the same.

    Parameters
    ----------
    loss : squared_error (½ of it, summed over the outputs), poisson (half the deviance; outputs are exp), or
        absolute_error, huber, quantile, or any row of glassnet's costs: Huber(2.0), Quantile(0.9), own_cost(...)
    sklearn_compatible : report the squared error of several outputs as scikit-learn does, as their mean, though the
        gradient is that of their sum (its issue 8349); the fit ends by that loss then

    Attributes
    ----------
    coefs_, intercepts_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_ : the model
    loss_, loss_curve_, best_loss_, n_iter_, t_, validation_scores_, best_validation_score_ : the run
    validation_loss_curve_ : the loss on held-out samples after each epoch, without the penalty
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **Perceptron._parameter_constraints,
        "loss": [str, Cost],
        "sklearn_compatible": ["boolean"],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
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
        output_activation: Any = None,
        optimizer: Any = None,
        schedule: Any = None,
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
    ) -> None:
        self._store(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> MLPRegressor:
        """Learn from X (n, features), dense or sparse, and y (n,) or (n, outputs).

        `validation_data` is (X, y) or (X, y, sample_weight); early stopping watches it in place of a part of X.
        """
        return self._fit(X, y, sample_weight, False, validation_data)

    @available_if(lambda model: model._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """One epoch more on these data."""
        return self._fit(X, y, sample_weight, True)

    def predict(self, X: Any) -> Array:
        """The outputs (n,) for rows of X, or (n, outputs) where there are several."""
        outputs = self._outputs(self._checked(X))
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    # What the base asks -----------------------------------------------------------------------------------------------

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        X, y = validated(self, X, y, multi_output=True, y_numeric=True, dtype=(np.float64, np.float32), reset=reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, self._encoded(y)

    def _encoded(self, y: Array) -> Array:
        """y as rows (n, outputs) in the loss's domain."""
        rows = np.ascontiguousarray(y.reshape(len(y), -1))
        place = loss_row(self.loss).targets.outside(rows)
        if place is not None:
            raise DataError(
                f"y[{place[0]}] is {rows[place]:g}, but loss {self.loss!r} needs y in {loss_row(self.loss).targets}."
            )
        return rows if rows.dtype.kind == "f" and rows.dtype.itemsize in (4, 8) else rows.astype(np.float64)

    def _decoded(self, targets: Array) -> Array:
        """Targets as predict gives them."""
        return targets[:, 0] if targets.shape[1] == 1 else targets

    def _score_held(self, held: Held) -> float:
        """R², or the score of a person's scorer."""
        if self.scoring is not None:
            return scored(self, held)
        outputs = self._outputs(held.sources.x)
        return float(r2_score(held.sources.y, outputs, sample_weight=held.sources.weights))

    def _end(self, outputs: int) -> tuple[Activation, Cost]:
        row = loss_row(self.loss)
        output = activation_row(self.output_activation or default_output(row))
        several = self.sklearn_compatible and outputs > 1 and isinstance(row, Quadratic)
        return output, averaged(row, outputs) if several else row

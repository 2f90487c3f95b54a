"""The base of the classifier and the regressor: scikit-learn's contract around a NeuralNetwork and its Training.

`coefs_` and `intercepts_` are views into the network's parameters: training changes them in place, and the next
prediction uses what the user writes into them or assigns to them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache, partial
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted

from glassnet.array_likes import to_array
from glassnet.batches.sources import Sources
from glassnet.batches.sparse import is_sparse
from glassnet.errors import DataError, ParameterError, ParameterTypeError
from glassnet.estimators import conversion, fit_warnings, loss_curve
from glassnet.estimators.callbacks import CallbackSupportMixin, SklearnCallbacks
from glassnet.estimators.fitted_weights import copy_weights_into
from glassnet.estimators.inputs import checked_weights, dense_blocks, engine_rows, validated
from glassnet.estimators.lbfgs import fit_lbfgs
from glassnet.estimators.parameter_check import ParameterCheckMixin, fitting_dtype
from glassnet.estimators.random_state import initial_weights
from glassnet.estimators.run_report import RunReports
from glassnet.estimators.saving import PREPARATION, SavingMixin
from glassnet.estimators.sklearn_names import activation_name, build_network, copy_into, hidden_widths, is_logistic
from glassnet.estimators.solvers import SOLVERS, STOCHASTIC_SOLVERS
from glassnet.estimators.stochastic import FitData, StochasticFit
from glassnet.estimators.validation_data import ValidationData, split, user_score
from glassnet.execution import inference
from glassnet.network import NeuralNetwork
from glassnet.program.parameters import check_size
from glassnet.program.precision import PRECISIONS
from glassnet.see.diagnosis import Diagnosis
from glassnet.tables.activations import Activation, activation
from glassnet.tables.costs import Cost
from glassnet.tables.optimizers import Optimizer
from glassnet.tables.schedules import Schedule

Array = np.ndarray[Any, Any]
NETWORK_OPTIONS = ("alpha", "batch_norm", "dropout", "layer_norm", "precision")
NETWORK_PARAMETERS = ("activation", *NETWORK_OPTIONS, "loss", "output_activation", "sklearn_compatible")
AT_LEAST_1, ABOVE_0 = Interval(Integral, 1, None, closed="left"), Interval(Real, 0, None, closed="neither")
AT_LEAST_0, BELOW_1 = Interval(Real, 0, None, closed="left"), Interval(Real, 0, 1, closed="left")
NOT_PICKLED = ("_views", "_training")  # rebuilt when needed


class BaseMLP(RunReports, ParameterCheckMixin, SavingMixin, CallbackSupportMixin, BaseEstimator):
    """The base of both estimators; it contains no mathematics."""

    loss: Any
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **{name: ["boolean"] for name in ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")},
        **{name: ["boolean"] for name in ("batch_norm", "layer_norm", "progress")},
        **{name: [AT_LEAST_1] for name in ("max_iter", "max_fun")},
        **{name: [AT_LEAST_0] for name in ("alpha", "power_t", "tol")},
        **{name: [ABOVE_0] for name in ("learning_rate_init", "epsilon")},
        **{name: [BELOW_1] for name in ("validation_fraction", "beta_1", "beta_2", "dropout")},
        "hidden_layer_sizes": ["array-like", AT_LEAST_1],
        "activation": [str, Activation, list, tuple],
        "solver": [SOLVERS],
        "batch_size": [StrOptions({"auto"}), AT_LEAST_1],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "n_iter_no_change": [AT_LEAST_1, Options(Real, {np.inf})],
        "output_activation": [None, str, Activation],
        "optimizer": [None, str, Optimizer],
        "schedule": [None, str, Schedule],
        "scoring": [None, str, callable],
        "callbacks": [list, tuple],
        "dtype": [None, StrOptions({"float32", "float64"}), Options(type, {np.float32, np.float64})],
        "precision": [None, StrOptions(set(PRECISIONS))],
        "time_limit": [None, ABOVE_0],
        "threads": [None, AT_LEAST_1],
    }

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """The constructor's parameters, inspected once: copying an estimator asks for them several times."""
        return list(super()._get_param_names())

    def _store_parameters(self, arguments: dict[str, Any]) -> None:
        """Store the constructor's arguments unchanged under their own names, as scikit-learn's contract requires."""
        for name in self._get_param_names():
            setattr(self, name, arguments[name])

    # What the classifier and the regressor define ---------------------------------------------------------------------

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        """X, and y as the network's targets: rows (n, outputs), or class numbers (n,)."""
        raise NotImplementedError

    def _encode(self, y: Array) -> Array:
        """y as targets of the same form; raises where it does not fit those of fit."""
        raise NotImplementedError

    def _output_and_cost(self, outputs: int) -> tuple[Activation, Cost]:
        raise NotImplementedError

    def _output_count(self, targets: Array) -> int:
        return targets.shape[1]

    def _check_partial_fit_classes(self, classes: Any, y: Any) -> None:
        """Store the classes at the first call of partial_fit; refuse others later."""

    def _apply_class_weight(self, weights: Array | None, targets: Array, incremental: bool) -> Array | None:
        """The sample weights times the weights of their classes, if there are any."""
        return weights

    # Fitting ----------------------------------------------------------------------------------------------------------

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC_SOLVERS:
            reason = f"{self.solver} is not stochastic"
            raise AttributeError(f"partial_fit is only available for stochastic optimizers. {reason}.")
        return True

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool, validation_data: Any = None, classes: Any = None
    ) -> Any:
        """The body of fit and partial_fit."""
        rng, before = check_random_state(self.random_state), dict(vars(self))
        try:
            if incremental:
                self._check_partial_fit_classes(classes, y)
            sources = self._prepare(X, y, sample_weight, incremental, rng)
            validation = self._prepare_validation(validation_data)
        except Exception:  # refused arguments leave the estimator as it was
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        network = self._network
        data_problems = () if incremental else fit_warnings.data_findings(self, network, sources)
        callbacks = SklearnCallbacks(self, X, y, sources.weights)
        try:
            if self.solver == "lbfgs":
                not_converged = fit_lbfgs(self, network, sources, callbacks)
            else:
                data = self._fit_data(sources, validation, rng)
                not_converged = StochasticFit(self, network, data, rng, incremental, callbacks).run()
        except fit_warnings.DivergedFitError as error:
            for finding in data_problems:
                error.add_note(finding.sentence)
            raise
        callbacks.end_fit()
        if data_problems or not_converged or network.history is not None:
            fit_warnings.warn_after_fit(self, network, not_converged, data_problems)
        return self

    def _prepare(self, X: Any, y: Any, sample_weight: Any, incremental: bool, rng: np.random.RandomState) -> Sources:
        """Check the arguments, prepare the network, and return what it reads."""
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        hidden = hidden_widths(self.hidden_layer_sizes)
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        if not first and hasattr(self, "_network") and not self._has_own_output():
            own = activation_name(self._network.architecture.dense[-1].activation)
            raise ParameterError(
                f"out_activation_ is {self.out_activation_!r}, but this network was trained with {own!r}: set it back "
                "to go on training."
            )
        X, targets = self._validate_input(X, y, incremental, reset=first)
        weights = self._apply_class_weight(checked_weights(sample_weight, X), targets, incremental)
        self.n_outputs_ = self._output_count(targets)
        network = self._prepare_network([X.shape[1], *hidden, self.n_outputs_], rng, fitting_dtype(self, X), first)
        return Sources(engine_rows(X, network.dtype), targets, weights)

    def _prepare_network(self, widths: list[int], rng: np.random.RandomState, dtype: Any, first: bool) -> NeuralNetwork:
        """The network, with initial weights if this is the `first` fit, else with those it has."""
        if first:
            check_size(sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths)), dtype)
            values = initial_weights(rng, widths, is_logistic(self.activation))
        else:
            values = list(zip(self.coefs_, self.intercepts_, strict=True))
            dtype, shapes = np.dtype(self.coefs_[0].dtype), [np.shape(w) for w, _ in values]
            if shapes != list(pairwise(widths)):
                raise ParameterError(f"the weights have shapes {shapes}, but the layers now are {widths}; fit anew.")
        description = {name: getattr(self, name, None) for name in NETWORK_PARAMETERS} | {"widths": widths}
        if not first and getattr(self, "_network_description", None) == description:
            self._adopt(self._synced_network(), values)
        else:
            network = self._make(widths, dtype, int(rng.randint(2**31)) if self.dropout and first else 0)
            if not first and hasattr(self, "_network"):
                copy_into(network, self._network)
            self._adopt(network, values)
        self._network_description = description
        self.out_activation_ = activation_name(self._network.architecture.dense[-1].activation)
        if first:
            self._reset()
        if self.solver in STOCHASTIC_SOLVERS and (first or not hasattr(self, "loss_curve_")):
            self._reset_run()
        elif first:
            self.__dict__.pop("loss_curve_", None)  # from another solver: L-BFGS has no epochs
        return self._network

    def _make(self, widths: Sequence[int], dtype: Any, seed: int = 0) -> NeuralNetwork:
        """The untrained network that the parameters describe."""
        options = {name: getattr(self, name) for name in NETWORK_OPTIONS}
        output = self._output_and_cost(widths[-1])
        return build_network(widths, self.activation, *output, dtype=dtype, seed=seed, **options)

    def _adopt(self, network: NeuralNetwork, values: Sequence[tuple[Any, Any]]) -> None:
        """Make `network` the estimator's, with `values`: the weights and biases of each layer."""
        layers = range(1, len(values) + 1)
        weights, biases = ([network.parameters.rows(f"{letter}{layer}") for layer in layers] for letter in "wb")
        copy_weights_into(weights, [w for w, _ in values], "coefs_")
        copy_weights_into(biases, [b for _, b in values], "intercepts_")
        self._network, self._views = network, (weights, biases)
        self.coefs_, self.intercepts_ = list(weights), list(biases)

    def _reset(self) -> None:
        """Set the fitted attributes to their values before the first step."""
        self.n_iter_, self.t_, self.n_layers_ = 0, 0, len(self.coefs_) + 1
        self._best_vectors: list[Array] | None = None
        self.__dict__.pop(PREPARATION, None)  # of the columns of a fit in lanes

    def _reset_run(self) -> None:
        """Set the attributes of solvers with epochs to their values before the first epoch."""
        early = self.early_stopping
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self.best_loss_ = None if early else np.inf
        self.validation_scores_: list[float] | None = [] if early else None
        self.best_validation_score_ = -np.inf if early else None
        self.validation_loss_curve_: list[float] = []

    def _prepare_validation(self, validation_data: Any) -> ValidationData | None:
        """The user's validation_data, checked, as the network reads them."""
        if validation_data is None:
            return None
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ParameterError("validation_data must be (X, y) or (X, y, sample_weight).")
        X, y, *rest = validation_data
        X, y = validated(self, X, dtype=(np.float64, np.float32), reset=False), to_array("y", y)
        if len(y) != X.shape[0]:
            raise DataError(f"validation_data has {X.shape[0]} rows of X, but {len(y)} of y.")
        weights = checked_weights(rest[0], X) if rest else None
        return ValidationData(Sources(engine_rows(X, self._network.dtype), self._encode(y), weights), y)

    def _fit_data(self, sources: Sources, validation: ValidationData | None, rng: np.random.RandomState) -> FitData:
        """The training samples and what judges the weights; without validation data, early stopping splits X."""
        indices = np.arange(sources.x.shape[0])
        if self.early_stopping and validation is None:
            indices, validation = split(self, sources, rng)
        loss = partial(inference.evaluate, self._network.model, penalty=False)
        evaluate = None if validation is None else partial(loss, validation.sources)
        judge = self._validation_score if self.scoring is None else partial(user_score, self)
        score = partial(judge, validation) if self.early_stopping else None
        return FitData(sources, indices, score, evaluate)

    # Using the network ------------------------------------------------------------------------------------------------

    def _synced_network(self) -> NeuralNetwork:
        """The network, after copying in what the user assigned to coefs_ and intercepts_."""
        if not hasattr(self, "_views"):  # the attributes were set by hand
            widths = [len(self.coefs_[0]), *map(len, self.intercepts_)]
            values = list(zip(self.coefs_, self.intercepts_, strict=True))
            self._adopt(self._make(widths, np.dtype(self.coefs_[0].dtype)), values)
        weights, biases = self._views
        copy_weights_into(weights, self.coefs_, "coefs_")
        copy_weights_into(biases, self.intercepts_, "intercepts_")
        return self._network

    def _validated_X(self, X: Any) -> Any:
        """X of a prediction, checked against that of fit."""
        check_is_fitted(self)
        return validated(self, X, reset=False)

    def _outputs(self, X: Any) -> Array:
        """The network's outputs (n, outputs) for X (n, features)."""
        network = self._synced_network()
        predict = network.predict if self._has_own_output() else partial(self._predict_as_set, network)
        if not is_sparse(X):
            return predict(X.T).T
        return np.concatenate([predict(block.T).T for block in dense_blocks(X, network.dtype)])

    def _has_own_output(self) -> bool:
        """Whether out_activation_ is that of the network, and was not set to another after the fit."""
        own = self._network.architecture.dense[-1].activation
        return getattr(self, "out_activation_", None) in (None, activation_name(own), own.name)

    def _predict_as_set(self, network: NeuralNetwork, x: Array) -> Array:
        """The outputs with the activation that out_activation_ names, as in scikit-learn; samples are columns."""
        given = self.out_activation_
        if not isinstance(given, (str, Activation)):
            raise ParameterTypeError(f"out_activation_ is {given!r}; it must be a name such as 'identity'.")
        z_s, _ = inference.feedforward(network.model, engine_rows(x.T, network.dtype))
        return np.asarray(activation(given).value(z_s[-1]))

    def hidden(self, X: Any, layer: int = -1) -> Array:
        """The activations (n, units) of a hidden layer, counted from 1, or from the last one with -1, -2 ..."""
        X = self._validated_X(X)
        count = len(self.coefs_) - 1
        number = layer if layer > 0 else count + 1 + layer
        if not 1 <= number <= count:
            raise ParameterError(f"layer is {layer}; this network has {count} hidden layers, 1 to {count}.")
        network = self._synced_network()
        blocks = dense_blocks(X, network.dtype)
        return np.concatenate([inference.feedforward(network.model, block)[1][number].T for block in blocks])

    def diagnose(self, X: Any = None, y: Any = None) -> Diagnosis:
        """Find what is wrong with the model, from its last fit and from X (n, features) and y if given; print it.

        Without X and y it uses some samples of the last fit, which copies and pickles do not contain. Columns are
        called by their names. Raises ParameterError (a ValueError) if there is neither a fit nor data to judge by.
        """
        return fit_warnings.diagnosis(self, X, y)

    def plot_training(self, ax: Any = None) -> Any:
        """Draw the training and validation loss of each epoch on `ax` or a new figure; return the axes."""
        return loss_curve.draw(self, ax)

    @classmethod
    def from_sklearn(cls, fitted: Any) -> Any:
        """Convert a fitted estimator of scikit-learn: equal predictions, and partial_fit continues."""
        return conversion.from_sklearn(cls, fitted)

    def to_sklearn(self) -> Any:
        """Convert this fitted estimator to scikit-learn's, with equal predictions."""
        return conversion.to_sklearn(self)

    def _html_repr(self) -> str:
        return str(super()._html_repr()) + loss_curve.curve_html(self)

    # Copying ----------------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name not in NOT_PICKLED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "_network"):
            self._adopt(copy.deepcopy(self._network), list(zip(self.coefs_, self.intercepts_, strict=True)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

"""What the classifier and the regressor share: scikit-learn's contract around a NeuralNetwork and its Training.

`coefs_` and `intercepts_` are views into the network's parameters: training moves them, and what a person writes into
them, or puts in their place, is what the next prediction uses.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from glassnet.batches.sparse import is_sparse
from glassnet.errors import DataError, ParameterError
from glassnet.estimators import conversion, fit_warnings, loss_curve
from glassnet.estimators.random_state import first_weights
from glassnet.estimators.validation_data import Held, split
from glassnet.estimators.callbacks import CallbackSupportMixin, Hooks
from glassnet.estimators.inputs import blocks_of, rows_of, validated
from glassnet.estimators.lbfgs import fit_lbfgs
from glassnet.estimators.stochastic import Data, Stochastic, validation_loss
from glassnet.estimators.sklearn_names import activation_name, hidden_rows, hidden_sizes, is_logistic, make_network, move
from glassnet.execution.reference import Sources
from glassnet.network import NeuralNetwork
from glassnet.see.diagnosis import Diagnosis
from glassnet.tables.activations import Activation
from glassnet.tables.costs import Cost
from glassnet.tables.optimizers import Optimizer
from glassnet.tables.schedules import Schedule

Array = np.ndarray[Any, Any]
STOCHASTIC = ("sgd", "adam")
LAYERS = ("batch_norm", "dropout", "layer_norm")
SHAPING = ("activation", "alpha", *LAYERS, "loss", "output_activation", "sklearn_compatible")  # the network's own
NOT_KEPT = ("_views", "_training")  # made again when they are needed


class Perceptron(CallbackSupportMixin, BaseEstimator):
    """The base of both estimators; it holds no mathematics."""

    loss: Any
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [str, Activation, list, tuple],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "output_activation": [None, str, Activation],
        "optimizer": [None, str, Optimizer],
        "schedule": [None, str, Schedule],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_norm": ["boolean"],
        "layer_norm": ["boolean"],
        "scoring": [None, str, callable],
        "callbacks": [list, tuple],
        "progress": ["boolean"],
        "dtype": [None, StrOptions({"float32", "float64"}), Options(type, {np.float32, np.float64})],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
        "threads": [None, Interval(Integral, 1, None, closed="left")],
    }

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """The words of the constructor, read from it once; copying an estimator asks for them several times."""
        return list(super()._get_param_names())

    def _store(self, words: dict[str, Any]) -> None:
        """Keep what a person passed, unchanged and under its own name, as scikit-learn's contract wants it."""
        for name in self._get_param_names():
            setattr(self, name, words[name])

    # What the two estimators tell -------------------------------------------------------------------------------------

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        """X, and y as the network learns it: rows (n, outputs), or class numbers (n,)."""
        raise NotImplementedError

    def _encoded(self, y: Array) -> Array:
        """Further targets in the same form."""
        raise NotImplementedError

    def _end(self, outputs: int) -> tuple[Activation, Cost]:
        """The output activation and the cost."""
        raise NotImplementedError

    def _width(self, targets: Array) -> int:
        """How many outputs the targets need."""
        return targets.shape[1]

    def _weighted(self, weights: Array | None, y: Any, targets: Array, incremental: bool) -> Array | None:
        """The sample weights with those of classes, where there are such."""
        return weights

    # Fitting ----------------------------------------------------------------------------------------------------------

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    def _fit(self, X: Any, y: Any, sample_weight: Any, incremental: bool, validation_data: Any = None) -> Any:
        """All of fit and partial_fit."""
        rng, before = check_random_state(self.random_state), dict(vars(self))
        try:
            sources = self._prepare(X, y, sample_weight, incremental, rng)
            held = self._held(validation_data)
        except Exception:  # what is refused leaves the estimator as it was
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        network = self._network
        ahead = () if incremental else fit_warnings.look_ahead(self, network, sources)
        hooks = Hooks(self, X, y, sources.weights)
        try:
            if self.solver == "lbfgs":
                unfinished = fit_lbfgs(self, network, sources, hooks)
            else:
                data = self._data(network, sources, held, rng)
                unfinished = Stochastic(self, network, data, rng, incremental, hooks).run()
        except fit_warnings.DivergedFitError as error:
            for finding in ahead:
                error.add_note(finding.sentence)
            raise
        hooks.end_fit()
        if ahead or unfinished or network.history is not None:
            fit_warnings.look_back(self, network, unfinished, ahead)
        return self

    def _prepare(self, X: Any, y: Any, sample_weight: Any, incremental: bool, rng: np.random.RandomState) -> Sources:
        """Check all that was passed, make the network ready, and return what it reads."""
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        sizes = hidden_sizes(self.hidden_layer_sizes)
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, targets = self._validate_input(X, y, incremental, reset=first)
        weights = self._weighted(self._weights(sample_weight, X), y, targets, incremental)
        self.n_outputs_ = self._width(targets)
        network = self._begin([X.shape[1], *sizes, self.n_outputs_], rng, np.dtype(self.dtype or X.dtype), first)
        return Sources(rows_of(X, network.dtype), targets, weights)

    def _begin(self, widths: list[int], rng: np.random.RandomState, dtype: Any, first: bool) -> NeuralNetwork:
        """The network, with its first weights or those it has."""
        if first:
            drawn = first_weights(rng, widths, is_logistic(self.activation))
        else:
            drawn = list(zip(self.coefs_, self.intercepts_, strict=True))
            dtype, found = np.dtype(self.coefs_[0].dtype), [np.shape(w) for w, _ in drawn]
            if found != list(pairwise(widths)):
                raise ParameterError(f"the weights have shapes {found}, but the layers now are {widths}; fit anew.")
        described = {name: getattr(self, name, None) for name in SHAPING} | {"widths": widths}
        if not first and getattr(self, "_described", None) == described:
            self._adopt(self._current(), drawn)
        else:
            network = self._make(widths, dtype, int(rng.randint(2**31)) if self.dropout and first else 0)
            if not first and hasattr(self, "_network"):
                move(self._network, network)
            self._adopt(network, drawn)
        self._described = described
        if first:
            self._reset()
        if self.solver in STOCHASTIC and (first or not hasattr(self, "loss_curve_")):
            self._reset_run()
        elif first:
            self.__dict__.pop("loss_curve_", None)  # of another solver: this one has no epochs
        return self._network

    def _make(self, widths: Sequence[int], dtype: Any, seed: int = 0) -> NeuralNetwork:
        """The untrained network that the parameters describe."""
        words = {name: getattr(self, name) for name in ("alpha", *LAYERS)}
        hidden = hidden_rows(self.activation, len(widths) - 2)
        return make_network(widths, hidden, *self._end(widths[-1]), dtype=dtype, seed=seed, **words)

    def _adopt(self, network: NeuralNetwork, values: Sequence[tuple[Any, Any]]) -> None:
        """Make a network this estimator's, with these weights and biases."""
        count = range(1, len(values) + 1)
        weights, biases = ([network.parameters.rows(f"{letter}{n}") for n in count] for letter in "wb")
        for number, (w, b) in enumerate(values):
            weights[number][...], biases[number][...] = w, b
        self._network, self._views = network, (weights, biases)
        self.coefs_, self.intercepts_ = list(weights), list(biases)

    def _reset(self) -> None:
        """The fitted attributes before the first step."""
        self.n_iter_, self.t_ = 0, 0
        self.n_layers_ = len(self.coefs_) + 1
        self.out_activation_ = activation_name(self._end(self.n_outputs_)[0])
        self._best: list[Array] | None = None

    def _reset_run(self) -> None:
        """What only a solver with epochs has, before the first one."""
        early = self.early_stopping
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self.best_loss_ = None if early else np.inf
        self.validation_scores_: list[float] | None = [] if early else None
        self.best_validation_score_ = -np.inf if early else None
        self.validation_loss_curve_: list[float] = []

    def _weights(self, sample_weight: Any, X: Any) -> Array | None:
        if sample_weight is None:
            return None
        weights = np.asarray(_check_sample_weight(sample_weight, X), np.float64)
        fit_warnings.check_weights(weights)
        return weights

    def _held(self, validation_data: Any) -> Held | None:
        """The samples that a person gave to judge the fit by."""
        if validation_data is None:
            return None
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ParameterError("validation_data must be (X, y) or (X, y, sample_weight).")
        X, given, *rest = validation_data
        X = validated(self, X, dtype=(np.float64, np.float32), reset=False)
        given = np.asarray(given)
        if len(given) != X.shape[0]:
            raise DataError(f"validation_data has {X.shape[0]} rows of X, but {len(given)} of y.")
        weights = self._weights(rest[0], X) if rest else None
        return Held(Sources(rows_of(X, self._network.dtype), self._encoded(given), weights), given)

    def _data(self, network: NeuralNetwork, sources: Sources, held: Held | None, rng: Any) -> Data:
        """What is trained on and what judges it."""
        places = np.arange(sources.x.shape[0])
        if self.early_stopping and held is None:
            places, held = split(self, sources, rng)
        evaluate = None if held is None else validation_loss(network, held.sources)
        score = (lambda: self._score_held(held)) if self.early_stopping else None
        return Data(sources, places, score, evaluate)

    def _keep_best(self) -> None:
        """Remember the weights as they are."""
        held = (self._network.parameters, self._network.statistics)
        self._best = [parameters.vector.copy() for parameters in held]

    def _restore_best(self) -> None:
        """Bring back the weights of the best score."""
        if self._best is not None:
            for parameters, best in zip((self._network.parameters, self._network.statistics), self._best, strict=True):
                parameters.vector[:] = best

    # Using the network ------------------------------------------------------------------------------------------------

    def _current(self) -> NeuralNetwork:
        """The network, with what a person may have put in place of coefs_ and intercepts_."""
        if not hasattr(self, "_views"):  # all was set by hand
            widths = [len(self.coefs_[0]), *map(len, self.intercepts_)]
            values = list(zip(self.coefs_, self.intercepts_, strict=True))
            self._adopt(self._make(widths, np.dtype(self.coefs_[0].dtype)), values)
        weights, biases = self._views
        for views, given in ((weights, self.coefs_), (biases, self.intercepts_)):
            for view, value in zip(views, given, strict=True):
                if view is not value:
                    view[...] = value
        return self._network

    def _checked(self, X: Any) -> Any:
        """X of a prediction, validated against that of fit."""
        check_is_fitted(self)
        return validated(self, X, reset=False)

    def _outputs(self, X: Any) -> Array:
        """The network's outputs (n, outputs) for X (n, features)."""
        network = self._current()
        if not is_sparse(X):
            return network.predict(X.T).T
        return np.concatenate([network.predict(block.T).T for block in blocks_of(X, network.dtype)])

    def hidden(self, X: Any, layer: int = -1) -> Array:
        """The activations (n, units) of a hidden layer, counted from 1, or from the last one with -1, -2 ..."""
        X = self._checked(X)
        count = len(self.coefs_) - 1
        number = layer if layer > 0 else count + 1 + layer
        if not 1 <= number <= count:
            raise ParameterError(f"layer is {layer}; this network has {count} hidden layers, 1 to {count}.")
        network = self._current()
        blocks = blocks_of(X, network.dtype)
        return np.concatenate([network.feedforward(rows.T)[1][number].T for rows in blocks])

    def diagnose(self, X: Any = None, y: Any = None) -> Diagnosis:
        """What ails the model, by its last fit and by X (n, features) and y where they are given; print it.

        Without them, some samples of the last fit serve, which are kept in memory (no copy or pickle has them). Columns
        are called by their names. Raises ParameterError (a ValueError) where nothing is left to go by.
        """
        return fit_warnings.diagnosis(self, X, y)

    def plot_training(self, ax: Any = None) -> Any:
        """Draw the loss of each epoch, and that on held-out samples, on `ax` or a new figure; return the axes."""
        return loss_curve.draw(self, ax)

    @classmethod
    def from_sklearn(cls, fitted: Any) -> Any:
        """The fitted estimator of scikit-learn's as one of ours: equal predictions, and partial_fit goes on."""
        return conversion.from_sklearn(cls, fitted)

    def to_sklearn(self) -> Any:
        """This fitted estimator as scikit-learn's, with equal predictions."""
        return conversion.to_sklearn(self)

    def _html_repr(self) -> str:
        return str(super()._html_repr()) + loss_curve.curve_html(self)

    # Copying ----------------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in NOT_KEPT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "_network"):
            self._adopt(copy.deepcopy(self._network), list(zip(self.coefs_, self.intercepts_, strict=True)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

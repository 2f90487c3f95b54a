"""MLPClassifier: scikit-learn's classifier by its words, attributes and results, on glassnet's engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from glassnet.errors import DataError, ParameterError
from glassnet.estimators.multioutput import ColumnBinarizer, are_of_columns, binarizer
from glassnet.estimators.validation_data import Held, scored
from glassnet.estimators.inputs import validated
from glassnet.estimators.base_mlp import Perceptron
from glassnet.estimators.sklearn_names import activation_row
from glassnet.execution.inference import answers, wrong
from glassnet.tables.activations import Activation, Softmax
from glassnet.tables.costs import BinaryCrossEntropy, CategoricalCrossEntropy, Cost

Array = np.ndarray[Any, Any]
SEVERAL = ("multilabel-indicator", ColumnBinarizer.y_type_)  # kinds of y with several columns


class MLPClassifier(ClassifierMixin, Perceptron):
    """A multi-layer perceptron that tells classes: `from glassnet import MLPClassifier` in scikit-learn's place.

    Parameters up to `max_fun` are scikit-learn's, with its defaults; all further ones are by keyword.

    Parameters
    ----------
    hidden_layer_sizes : widths of the hidden layers
    activation : of the hidden layers: identity, logistic, tanh, relu, any other name or row of glassnet's activations,
        or a list with one for each layer
    solver : adam, sgd or lbfgs
    alpha : strength of the L2 penalty, alpha/2·Σw² divided by Σ of the batch's sample weights
    batch_size, shuffle, max_iter, tol, n_iter_no_change : the mini-batches and the epochs
    learning_rate, learning_rate_init, power_t, momentum, nesterovs_momentum, beta_1, beta_2, epsilon : the optimiser
    random_state : all chance comes from it; the same first weights and mini-batches as scikit-learn's
    verbose, warm_start, early_stopping, validation_fraction, max_fun : as there
    class_weight : weights of the classes: a dict, for several columns or labels a list with one for each, whose
        weights are multiplied, or "balanced"
    output_activation : of the last layer, in place of softmax (by groups for several columns) or logistic
    optimizer, schedule : a name or row of glassnet's tables, in place of the solver's own
    dropout : share of each hidden layer's outputs that is dropped while training
    batch_norm, layer_norm : normalise before each hidden layer's activation
    scoring : a scorer or its name, which early stopping watches in place of the accuracy
    callbacks : functions of each epoch's Report; returning True ends the fit
    progress : a bar on a terminal, lines elsewhere
    dtype : float32 or float64; without it that of X
    time_limit : seconds after which the fit ends
    threads : the most threads the engine may take; the numbers never depend on it

    Attributes
    ----------
    classes_, coefs_, intercepts_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_ : model;
        for several columns `classes_` is a list with the classes of each, and `n_outputs_`, which counts output neurons
        as in scikit-learn's MLPClassifier, is how many classes they have together
    loss_, loss_curve_, best_loss_, n_iter_, t_, validation_scores_, best_validation_score_ : the run, as in
        scikit-learn; the loss is computed from z, so that probabilities of 0 are not clipped
    validation_loss_curve_ : the loss on held-out samples after each epoch, without the penalty
    """

    loss = "log_loss"
    classes_: Any  # an array, or a list of them
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **Perceptron._parameter_constraints,
        "class_weight": [None, dict, list, StrOptions({"balanced"})],
    }

    def __init__(
        self,
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
        class_weight: Any = None,
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
    ) -> None:
        self._store(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> MLPClassifier:
        """Learn from X (n, features), dense or sparse, and y: classes (n,), or 0 and 1 for several labels (n, labels).

        y may also have several columns of classes, (n, columns), such as a colour and a size: one network learns all,
        with a softmax and a cross-entropy for each column, whose sum is the loss.
        `validation_data` is (X, y) or (X, y, sample_weight); early stopping watches it in place of a part of X.
        """
        return self._fit(X, y, sample_weight, False, validation_data)

    @available_if(lambda model: model._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """One epoch more on these data.

        The first call needs `classes`, all that there will ever be; for several columns a list with those of each.
        """
        before = dict(vars(self))
        try:
            self._meet(classes, y)
            return self._fit(X, y, sample_weight, True)
        except Exception:
            if "coefs_" not in vars(self):  # refused before there was a network: its classes are not kept either
                self.__dict__.clear()
                self.__dict__.update(before)
            raise

    def predict(self, X: Any) -> Array:
        """The most probable class of each row of X, (n,) or (n, columns), or 0 and 1 for each label."""
        outputs = self._outputs(self._checked(X))
        if self._label_binarizer.y_type_ in SEVERAL:
            return self._label_binarizer.inverse_transform(outputs)  # labels are sparse where y was
        return self._decoded(self._answers(outputs))

    def predict_proba(self, X: Any) -> Array | list[Array]:
        """The probability of each class, (n, classes), in the order of `classes_`; for several columns a list."""
        outputs = self._outputs(self._checked(X))
        if isinstance(self._label_binarizer, ColumnBinarizer):
            return self._label_binarizer.split(outputs)
        if len(self.classes_) == 1:
            return np.ones_like(outputs)
        return np.hstack([1 - outputs, outputs]) if self.n_outputs_ == 1 else outputs

    def predict_log_proba(self, X: Any) -> Array | list[Array]:
        """log(predict_proba(X)); −∞ where a probability is 0."""
        found = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return list(map(np.log, found)) if isinstance(found, list) else np.log(found)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows that are answered right: of several columns or labels, in all of them.

        For several columns of classes this is what scikit-learn's MultiOutputClassifier scores; its accuracy_score, and
        with it the score of its trees, refuses them.
        """
        if not isinstance(getattr(self, "_label_binarizer", None), ColumnBinarizer):
            return float(super().score(X, y, sample_weight))
        right = self._label_binarizer.right(self.predict(X), y)
        return float(np.average(right, weights=sample_weight))

    # What the base asks -----------------------------------------------------------------------------------------------

    def _meet(self, classes: Any, y: Any) -> None:
        """Take the classes in the first call of partial_fit; later they must be the same."""
        if not are_of_columns(classes):
            if _check_partial_fit_first_call(self, classes):
                labels = type_of_target(y).startswith("multilabel")
                self._label_binarizer = LabelBinarizer().fit(y if labels else classes)
            return
        given, known = ColumnBinarizer(classes), getattr(self, "classes_", None)
        if known is None:
            self._label_binarizer, self.classes_ = given, given.classes_
        elif len(known) != len(classes) or not all(map(np.array_equal, known, given.classes_)):
            raise ParameterError(f"classes is {classes!r}, but in the first call of partial_fit it was {known!r}.")

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        X, y = validated(self, X, y, multi_output=True, dtype=(np.float64, np.float32), reset=reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = binarizer(y)
            self.classes_ = self._label_binarizer.classes_
        elif isinstance(self._label_binarizer, ColumnBinarizer):
            for column, classes in zip(self._label_binarizer.columns(y), self._label_binarizer.classes_, strict=True):
                self._check_classes(np.unique(column), classes)
        elif type_of_target(y) == ColumnBinarizer.y_type_:
            raise DataError(
                f"y has {y.shape[1]} columns of classes, but this network was made for one, or for labels of 0 and 1: "
                "fit anew, or begin partial_fit with a list of the classes of each column."
            )
        else:
            self._check_classes(unique_labels(y), self.classes_)
        return X, self._encoded(y)

    def _check_classes(self, found: Array, known: Array) -> None:
        """Refuse classes that the network has no output for."""
        if self.warm_start and set(found) != set(known):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {known}, `y` has {found}"
            )
        if len(np.setdiff1d(found, known, assume_unique=True)):
            raise ValueError(f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. 'y' has {found}.")

    def _encoded(self, y: Array) -> Array:
        """Class numbers (n,) int64 for three classes and more, else 0 and 1, (n, outputs) uint8."""
        if self._label_binarizer.y_type_ in SEVERAL:
            return self._label_binarizer.transform(y).astype(np.uint8, copy=False)
        numbers = np.minimum(np.searchsorted(self.classes_, y), len(self.classes_) - 1)
        if not (self.classes_[numbers] == y).all():
            raise DataError(f"y has classes not among {self.classes_}.")
        return numbers if self._label_binarizer.y_type_ == "multiclass" else numbers[:, np.newaxis].astype(np.uint8)

    def _decoded(self, targets: Array) -> Array:
        """The classes that encoded targets mean."""
        if targets.ndim == 1:
            return self.classes_[targets]
        if isinstance(self._label_binarizer, ColumnBinarizer):
            return self._label_binarizer.inverse_transform(targets)
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return targets.astype(np.int64)
        return self.classes_[np.minimum(targets[:, 0], len(self.classes_) - 1).astype(np.int64)]

    def _answers(self, outputs: Array) -> Array:
        """Outputs as encoded targets: the most probable class, or what passes one half."""
        return outputs.argmax(axis=1) if self.out_activation_ == "softmax" else outputs > 0.5

    def _score_held(self, held: Held) -> float:
        """The share of right answers, or the score of a person's scorer."""
        if self.scoring is not None:
            return scored(self, held)
        outputs, targets = self._outputs(held.sources.x), held.sources.y
        if isinstance(self._label_binarizer, ColumnBinarizer):
            found, targets = (answers(rows, self._label_binarizer.groups) for rows in (outputs, targets))
        else:
            found = self._answers(outputs)
        return float(np.average(~wrong(found, targets), weights=held.sources.weights))

    def _width(self, targets: Array) -> int:
        return len(self.classes_) if targets.ndim == 1 else targets.shape[1]

    def _weighted(self, weights: Array | None, y: Any, targets: Array, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return weights
        if incremental and self.class_weight == "balanced":
            raise ParameterError(
                "class_weight='balanced' needs all of y at once: pass a dict (for several columns a list of dicts) to "
                "use partial_fit."
            )
        of_classes = compute_sample_weight(self.class_weight, self._decoded(targets))
        return of_classes if weights is None else weights * of_classes

    def _end(self, outputs: int) -> tuple[Activation, Cost]:
        multiclass = self._label_binarizer.y_type_.startswith("multiclass")
        row = activation_row(self.output_activation or ("softmax" if multiclass else "sigmoid"))
        if isinstance(row, Softmax):
            row = self._by_columns(row)
        return row, CategoricalCrossEntropy() if multiclass else BinaryCrossEntropy()

    def _by_columns(self, row: Softmax) -> Softmax:
        """The softmax of each column of classes; of all classes where there is one column."""
        columns = isinstance(self._label_binarizer, ColumnBinarizer)
        groups = self._label_binarizer.groups if columns else ()
        if row.groups not in ((), groups):
            raise ParameterError(
                f"output_activation has groups of {row.groups} outputs; they follow from the classes of y, so pass "
                "'softmax'."
            )
        return Softmax(groups)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = tags.target_tags.multi_output = True
        return tags

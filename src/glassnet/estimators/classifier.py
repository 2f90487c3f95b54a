"""MLPClassifier: scikit-learn's parameters, attributes and results on glassnet's engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, SupportsIndex

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from glassnet.batches.targets import class_numbers, misclassified, predicted_classes
from glassnet.errors import DataError, ParameterError
from glassnet.estimators.base_mlp import BaseMLP
from glassnet.estimators.inputs import validated
from glassnet.estimators.multioutput import MultiOutputBinarizer, fitted_binarizer, is_class_lists
from glassnet.estimators.validation_data import ValidationData
from glassnet.tables import optimizers, schedules
from glassnet.tables.activations import Activation, ActivationLike, Softmax, activation
from glassnet.tables.costs import BinaryCrossEntropy, CategoricalCrossEntropy, Cost

Array = np.ndarray[Any, Any]
MULTI_COLUMN = ("multilabel-indicator", MultiOutputBinarizer.y_type_)  # types of y with several columns


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multi-layer perceptron for classification, a drop-in replacement for scikit-learn's MLPClassifier.

    The parameters up to `max_fun` are scikit-learn's, with its defaults; all others are keyword-only.

    Parameters
    ----------
    hidden_layer_sizes : widths of the hidden layers
    activation : of the hidden layers: identity, logistic, tanh, relu, any other name or entry of glassnet's
        activations, or a list with one per layer
    solver : adam, sgd or lbfgs
    alpha : strength of the L2 penalty, alpha/2·Σw² divided by the sum of the batch's sample weights
    batch_size, shuffle, max_iter, tol, n_iter_no_change : the mini-batches and the epochs
    learning_rate, learning_rate_init, power_t, momentum, nesterovs_momentum, beta_1, beta_2, epsilon : the optimiser
    random_state : the seed of all randomness; it gives the same initial weights and mini-batches as scikit-learn
    verbose, warm_start, early_stopping, validation_fraction, max_fun : as in scikit-learn
    class_weight : weights of the classes: a dict; for several columns or labels, a list with one per column, whose
        weights are multiplied; or "balanced"
    output_activation : of the last layer, instead of softmax (one per column of classes) or logistic
    optimizer, schedule : a name or entry of glassnet's tables, instead of the solver's own
    dropout : share of each hidden layer's outputs that is dropped during training
    batch_norm, layer_norm : normalise before each hidden layer's activation
    scoring : a scorer or its name; early stopping then uses its score instead of the accuracy
    callbacks : functions called with the Report of each epoch; returning True ends the fit
    progress : show a progress bar on a terminal, or print lines elsewhere
    dtype : float32 or float64; by default that of X
    time_limit : seconds after which the fit ends
    threads : the largest number of threads the engine may use; the results never depend on it
    precision : "mixed_bfloat16" trains in float32, whatever the dtype of X, with products whose operands are rounded to
        bfloat16: faster on processors with AVX512_BF16, refused on others. Predictions are computed in float32. None
        is the precision of the dtype

    Attributes
    ----------
    classes_, coefs_, intercepts_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_ : the
        model; with several columns `classes_` is a list with the classes of each, and `n_outputs_`, which counts output
        neurons as in scikit-learn's MLPClassifier, is their total number
    loss_, loss_curve_, best_loss_, n_iter_, t_, validation_scores_, best_validation_score_ : the run, as in
        scikit-learn; the loss is computed from z, so that probabilities of 0 are not clipped
    validation_loss_curve_ : the validation loss after each epoch, without the penalty
    """

    loss = "log_loss"
    classes_: Any  # an array, or a list of them
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMLP._parameter_constraints,
        "class_weight": [None, dict, list, StrOptions({"balanced"})],
    }

    def __init__(
        self,
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
        class_weight: Any = None,
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
        precision: str | None = None,
    ) -> None:
        self._store_parameters(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> MLPClassifier:
        """Fit to X (n, features), dense or sparse, and y: classes (n,), or 0 and 1 for several labels (n, labels).

        y may also have several columns of classes, (n, columns), such as a colour and a size: one network learns all of
        them, with a softmax and a cross-entropy per column; the loss is their sum.
        `validation_data` is (X, y) or (X, y, sample_weight); early stopping then uses it instead of a part of X.
        """
        return self._fit(X, y, sample_weight, False, validation_data)

    @available_if(lambda estimator: estimator._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """Train for one more epoch on these data.

        The first call needs `classes`, all that will ever occur; for several columns, a list with the classes of each.
        """
        return self._fit(X, y, sample_weight, True, classes=classes)

    def predict(self, X: Any) -> Array:
        """The most probable class of each row of X, (n,) or (n, columns), or 0 and 1 per label."""
        outputs = self._outputs(self._validated_X(X))
        if self._label_binarizer.y_type_ in MULTI_COLUMN:
            return self._label_binarizer.inverse_transform(outputs)  # labels are sparse if y was
        return self._decode(self._predicted_classes(outputs))

    def predict_proba(self, X: Any) -> Array | list[Array]:
        """The probability of each class, (n, classes), in the order of `classes_`; for several columns a list."""
        outputs = self._outputs(self._validated_X(X))
        if isinstance(self._label_binarizer, MultiOutputBinarizer):
            return self._label_binarizer.split(outputs)
        if len(self.classes_) == 1:
            return np.ones_like(outputs)
        return np.hstack([1 - outputs, outputs]) if self.n_outputs_ == 1 else outputs

    def predict_log_proba(self, X: Any) -> Array | list[Array]:
        """log(predict_proba(X)); −∞ where a probability is 0."""
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return list(map(np.log, probabilities)) if isinstance(probabilities, list) else np.log(probabilities)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows that are predicted correctly; with several columns or labels, in all of them.

        For several columns of classes it is the score of scikit-learn's MultiOutputClassifier; scikit-learn's
        accuracy_score, and so the score of its trees, does not support them.
        """
        if not isinstance(getattr(self, "_label_binarizer", None), MultiOutputBinarizer):
            return float(super().score(X, y, sample_weight))
        return float(np.average(self._label_binarizer.correct(self.predict(X), y), weights=sample_weight))

    # What the base calls ----------------------------------------------------------------------------------------------

    def _check_partial_fit_classes(self, classes: Any, y: Any) -> None:
        if not is_class_lists(classes):
            if _check_partial_fit_first_call(self, classes):
                labels = type_of_target(y).startswith("multilabel")
                self._label_binarizer = LabelBinarizer().fit(y if labels else classes)
            return
        binarizer, known = MultiOutputBinarizer(classes), getattr(self, "classes_", None)
        if known is None:
            self._label_binarizer, self.classes_ = binarizer, binarizer.classes_
        elif len(known) != len(classes) or not all(map(np.array_equal, known, binarizer.classes_)):
            raise ParameterError(f"classes is {classes!r}, but in the first call of partial_fit it was {known!r}.")

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        X, y = validated(self, X, y, multi_output=True, dtype=(np.float64, np.float32), reset=reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = fitted_binarizer(y)
            self.classes_ = self._label_binarizer.classes_
        elif isinstance(self._label_binarizer, MultiOutputBinarizer):
            for column, classes in zip(self._label_binarizer.columns(y), self._label_binarizer.classes_, strict=True):
                self._check_classes(np.unique(column), classes)
        elif type_of_target(y) == MultiOutputBinarizer.y_type_:
            raise DataError(
                f"y has {y.shape[1]} columns of classes, but this network was made for one, or for labels of 0 and 1: "
                "fit anew, or begin partial_fit with a list of the classes of each column."
            )
        else:
            self._check_classes(unique_labels(y), self.classes_)
        return X, self._encode(y)

    def _check_classes(self, given: Array, known: Array) -> None:
        """Refuse classes for which the network has no output."""
        if self.warm_start and set(given) != set(known):
            reason = "warm_start can only be used where `y` has the same classes as in the previous call to fit"
            raise ValueError(f"{reason}. Previously got {known}, `y` has {given}")
        if len(np.setdiff1d(given, known, assume_unique=True)):
            raise ValueError(f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. 'y' has {given}.")

    def _encode(self, y: Array) -> Array:
        """Class numbers (n,) int64 for three or more classes, else 0 and 1, (n, outputs) uint8."""
        if self._label_binarizer.y_type_ in MULTI_COLUMN:
            return self._label_binarizer.transform(y).astype(np.uint8, copy=False)
        numbers = class_numbers(y, self.classes_, "y")
        return numbers if self._label_binarizer.y_type_ == "multiclass" else numbers[:, np.newaxis].astype(np.uint8)

    def _decode(self, targets: Array) -> Array:
        """The classes that targets stand for."""
        if isinstance(self._label_binarizer, MultiOutputBinarizer):
            return self._label_binarizer.inverse_transform(targets)
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return targets.astype(np.int64)
        return np.take(self.classes_, targets.ravel(), mode="clip")  # a single class has 0 and 1 too

    def _predicted_classes(self, outputs: Array) -> Array:
        """The most probable class number of each sample (n,), or of each column (n, columns); 0 or 1 per label."""
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return outputs > 0.5
        return predicted_classes(outputs, self._groups() or (outputs.shape[1],))

    def _validation_score(self, validation: ValidationData) -> float:
        sources = validation.sources
        expected = sources.y if sources.y.ndim == 1 else self._predicted_classes(sources.y)
        is_wrong = misclassified(self._predicted_classes(self._outputs(sources.x)), expected)
        return float(np.average(~is_wrong, weights=sources.weights))

    def _output_count(self, targets: Array) -> int:
        return len(self.classes_) if targets.ndim == 1 else targets.shape[1]

    def _apply_class_weight(self, weights: Array | None, targets: Array, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return weights
        if incremental and self.class_weight == "balanced":
            advice = "pass a dict (for several columns a list of dicts) to use partial_fit"
            raise ParameterError(f"class_weight='balanced' needs all of y at once: {advice}.")
        class_weights = compute_sample_weight(self.class_weight, self._decode(targets))
        return class_weights if weights is None else weights * class_weights

    def _output_and_cost(self, outputs: int) -> tuple[Activation, Cost]:
        multiclass = self._label_binarizer.y_type_.startswith("multiclass")
        output = activation(self.output_activation or ("softmax" if multiclass else "sigmoid"))
        self._check_output(output, multiclass, outputs)
        if isinstance(output, Softmax):
            output = self._grouped_softmax(output)
        return output, CategoricalCrossEntropy() if multiclass else BinaryCrossEntropy()

    def _check_output(self, output: Activation, multiclass: bool, outputs: int) -> None:
        """Refuse an output activation whose probabilities would not be learnt."""
        given = f"output_activation is {self.output_activation!r}"
        if multiclass and output.elementwise:
            raise ParameterError(
                f"{given}, but the probabilities of several classes must add up to 1, which only 'softmax' ensures: "
                "leave it out; or, if the classes do not exclude one another, give y as a column of 0 and 1 per class."
            )
        if outputs == 1 and not output.elementwise:
            raise ParameterError(
                f"{given}, but the softmax of one output is always 1, and two classes share one output here: leave it "
                "out, which means 'logistic'."
            )

    def _grouped_softmax(self, given: Softmax) -> Softmax:
        """The softmax over the classes of each column, or over all classes where there is one column."""
        groups = self._groups()
        if given.groups not in ((), groups):
            reason = "they follow from the classes of y, so pass 'softmax'"
            raise ParameterError(f"output_activation has groups of {given.groups} outputs; {reason}.")
        return Softmax(groups)

    def _groups(self) -> tuple[int, ...]:
        """The number of classes of each column; empty where y has one column, or labels."""
        return self._label_binarizer.groups if isinstance(self._label_binarizer, MultiOutputBinarizer) else ()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = tags.target_tags.multi_output = True
        return tags

"""`save` and `load` of an estimator: its parameters, fitted attributes and network in one file, and the same back.

What a later fit, partial_fit or warm start continues from is stored too. Not stored are the samples that `diagnose()`
uses after a fit (as in copies), all but 256 epochs of the network's own history, and functions.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from glassnet.errors import ModelFileError
from glassnet.estimators.multioutput import MultiOutputBinarizer
from glassnet.estimators.stochastic import OptimizerState
from glassnet.files.atomic_file import FilePath
from glassnet.files.estimator_file import EstimatorParts, SavedEstimator, read_estimator, undamaged, write_estimator
from glassnet.network import NeuralNetwork
from glassnet.tables.activations import activation
from glassnet.tables.optimizers import Optimizer

REBUILT = ("_network", "_views", "_training", "coefs_", "intercepts_", "_label_binarizer")
REQUIRED = ("classes_", "feature_names_in_", "n_features_in_", "n_outputs_", "out_activation_", "_label_binarizer")
BINARIZER = "_label_binarizer"
PREPARATION = "preparation_"  # of the columns of a table, which a fit in lanes has prepared
PREPARED = " of prepared columns"  # follows the name of the class in the file of such an estimator
COLUMNS = "columns"  # the part of its document that has the preparation


class SavingMixin:
    """Adds `save` and `load` to an estimator of one network."""

    _get_param_names: ClassVar[Any]
    _label_binarizer: Any

    def save(self, path: FilePath) -> None:
        """Write the fitted estimator to a model file (safetensors; no pickle); `glassnet.load` reads it.

        If a fit in lanes has prepared the columns of a table, the file has their preparation too. A warning names
        parameters that are left out because a file cannot hold them, such as callbacks. Raises ModelFileError (a
        ValueError) where the file cannot be written.
        """
        name, preparation = type(self).__name__, getattr(self, PREPARATION, None)
        if preparation is None:
            self._write(path, name, {})
        else:
            self._write(path, name + PREPARED, {COLUMNS: preparation.to_json()})

    def _write(self, path: FilePath, kind: str, more: dict[str, Any]) -> None:
        """Write the estimator as one of this kind, with more parts of the document."""
        check_is_fitted(self)
        network = self._synced_network()  # type: ignore[attr-defined]
        names = self._get_param_names()
        attributes = {name: value for name, value in vars(self).items() if name not in (*names, *REBUILT, PREPARATION)}
        if hasattr(self, BINARIZER):
            attributes[BINARIZER] = _binarizer_settings(self._label_binarizer)
        parts = EstimatorParts(kind, {name: getattr(self, name) for name in names}, attributes)
        write_estimator(path, parts, [network], (more, {}), REQUIRED)

    @classmethod
    def load(cls, path: FilePath) -> Self:
        """Read an estimator that `save` wrote. Raises ModelFileError (a ValueError) if the file cannot be trusted."""
        return cls.from_saved(read_estimator(path))

    @classmethod
    def from_saved(cls, saved: SavedEstimator) -> Self:
        """The estimator in a file that was read."""
        if saved.parts.kind != cls.__name__:
            raise ModelFileError(f"{saved.path} holds a {saved.parts.kind}, not a {cls.__name__}; use glassnet.load.")
        if len(saved.members) != 1:
            raise ModelFileError(f"{saved.path} is damaged: it has {len(saved.members)} networks; save it again.")
        estimator: Any = with_parameters(cls, saved.path, saved.parts.parameters)
        network = saved.members[0].build(NeuralNetwork)
        undamaged(saved.path, lambda: _restore(estimator, saved.parts.attributes, network))
        return estimator


def with_parameters(cls: Any, path: FilePath, parameters: dict[str, Any]) -> Any:
    """An unfitted estimator with the parameters of the file; new parameters get their defaults."""
    unknown = parameters.keys() - set(cls._get_param_names())
    if unknown:
        problem = f"{path} has the parameter {min(unknown)[:60]!r}, which this {cls.__name__} does not know"
        raise ModelFileError(f"{problem}; upgrade glassnet.")
    return cls(**parameters)


def set_attributes(estimator: Any, attributes: dict[str, Any]) -> None:
    """Set fitted attributes. Raises ValueError for the name of anything that the class defines."""
    for name, value in attributes.items():
        if not name.isidentifier() or hasattr(type(estimator), name) or name in type(estimator)._get_param_names():
            raise ValueError(f"{name[:60]!r} is no fitted attribute")
        setattr(estimator, name, value)


def _restore(estimator: Any, attributes: dict[str, Any], network: NeuralNetwork) -> None:
    settings, state = attributes.pop(BINARIZER, None), attributes.pop("_optimizer", None)
    set_attributes(estimator, attributes)
    layers = range(1, len(network.architecture.dense) + 1)
    estimator._adopt(network, [tuple(network.parameters.rows(f"{name}{layer}") for name in "wb") for layer in layers])
    if settings is not None:
        estimator._label_binarizer = _binarizer(estimator.classes_, settings)
    if state is not None:
        estimator._optimizer = _optimizer_state(*state, count=network.parameters.vector.size)
    activation(estimator.out_activation_)
    _check_sizes(estimator, network)


def _binarizer_settings(binarizer: Any) -> dict[str, Any]:
    """What a binarizer knows beside the classes."""
    return {"type": binarizer.y_type_, "sparse": bool(getattr(binarizer, "sparse_input_", False))}


def _binarizer(classes: Any, settings: dict[str, Any]) -> LabelBinarizer | MultiOutputBinarizer:
    if settings["type"] == MultiOutputBinarizer.y_type_:
        return MultiOutputBinarizer(classes)
    if settings["type"] not in ("binary", "multiclass", "multilabel-indicator"):
        raise ValueError(f"the type of classes {settings['type']!r}")
    result = LabelBinarizer()
    result.classes_, result.y_type_, result.sparse_input_ = classes, settings["type"], bool(settings["sparse"])
    return result


def _optimizer_state(optimizer: Any, rate: Any, step: Any, states: Any, *, count: int) -> OptimizerState:
    if not isinstance(optimizer, Optimizer) or type(rate) is not float or type(step) is not int or step < 0:
        raise ValueError("the state of its optimizer")
    if any(np.shape(state) != (count,) for state in states):
        raise ValueError(f"the state of its optimizer for {count} parameters")
    return OptimizerState(optimizer, rate, step, list(states))


def _check_sizes(estimator: Any, network: NeuralNetwork) -> None:
    """Raise ValueError where the attributes and the network do not fit each other."""
    inputs, outputs = network.architecture.inputs, network.architecture.outputs
    names = getattr(estimator, "feature_names_in_", None)
    if estimator.n_features_in_ != inputs or (names is not None and np.shape(names) != (inputs,)):
        raise ValueError(f"its columns do not fit a network of {inputs} inputs")
    if estimator.n_outputs_ != outputs or not _classes_fit(estimator, outputs):
        raise ValueError(f"its classes do not fit a network of {outputs} outputs")


def _classes_fit(estimator: Any, outputs: int) -> bool:
    binarizer = getattr(estimator, BINARIZER, None)
    if binarizer is None:
        return not hasattr(estimator, "classes_")
    if isinstance(binarizer, MultiOutputBinarizer):
        return sum(binarizer.groups) == outputs
    count = len(estimator.classes_)
    return count == outputs or (binarizer.y_type_ == "binary" and outputs == 1 and count == 2)

"""The pipeline of whatever a person exports: a network, one of the estimators, or a model of the command line."""

from __future__ import annotations

import os
from typing import Any

from numpy import where
from sklearn.utils.validation import check_is_fitted

from glassnet.errors import ParameterError, ParameterTypeError, counted
from glassnet.estimators import MLPClassifier, MLPRegressor
from glassnet.estimators.multioutput import MultiOutputBinarizer
from glassnet.export.network_equations import add_network
from glassnet.export.pipeline import INT64, Pipeline, Quantity
from glassnet.export.tabular_equations import add_label, both_classes, tabular_pipeline
from glassnet.network import NeuralNetwork
from glassnet.tables.activations import activation
from glassnet.tabular import TabularClassifier, TabularRegressor
from glassnet.tabular.model import TabularModel

KNOWN = "a NeuralNetwork, an MLPClassifier, an MLPRegressor, a TabularClassifier or a TabularRegressor"


def at_one_moment(model: Any) -> Any:
    """A copy of a network, which another thread may be training; anything else as it is."""
    return model.astype(model.dtype) if isinstance(model, NeuralNetwork) else model


def model_pipeline(model: Any) -> Pipeline:
    """The equations from what a person gives the model to what it predicts.

    Raises ParameterTypeError (a TypeError) for anything but our models, and NotFittedError for one that is not fitted.
    """
    pipeline = _pipeline(model)
    pipeline.drop_unread()
    return pipeline


def _pipeline(model: Any) -> Pipeline:
    if isinstance(model, NeuralNetwork):
        return _network_pipeline(model)
    if isinstance(model, TabularModel):
        return tabular_pipeline(model)
    if isinstance(model, TabularClassifier | TabularRegressor):
        check_is_fitted(model)
        return tabular_pipeline(model.model_, None if model._is_named else model._names)
    if isinstance(model, MLPClassifier | MLPRegressor):
        check_is_fitted(model)
        return _estimator_pipeline(model)
    raise _unknown(model)


def _unknown(model: Any) -> ParameterTypeError:
    kind = type(model)
    if isinstance(model, str | os.PathLike):
        return ParameterTypeError(f"a path cannot be exported; give the model, glassnet.load({os.fspath(model)!r}).")
    if kind.__module__.startswith("sklearn.neural_network"):
        what = f"the {kind.__name__} of scikit-learn"
        return ParameterTypeError(f"{what} cannot be exported; give glassnet.from_sklearn(model).")
    return ParameterTypeError(f"a {kind.__name__} cannot be exported; give {KNOWN}.")


def network_of(model: Any, target: str) -> NeuralNetwork:
    """The single network of a model, for a target that holds the weights of one.

    Raises ParameterError (a ValueError) for a model of several networks.
    """
    if isinstance(model, NeuralNetwork):
        return at_one_moment(model)
    if isinstance(model, MLPClassifier | MLPRegressor):
        check_is_fitted(model)
        return model._synced_network()
    if isinstance(model, TabularClassifier | TabularRegressor):
        check_is_fitted(model)
        model = model.model_
    if not isinstance(model, TabularModel):
        raise _unknown(model)
    if (count := len(model.members)) > 1:
        advice = "export it with to_onnx, or one of them, model.model_.members[0].network"
        raise ParameterError(f"{target} hold the weights of one network, and the model has {count}: {advice}.")
    return model.members[0].network


def has_preparation(model: Any) -> bool:
    """Whether a model prepares raw columns before its network sees them."""
    return isinstance(model, TabularClassifier | TabularRegressor | TabularModel)


def _network_pipeline(network: NeuralNetwork) -> Pipeline:
    architecture = network.architecture
    pipeline = _pipeline_of("A network", network, "x")
    outputs = "output" if architecture.outputs == 1 else f"{architecture.outputs:,} outputs"
    pipeline.add_output("output", _add(pipeline, network), f"the {outputs} of the network")
    return pipeline


def _pipeline_of(what: str, network: NeuralNetwork, name: str) -> Pipeline:
    """A pipeline with the input of a network."""
    widths = [network.architecture.inputs, *(dense.fan_out for dense in network.architecture.dense)]
    pipeline = Pipeline(f"{what} {'-'.join(map(str, widths))}")
    inputs = counted(network.architecture.inputs, "number")
    pipeline.add_input(name, Quantity(network.architecture.inputs, network.dtype.name), f"{inputs} per sample")
    return pipeline


def _add(pipeline: Pipeline, network: NeuralNetwork, output: Any = None) -> str:
    with pipeline.section("the network"):
        return add_network(pipeline, network, pipeline.inputs[0].quantity, output)


def _estimator_pipeline(model: MLPClassifier | MLPRegressor) -> Pipeline:
    network: Any = model._synced_network()
    pipeline = _pipeline_of(f"An {type(model).__name__} of a network", network, "x")
    output = None if model._has_own_output() else activation(model.out_activation_)
    outputs = _add(pipeline, network, output)
    if isinstance(model, MLPRegressor):
        pipeline.add_output("prediction", outputs, "the predicted numbers")
    else:
        _add_classes(pipeline, model, outputs)
    return pipeline


def _add_classes(pipeline: Pipeline, model: MLPClassifier, outputs: str) -> None:
    binarizer = model._label_binarizer
    if isinstance(binarizer, MultiOutputBinarizer):
        _add_columns_of_classes(pipeline, binarizer, outputs)
    elif binarizer.y_type_.startswith("multilabel"):
        chosen = pipeline.formula("chosen", lambda p: where(p > 0.5, 1.0, 0.0), outputs)
        pipeline.add_output("probabilities", outputs, "the probability of each label")
        pipeline.add_output("labels", pipeline.convert(chosen, INT64), "1 for each label that is predicted, else 0")
    elif len(model.classes_) == 1:
        raise ParameterError("The model knows a single class, which it always predicts; there is nothing to export.")
    else:
        probabilities = both_classes(pipeline, outputs) if model.n_outputs_ == 1 else outputs
        add_label(pipeline, "label", probabilities, model.classes_.tolist())
        pipeline.add_output(
            "probabilities", probabilities, "the probability of each class, in the order of the classes"
        )


def _add_columns_of_classes(pipeline: Pipeline, binarizer: MultiOutputBinarizer, outputs: str) -> None:
    """A label and probabilities for each column of classes."""
    first = 0
    for number, classes in enumerate(binarizer.classes_):
        columns = range(first, first := first + len(classes))
        probabilities = pipeline.select("probabilities", outputs, columns)
        add_label(pipeline, f"label{number}", probabilities, classes.tolist())
        pipeline.add_output(
            f"probabilities{number}", probabilities, f"the probability of each class of column {number}"
        )

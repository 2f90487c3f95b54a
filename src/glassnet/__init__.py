"""Fully connected neural networks that a person can see through, as fast as the machine allows."""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # importing `typing` would take as long as the rest of this file
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

_HOMES = {  # __init__.pyi says the same to type checkers
    "network": ("NeuralNetwork",),
    "check.gradient_check": ("gradient_check",),
    "check.check_backprop": ("BackpropReport", "check_backprop"),
    "see.explain": ("Explanation",),
    "see.nudge": ("Nudge",),
    "see.trace": ("Trace",),
    "training.history": ("History", "Report"),
    "errors": (
        *("GlassnetError", "ParameterError", "ParameterTypeError", "FormulaError", "DataError", "ModelFileError"),
        *("DivergedError", "ClusterError"),
    ),
    "training.training": ("Training",),
    "sweep": ("train_many",),
    "estimators": ("MLPClassifier", "MLPRegressor"),
    "loading": ("load",),
    "tabular": ("TabularClassifier", "TabularRegressor"),
    "tabular.pictures": ("plot_calibration", "plot_residuals", "plot_importance"),
    "files.recording": ("Recording",),
    "play.from_link": ("LinkedRun", "from_link"),
    "export.onnx_file": ("OnnxExport", "to_onnx"),
    "export.onnx_import": ("from_onnx",),
    "export.pytorch": ("to_torch_state_dict", "from_torch_state_dict"),
    "export.keras": ("to_keras", "from_keras"),
    "export.scikit_learn": ("from_sklearn",),
    "export.source": ("to_source",),
    "plots.training": ("plot_training",),
    "plots.layers": ("plot_layers", "plot_saturation"),
    "plots.networks": ("plot_predictions", "plot_samples", "plot_confusion", "plot_network"),
    "plots.weights": ("plot_weights",),
    "tables.activations": (
        *("Linear", "Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "SELU", "GELU", "SiLU", "Mish", "Softplus"),
        *("Softsign", "Exp", "Softmax"),
    ),
    "tables.custom_activation": ("custom_activation",),
    "tables.costs": (
        *("Quadratic", "BinaryCrossEntropy", "CategoricalCrossEntropy", "Absolute", "Huber", "Quantile", "Poisson"),
        *("PoissonDeviance", "custom_cost"),
    ),
    "tables.embeddings": ("PeriodicEmbedding", "PiecewiseLinear", "Embedding"),
    "tables.layers": ("Dropout", "GaussianNoise", "BatchNorm", "LayerNorm", "Scaling", "ParametricActivation"),
    "tables.optimizers": ("SGD", "Momentum", "Nesterov", "RMSProp", "Adam", "AdamW", "AdaGrad", "NAdam"),
    "tables.schedules": (
        *("Constant", "Step", "Exponential", "InverseScaling", "Cosine", "OneCycle", "WarmUp", "CosLog4", "FlatCos"),
    ),
    "tables.initializers": ("Zeros", "Normal", "Glorot", "He", "LeCun", "Orthogonal", "Auto"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: `import glassnet` itself loads nothing."""
    if name == "scale":  # a folder with public names of its own
        return importlib.import_module("glassnet.scale")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'glassnet' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"glassnet.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

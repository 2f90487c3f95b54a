"""What Keras, PyTorch and scikit-learn call the entries of the tables.

A name is accepted where it means exactly one of our entries: the same value, gradient and scale, with that library's
defaults. (Clipping against log(0), which the others do, does not count.) The others average a cost over the outputs
where we add it up, so some names are accepted for one output only. A near miss is refused, and the error says what
differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from glassnet.errors import ParameterError, unknown_name


class LibraryName(NamedTuple):
    """Names elsewhere (separated by spaces), our nearest entry, and what differs; nothing differs if that is empty."""

    names: str
    ours: str
    difference: str = ""
    averaged: bool = False  # over the outputs: the same as ours for one output only
    of_sigmoid: str = ""  # our nearest entry where the outputs are sigmoids


class Output(NamedTuple):
    """The output layer that a cost is taken of: how many outputs, and the name of their activation, if known."""

    width: int | None = None
    activation: str = ""


LOGITS = "it takes z of the output; ours takes a and computes the same from z with the activation"
HALF_OF_SUM = (
    "it is the mean of (a − y)² over the outputs; 'quadratic' is half their sum, K/2 times as large for K outputs"
)
PYTORCH_OR_NIELSEN = "it means 'categorical_cross_entropy' in PyTorch, but 'binary_cross_entropy' in Nielsen's book"
BY_OUTPUTS = "it means 'binary_cross_entropy' for one output, but 'categorical_cross_entropy' for several"
BINARY = "binary_cross_entropy"
UNIFORM_OR_NORMAL = "it names a uniform and a normal distribution, and {!r} is only the {} one"
TRUNCATED, UNIFORM = "its normal distribution is truncated, that of {!r} is not", "it is uniform, but {!r} is normal"

LIBRARY_NAMES: dict[str, tuple[LibraryName, ...]] = {
    "activation": (
        LibraryName("identity", "linear"),
        LibraryName("logistic", "sigmoid"),
        LibraryName("swish", "silu"),
        LibraryName("exponential", "exp"),
        LibraryName("celu", "elu"),
        LibraryName(
            "log_softmax", "softmax", "'softmax' with cost 'categorical_cross_entropy' takes the logarithm itself"
        ),
        LibraryName("relu6", "relu", "it is cut off at 6"),
        LibraryName("hard_sigmoid", "sigmoid", "it is piecewise linear"),
        LibraryName("hard_swish hard_silu", "silu", "it is piecewise quadratic"),
    ),
    "cost": (
        LibraryName("categorical_crossentropy sparse_categorical_crossentropy", "categorical_cross_entropy"),
        LibraryName("bce bce_loss binary_crossentropy", "binary_cross_entropy", averaged=True),
        LibraryName("mae l1 l1_loss mean_absolute_error absolute_error", "absolute", averaged=True),
        LibraryName("huber_loss smooth_l1 smooth_l1_loss", "huber", averaged=True),
        LibraryName("pinball_loss mean_pinball_loss", "quantile", averaged=True),
        LibraryName("squared_error", "quadratic", averaged=True),  # scikit-learn's, with our ½
        LibraryName("mse mse_loss mean_squared_error", "quadratic", HALF_OF_SUM),
        LibraryName(
            "cross_entropy cross_entropy_loss", "categorical_cross_entropy", PYTORCH_OR_NIELSEN, of_sigmoid=BINARY
        ),
        LibraryName("log_loss", "categorical_cross_entropy", BY_OUTPUTS, of_sigmoid=BINARY),
        LibraryName(
            "bce_with_logits bce_with_logits_loss binary_cross_entropy_with_logits",
            *("binary_cross_entropy", f"{LOGITS} 'sigmoid'"),
        ),
        LibraryName("nll nll_loss", "categorical_cross_entropy", "it takes log(a) of the output; ours takes a"),
        LibraryName("poisson_nll poisson_nll_loss", "poisson", f"{LOGITS} 'exp'"),
        LibraryName(
            "kl_div kl_div_loss kl_divergence kld",
            *("categorical_cross_entropy", "its gradient is the same, but its value is less by the entropy of y"),
        ),
    ),
    "initializer": (
        LibraryName("glorot_uniform xavier_uniform", "glorot"),
        LibraryName("kaiming_normal", "he"),  # PyTorch's; Keras's he_normal is truncated
        LibraryName("xavier", "glorot", UNIFORM_OR_NORMAL.format("glorot", "uniform")),
        LibraryName("kaiming", "he", UNIFORM_OR_NORMAL.format("he", "normal")),
        LibraryName("glorot_normal xavier_normal", "glorot", "it is normal, but 'glorot' is uniform"),
        LibraryName("he_normal", "he", TRUNCATED.format("he")),
        LibraryName("he_uniform kaiming_uniform", "he", UNIFORM.format("he")),
        LibraryName("lecun_normal", "lecun", TRUNCATED.format("lecun")),
        LibraryName("lecun_uniform", "lecun", UNIFORM.format("lecun")),
        LibraryName("truncated_normal", "normal", TRUNCATED.format("normal")),
        LibraryName("random_normal", "normal", "its standard deviation is 0.05, that of 'normal' 0.01"),
    ),
    "layer": (
        LibraryName(
            "batch_normalization", "batch_norm", "Keras has momentum 0.99 and epsilon 0.001, ours 0.9 and 1e-5"
        ),
        LibraryName("batch_norm1d", "batch_norm", "the running variance of PyTorch's is unbiased, that of ours is not"),
        LibraryName("layer_normalization", "layer_norm", "Keras has epsilon 0.001, ours 1e-5"),
    ),
    "optimizer": (
        LibraryName("lbfgs", "adam", "it takes all samples at each step; the estimators have it as solver='lbfgs'"),
    ),
    "schedule": (
        LibraryName("cosine_decay", "cosine"),
        LibraryName("cosine_annealing cosine_annealing_lr", "cosine", "it changes the rate per epoch, ours per step"),
        LibraryName("invscaling", "inverse_scaling", "it counts samples, ours counts steps"),
        LibraryName("one_cycle_lr", "one_cycle", "it begins at 1/25 of its peak, ours at 1/10"),
        LibraryName("exponential_lr", "exponential", "its factor has no default, ours is 0.95 per epoch"),
        LibraryName("step_lr", "step", "its number of epochs has no default, ours is 10"),
    ),
}


def own_name(known: Mapping[str, type], what: str, name: str, output: Output | None = None) -> str:
    """Our name of the entry that `name` means, here or elsewhere; capitals, hyphens and underscores do not matter.

    `what` names the argument in errors; `output` is what a cost is taken of, where that is known. Raises
    ParameterError for any other name, with the reason for a near miss.
    """
    spelling = name.lower().replace("-", "_").replace(" ", "_")
    own = {entry.__name__: ours for ours, entry in known.items()} | {ours: ours for ours in known}
    if name in own or spelling in own:
        return own.get(name) or own[spelling]
    for row in LIBRARY_NAMES.get(what, ()):
        if letters(name) in map(letters, row.names.split()):
            _check_exact(row, what, name, output or Output())
            return row.ours
    by_letters = {letters(ours): ours for ours in known}
    if letters(name) not in by_letters:
        raise unknown_name(what, name, known)
    return by_letters[letters(name)]


def letters(name: str) -> str:
    """A name in lower case without hyphens, underscores and spaces: 'Leaky-ReLU' is 'leakyrelu'."""
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def _check_exact(row: LibraryName, what: str, name: str, output: Output) -> None:
    """Raise where the name does not mean exactly our entry."""
    difference = row.difference
    if row.averaged and output.width is not None and output.width > 1:
        difference = f"it is the mean over the outputs; {row.ours!r} is their sum, {output.width} times as large"
    if difference:
        nearest = row.of_sigmoid if row.of_sigmoid and output.activation == "sigmoid" else row.ours
        raise ParameterError(f"{what} {name!r} is not exactly one of ours: {difference}. Did you mean {nearest!r}?")

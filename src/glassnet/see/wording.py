"""The terms of a diagnosis: what each interface calls the changes it proposes, the columns of x and the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Wording(NamedTuple):
    """What each change is called in one interface; the defaults are NeuralNetwork's.

    `columns` and `classes` are names, if known, and `rate` is the learning rate that the user set, where that is not
    the rate of every epoch; `epochs` is the most epochs that the user allowed, where that is known. `is_prepared` says
    that x and y were standardised for the user, who cannot scale them; `divides_penalty` that the penalty is divided by
    the samples of a batch.
    """

    columns: Sequence[str] | None = None
    classes: Sequence[Any] | None = None
    rate: float | None = None
    epochs: int | None = None
    is_prepared: bool = False
    divides_penalty: bool = False
    x: str = "x"
    learning_rate: str = "lr"
    rate_option: str = "lr={}"
    epochs_option: str = "epochs={}"
    batch_option: str = "batch_size={}"
    schedule: str = 'schedule="cosine"'
    scale_columns: str = (
        "(x − mean) / standard deviation for each column, of the training rows; or BatchNorm() as the first layer"
    )
    scale_targets: str = "training on (y − mean) / standard deviation, and undoing it on the predictions"
    linear_output: str = '"linear" as the last activation'
    balance_classes: str = "sample_weight of 1/(rows of its class) for each row"
    redraw_weights: str = 'drawing new weights: initializer="auto", then initialize() and train again'
    smaller_weights: str = (
        'smaller weights: initializer="auto" (or "he" for relu), then initialize() and train again with clip_norm=1'
    )
    leave_saturation: str = (
        'inputs of mean 0 and standard deviation 1, initializer="auto", then initialize() and train with a smaller lr'
    )
    revive_units: str = "leaky_relu instead (or a rate ten times smaller), then initialize() and train again"
    avoid_vanishing: str = 'relu or tanh in the hidden layers with initializer="auto", or fewer layers'
    stop_early: str = "patience=10, which keeps the weights of the best epoch"
    regularise: str = "l2=1e-4 or Dropout(0.2)"
    hidden_layer: str = 'a hidden layer: a width of 16 between those in layers, with "tanh" or "relu" as its activation'
    curved_hidden: str = '"tanh" or "relu" in the hidden layers instead of "linear"'
    less_dropout: str = "Dropout(0.2), or none"
    less_penalty: str = "l1 and l2 a hundred times smaller, or 0"
    larger_batch: str = "batch_size=32, or LayerNorm(), which needs no batch"
    repeat_weight: str = "passing their counts as sample_weight"
    another_seed: str = "another seed"
    wait_longer: str = "a larger patience"
    regressor: str = 'one output with "linear" as its activation and cost="quadratic", and y as numbers'

    def column(self, number: int) -> str:
        """How a column is named in a finding."""
        name = str(number) if self.columns is None else repr(str(self.columns[number]))
        return f"column {name} of {self.x}"

    def class_name(self, number: int) -> str:
        """How a class is named in a finding."""
        known = self.classes is not None and number < len(self.classes)
        name = self.classes[number] if known and self.classes is not None else number
        return f"class {str(name)!r}" if isinstance(name, str) else f"class {name}"

    def rate_of(self, value: float, change: str) -> str:
        """The learning rate as the interface sets it, and how it changes: "lr=0.01, ten times larger"."""
        return f"{self.rate_option.format(f'{value:.2g}')}, {change}"


NETWORK = Wording()
ESTIMATOR = Wording(
    divides_penalty=True,
    x="X",
    learning_rate="learning_rate_init",
    rate_option="learning_rate_init={}",
    epochs_option="max_iter={}",
    scale_columns="make_pipeline(StandardScaler(), ...) around the estimator",
    scale_targets="TransformedTargetRegressor(..., transformer=StandardScaler()) around the estimator",
    linear_output='output_activation="identity"',
    balance_classes='class_weight="balanced"',
    redraw_weights="fitting again with warm_start=False, which draws new weights",
    smaller_weights="scaling the columns (StandardScaler) and fitting again; layer_norm=True if that is not enough",
    leave_saturation="scaling the columns (StandardScaler) and fitting again with a smaller learning_rate_init",
    revive_units='activation="leaky_relu" (or learning_rate_init ten times smaller), and fitting again',
    avoid_vanishing='activation="relu" or "tanh", or fewer layers',
    stop_early="early_stopping=True, which keeps the weights of the best epoch",
    regularise="a larger alpha or dropout=0.2",
    hidden_layer='hidden_layer_sizes=(32,) with activation="relu"',
    curved_hidden='activation="relu" instead of "identity"',
    less_dropout="dropout=0.2, or 0",
    less_penalty="alpha a hundred times smaller",
    larger_batch="batch_size=32, or layer_norm=True instead of batch_norm",
    another_seed="another random_state",
    wait_longer="a smaller tol or a larger n_iter_no_change",
    regressor="MLPRegressor",
)
COMMAND = Wording(
    is_prepared=True,
    x="the table",
    learning_rate="--lr",
    rate_option="--lr {}",
    epochs_option="--epochs {}",
    batch_option="--batch-size {}",
    schedule="--schedule cosine",
    linear_output="--cost auto",
    balance_classes="a table with more rows of it, or with its rows repeated",
    redraw_weights="--initializer auto and another --seed",
    smaller_weights="--initializer auto, and --lr ten times smaller",
    leave_saturation="--initializer auto, and --activation relu",
    revive_units="--activation leaky_relu, or --lr ten times smaller",
    avoid_vanishing="--activation relu, or fewer layers (--hidden 64)",
    stop_early="--validation 0.2 --patience 10, which keeps the weights of the best epoch",
    regularise="--l2 0.0001 or --dropout 0.2",
    hidden_layer="--hidden 32",
    curved_hidden="--activation relu",
    less_dropout="--dropout 0.2, or 0",
    less_penalty="--l2 a hundred times smaller, or 0",
    larger_batch="--batch-size 32",
    repeat_weight="leaving them in if each stands for another case",
    another_seed="another --seed",
    wait_longer="a larger --patience",
    regressor="--task regression",
)
PAGE = Wording(
    learning_rate="the rate",
    rate_option="a rate of {}",
    epochs_option="{} epochs",
    batch_option="a batch of {}",
    schedule="a smaller rate from here on",
    scale_columns="(x − mean) / standard deviation for each column of the file",
    scale_targets="(y − mean) / standard deviation in the file",
    linear_output="linear as the activation of the output",
    balance_classes="more samples of it",
    redraw_weights="auto as the start weights",
    smaller_weights="auto (or he for relu) as the start weights, and a smaller rate",
    leave_saturation="auto as the start weights, with a smaller rate",
    revive_units="leaky_relu (or a rate ten times smaller) from the start",
    avoid_vanishing="relu or tanh in the hidden layers with auto as the start weights, or fewer layers",
    stop_early="stopping at the best epoch",
    regularise="an L2 penalty of 0.001, or fewer neurons",
    hidden_layer="a hidden layer with tanh or relu",
    curved_hidden="tanh or relu in the hidden layers",
    less_dropout="less dropout, or none",
    less_penalty="penalties a hundred times smaller, or 0",
    larger_batch="a batch of 32",
    repeat_weight="leaving them in if each stands for another case",
    another_seed="New start",
    wait_longer="playing on",
    regressor="a column of numbers as the target",
)

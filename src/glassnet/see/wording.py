"""The terms of a diagnosis: what each interface calls the changes that it proposes, and the columns of x."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Wording(NamedTuple):
    """What each change is called in one interface; the defaults are NeuralNetwork's. `columns` are names, if known."""

    columns: Sequence[str] | None = None
    x: str = "x"
    learning_rate: str = "lr"
    scale_columns: str = (
        "(x − mean) / standard deviation for each column, of the training rows; or BatchNorm() as the first layer"
    )
    scale_targets: str = "train on (y − mean) / standard deviation, and undo it on the predictions"
    linear_output: str = '"linear" as the last activation'
    balance_classes: str = "sample_weight of 1/(rows of its class) for each row"
    redraw_weights: str = 'draw new weights: initializer="auto", then initialize() and train again'
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

    def column(self, number: int) -> str:
        """How a column is named in a finding."""
        name = str(number) if self.columns is None else repr(str(self.columns[number]))
        return f"column {name} of {self.x}"


NETWORK = Wording()
ESTIMATOR = Wording(
    x="X",
    learning_rate="learning_rate_init",
    scale_columns="make_pipeline(StandardScaler(), ...) around the estimator",
    scale_targets="TransformedTargetRegressor(..., transformer=StandardScaler()) around the estimator",
    linear_output='output_activation="identity"',
    balance_classes='class_weight="balanced"',
    redraw_weights="fit again with warm_start=False, which draws new weights",
    smaller_weights="scale the columns (StandardScaler) and fit again, with layer_norm=True if that is not enough",
    leave_saturation="scale the columns (StandardScaler) and fit again with a smaller learning_rate_init",
    revive_units='activation="leaky_relu" (or learning_rate_init ten times smaller), and fit again',
    avoid_vanishing='activation="relu" or "tanh", or fewer layers',
    stop_early="early_stopping=True, which keeps the weights of the best epoch",
    regularise="a larger alpha or dropout=0.2",
)

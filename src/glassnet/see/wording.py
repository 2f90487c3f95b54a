"""How the changes that a diagnosis names are called where they are made: in a network's words or in an estimator's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Wording(NamedTuple):
    """The phrases of one interface; the defaults are NeuralNetwork's."""

    x: str = "x"
    rate: str = "lr"
    scale_columns: str = (
        "(x − mean) / deviation for each column, of the training rows; or BatchNorm() as the first layer"
    )
    scale_targets: str = "learn (y − mean) / deviation, and turn the answers back"
    linear: str = '"linear" as the last activation'
    balance: str = "sample_weight with 1/(rows of the class) for each row"
    draw: str = 'draw the weights: initializer="auto", then initialize() and train again'
    smaller_weights: str = (
        'smaller weights: initializer="auto" (or "he" for relu), then initialize() and train again with clip_norm=1'
    )
    open_gates: str = (
        'inputs of mean 0 and deviation 1, initializer="auto", then initialize() and train again with a smaller lr'
    )
    live_units: str = "leaky_relu in their place (or a rate ten times smaller), then initialize() and train again"
    other_gates: str = 'relu or tanh in the hidden layers with initializer="auto", or fewer layers'
    stop_early: str = "patience=10, which keeps the weights of the best epoch"
    constrain: str = "l2=1e-4 or Dropout(0.2)"


ESTIMATOR = Wording(
    x="X",
    rate="learning_rate_init",
    scale_columns="make_pipeline(StandardScaler(), ...) around the estimator",
    scale_targets="TransformedTargetRegressor(..., transformer=StandardScaler()) around the estimator",
    linear='output_activation="identity"',
    balance='class_weight="balanced"',
    draw="fit again with warm_start=False, which draws the weights",
    smaller_weights="scale the columns (StandardScaler) and fit again, with layer_norm=True if that is not enough",
    open_gates="scale the columns (StandardScaler) and fit again with a smaller learning_rate_init",
    live_units='activation="leaky_relu" (or learning_rate_init ten times smaller), and fit again',
    other_gates='activation="relu" or "tanh", or fewer layers',
    stop_early="early_stopping=True, which keeps the weights of the best epoch",
    constrain="a larger alpha or dropout=0.2",
)


class Reader(NamedTuple):
    """For whom a diagnosis is said: the words of the interface, and the names of x's columns where they have any."""

    words: Wording = Wording()
    columns: Sequence[str] | None = None

    def column(self, number: int) -> str:
        """What a column is called."""
        name = str(number) if self.columns is None else repr(str(self.columns[number]))
        return f"column {name} of {self.words.x}"

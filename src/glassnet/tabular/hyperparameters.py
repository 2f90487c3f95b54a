"""Every number of the training of a tabular model, chosen here and nowhere else.

The start is RealMLP-TD-S: Holzmüller, Grinsztajn & Steinwart, Better by Default: Strong Pre-Tuned MLPs and Boosted
Trees on Tabular Data (2024), appendix A. Only the size of the table and the preset change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from glassnet.errors import unknown_name

CLASSES, NUMBERS = "classes", "numbers"
SMALL_BATCHES = ((256, 32), (1024, 64))  # under so many rows, batches of so many
BATCH = 256


class Hyperparameters(NamedTuple):
    """How the members of a tabular model are built and trained.

    Parameters
    ----------
    members : networks that are trained on different rows and averaged
    holdout : the share of the rows that a member leaves out and that chooses its epoch; less where members are many
    max_holdouts : no more parts than this; further members get the parts of another division of the rows
    epochs, batch : passes through the rows, and rows per step
    width, layers : of the hidden layers
    activation, parametric : of the hidden layers, and whether each neuron learns how much of it there is
    lr, schedule, beta2 : of Adam; the rate of weights is divided by √fan_in
    bias_lr, scale_lr, first_lr, slope_lr : factors on the rate of biases, the scaling of inputs, the first weights (on
        top of 1/√fan_in) and the slopes of parametric activations
    decay, decay_schedule : decoupled weight decay, 0 for none, with factors √fan_in for weights and 0 for biases
    max_norm : limit of the norm of each neuron's weights, None for none
    label_smoothing : of the targets of classes
    dropout, dropout_schedule : after each hidden layer, and what multiplies its rate
    scaling : whether one factor per input is learnt
    from_data : whether weights and biases are drawn by their effect on the rows (`NeuralNetwork.initialize`)
    random_biases : whether hidden biases start at N(0, 1) rather than 0, where they do not come from the rows
    zero_output : whether the last layer starts at zero
    clip_output : whether predicted numbers are kept in the range of the fitted targets
    log_target : whether the logarithms of positive numbers are learnt; None means where it pays off
    bins : of each number beside its scaled value, in a layer on the inputs; 0 for none
    waves, wave_scale : frequencies of the periodic embedding of each number, 0 for none, and their deviation
    max_one_hot, level_width : categories with more levels become learnt vectors of so many numbers; None: none do
    views : what differs between the members, in turn: fields with other values. Members that see numbers in other ways
        make other mistakes, so that their average is better than that of equal members
    wave_lr, level_lr : factors on the rates of these embeddings
    precision : of the networks' products in training, None for float32
    linear : whether a linear model is blended in where it makes predictions better
    """

    members: int = 4
    holdout: float = 0.2
    max_holdouts: int = 8
    epochs: int = 32
    batch: int = BATCH
    width: int = 128
    layers: int = 3
    activation: str = "selu"
    parametric: bool = False
    lr: float = 0.04
    schedule: str = "coslog4"
    beta2: float = 0.95
    bias_lr: float = 0.1
    scale_lr: float = 6.0
    first_lr: float = 1.0
    slope_lr: float = 0.1
    decay: float = 0.0
    decay_schedule: str | None = None
    label_smoothing: float = 0.1
    max_norm: float | None = None
    dropout: float = 0.0
    dropout_schedule: str | None = None
    scaling: bool = True
    from_data: bool = False
    random_biases: bool = True
    zero_output: bool = True
    clip_output: bool = True
    log_target: bool | None = None
    bins: int = 0
    waves: int = 0
    wave_scale: float = 0.1
    wave_lr: float = 0.1
    max_one_hot: int | None = 8
    level_width: int = 8
    level_lr: float = 1.0
    views: tuple[Mapping[str, Any], ...] = ({},)
    linear: bool = True
    precision: str | None = None

    def of_member(self, number: int) -> Hyperparameters:
        """The hyperparameters of one member, counted from 0."""
        return self._replace(**self.views[number % len(self.views)])

    @property
    def holdouts(self) -> int:
        """Into how many parts the rows are divided, of which a member leaves one out."""
        return max(2, round(1 / self.holdout), min(self.members, self.max_holdouts))


WAVES = {"waves": 16}
BINS = {"bins": 16, "first_lr": 0.3}
BOTH = {"waves": 16, "bins": 8}
PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"members": 1, "epochs": 24, "views": (BOTH,)},
    "default": {"members": 4, "epochs": 32, "views": (BOTH, BINS)},
    "best": {"members": 8, "epochs": 48, "views": (WAVES, BINS, BOTH, {})},
    "pixels": {},  # all from WIDE
}
TASKS: dict[str, dict[str, Any]] = {
    CLASSES: {"activation": "selu", "lr": 0.04, "label_smoothing": 0.1},
    NUMBERS: {"activation": "mish", "lr": 0.07, "label_smoothing": 0.0},
}

WIDE: dict[str, dict[str, Any]] = {  # of many columns: fewer and larger layers, with dropout
    "fast": {"members": 1, "epochs": 8, "width": 256},
    "default": {"members": 2, "epochs": 12, "width": 320},
    "best": {"members": 4, "epochs": 24, "width": 512},
    "pixels": {"members": 2, "epochs": 12, "width": 512, "scaling": False},  # so that products skip pixels of 0
}
WIDE_LAYERS: dict[str, Any] = {"layers": 2, "activation": "relu", "dropout": 0.2, "views": ({},)}
WIDE_RUN: dict[str, Any] = {"schedule": "flat_cos", "batch": 128, "holdout": 0.1, "max_holdouts": 10}
MIN_WIDE_COLUMNS, MIN_WIDE_ROWS = 256, 10_000
MANY_ROWS, MIN_EPOCHS = 50_000, 8  # beyond so many rows, so many fewer epochs
MAX_EPOCH_FACTOR = 8  # for fewer than MIN_WIDE_ROWS images


def preset_hyperparameters(preset: str, task: str, rows: int, features: int) -> Hyperparameters:
    """The hyperparameters for a table of so many rows and raw columns (`features`); `task` is "classes" or "numbers".

    Raises ParameterError (a ValueError) for an unknown preset.
    """
    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    batch = next((size for limit, size in SMALL_BATCHES if rows < limit), BATCH)
    result = Hyperparameters(batch=batch, **TASKS[task])._replace(**PRESETS[preset])
    if preset == "pixels" or (features >= MIN_WIDE_COLUMNS and rows >= MIN_WIDE_ROWS):
        wide = result._replace(lr=result.lr / 2, **(WIDE_LAYERS | WIDE_RUN | WIDE[preset]))
        factor = max(1, min(MIN_WIDE_ROWS // max(rows, 1), MAX_EPOCH_FACTOR))
        return wide._replace(batch=min(wide.batch, batch), epochs=factor * wide.epochs)
    if rows > MANY_ROWS:
        return result._replace(epochs=max(MIN_EPOCHS, result.epochs * MANY_ROWS // rows))
    return result

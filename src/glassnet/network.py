"""The article's class: a fully connected network with feedforward, backpropagation and train, samples as columns.

It holds a Model (execution/model.py) and does no mathematics: the equations are the program's (program/builder.py), a
run is a Training (training/training.py). Arguments are checked here, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, SupportsIndex

from numpy.typing import ArrayLike, DTypeLike

from glassnet.batches.block_order import BlocksLike
from glassnet.batches.run_data import Given
from glassnet.batches.samples import Arrays, Weights, check_shape, input_rows, real_dtype
from glassnet.batches.sources import Sources, checked_sources
from glassnet.errors import DivergedError, ParameterError, named_arguments, unknown_name
from glassnet.execution import inference
from glassnet.execution.activation_functions import ActivationFunctions
from glassnet.execution.data_initialization import initialize_from_data
from glassnet.execution.evaluation import Evaluation, evaluation
from glassnet.execution.executor import ENGINES, usable_precision
from glassnet.execution.model import Model
from glassnet.execution.model_properties import ModelProperties
from glassnet.files.atomic_file import FilePath
from glassnet.files.model_file import describe_model, read_model, with_table, write_model
from glassnet.files.run_files import checked_files
from glassnet.frames.reporter import Reporter
from glassnet.frames.step_page import StepPages
from glassnet.program.architecture import architecture
from glassnet.program.builder import build
from glassnet.program.parameters import Array, ParameterList
from glassnet.program.program import Program
from glassnet.program.updates import StepOptions
from glassnet.see.nudge import cost_with
from glassnet.tables import costs, initializers, optimizers, schedules
from glassnet.tables.activations import ActivationLike
from glassnet.tables.layers import LayerLike
from glassnet.training.fit import Callback, fit
from glassnet.training.history import History
from glassnet.training.layer_monitor import recent_samples
from glassnet.training.opening import opened_training
from glassnet.training.settings import Factors, checked_recipe, checked_run, checked_seed
from glassnet.training.training_lock import TrainingLock
from glassnet.training.validation import MetricLike


class NeuralNetwork(ModelProperties, StepPages, ActivationFunctions):
    """A fully connected neural network.

    Parameters
    ----------
    layers : sequence of widths, the inputs first; layers such as Dropout(0.2) may stand between them and act after the
        activation of the dense layer before them (or before it, where they say so)
    activations : one name or entry per dense layer; None means sigmoid throughout. The name that another library uses
        for exactly the same is accepted, here and in all other arguments that take names
    cost : name or entry: quadratic is ½‖a − y‖² per sample; C is the mean over samples, penalty included
    initializer : name or entry for the initial weights; biases start at 0
    l1, l2 : strengths of the penalty l1·Σ|w| + l2/2·Σw² on the weights
    dtype : "float32" or "float64"
    seed : whole number, the seed of all randomness; None draws one (see `seed`)
    engine : "compiled", or "numpy" to step through the equations
    precision : "mixed_bfloat16" trains in float32 with products of dense layers whose operands are rounded to bfloat16;
        faster on processors with AVX512_BF16, refused by the compiled engine on others. Training, feedforward,
        backpropagation and trace use it, predictions not. None is the precision of the dtype

    Attributes
    ----------
    weights, biases : sequences of views, (fan_out, fan_in) and (fan_out, 1); assigning copies values in
    parameters : every parameter by name (`w1`, `b1`, ...), with `parameters.vector`, the one flat vector
    history : the History of the last `train`, a summary of it if the network was loaded from a file, or None
    recent_samples : some samples of the last `train`, for `diagnose()` without data; not copied or saved
    preparation, target : how the columns of a table became x and y, if `train` read one from a file, or None
    model : architecture, parameters, running statistics, dtype, seed and engine, without the methods

    Raises ParameterError (a ValueError) or ParameterTypeError (a TypeError) for an argument that cannot be used.
    """

    @named_arguments
    def __init__(
        self,
        layers: Iterable[SupportsIndex | LayerLike] = (2, 10, 1),
        activations: Sequence[ActivationLike] | None = None,
        cost: costs.CostLike = "quadratic",
        initializer: initializers.InitializerLike = "auto",
        l1: float = 0,
        l2: float = 0,
        dtype: DTypeLike = "float32",
        seed: int | None = None,
        engine: str = "compiled",
        precision: str | None = None,
    ) -> None:
        described = architecture(layers, activations, cost, l1, l2)
        if engine not in ENGINES:
            raise unknown_name("engine", engine, ENGINES)
        entry = initializers.initializer(initializer)
        real = real_dtype(dtype)
        described = described._replace(precision=usable_precision(precision, real, engine))
        self.model = Model(described, entry, real, checked_seed(seed), engine)
        self.history: History | None = None
        self.recent_samples: Sources | None = None
        self.preparation: Any = None  # a TablePreparation, and a TargetColumn: their modules take long to import
        self.target: Any = None
        self.runs = 0
        self.training_lock, self._is_stopped = TrainingLock(), False

    # The model --------------------------------------------------------------------------------------------------------

    def initialize(self, x: ArrayLike | None = None) -> None:
        """Draw the weights again from the seed; all other parameters and running statistics get their first values.

        With x (fan_in, batch), each neuron's weights are scaled so that its z has variance 1 on these samples, and its
        bias is minus the z of a random mixture of 5 of them. Source: Holzmüller et al. (2024), appendix A.
        """
        if x is None:
            self.model.initialize()
        else:
            initialize_from_data(self.model, input_rows(x, self.architecture.inputs, self.dtype))

    # The article's names ----------------------------------------------------------------------------------------------

    @property
    def weights(self) -> ParameterList:
        """weights[l] is a view (fan_out, fan_in)."""
        return ParameterList(self.parameters, [f"w{n}" for n in range(1, len(self.architecture.dense) + 1)])

    @weights.setter
    def weights(self, values: Sequence[Any]) -> None:
        self.weights.assign(values, "weights")

    @property
    def biases(self) -> ParameterList:
        """biases[l] is a view (fan_out, 1)."""
        return ParameterList(self.parameters, [f"b{n}" for n in range(1, len(self.architecture.dense) + 1)])

    @biases.setter
    def biases(self, values: Sequence[Any]) -> None:
        self.biases.assign(values, "biases")

    def feedforward(self, x: ArrayLike, *, training: bool = False) -> tuple[list[Array], list[Array]]:
        """Every z and a of a forward pass: (z_s, a_s), new arrays (fan_out, batch); a_s[0] is x.

        x is (fan_in, batch). `training=True` runs what a training step runs (dropout, statistics of the batch).
        """
        rows = input_rows(x, self.architecture.inputs, self.dtype)
        return inference.feedforward(self.model, rows, training, self.architecture.precision)

    def backpropagation(
        self, y: ArrayLike, z_s: Arrays, a_s: Arrays, *, sample_weight: Weights = None, training: bool = False
    ) -> tuple[list[Array], list[Array]]:
        """The gradient itself, (dw, db): ∂C/∂W (fan_out, fan_in) and ∂C/∂b (fan_out, 1) of each dense layer.

        y is (fan_out, batch), or class numbers (batch,); z_s and a_s are what `feedforward` returned. The gradient is
        the mean over the batch, penalty included. BP1 to BP4 of Nielsen, chapter 2.
        """
        count = len(self.architecture.dense)
        if len(z_s) != count or len(a_s) != count + 1:
            raise ParameterError(
                f"z_s has {len(z_s)} and a_s {len(a_s)} arrays; feedforward returns {count} and {count + 1}, x first."
            )
        sources = self._sources(a_s[0], y, sample_weight)
        for index, dense in enumerate(self.architecture.dense):
            check_shape(f"z_s[{index}]", z_s[index], (dense.fan_out, len(sources.x)))
            check_shape(f"a_s[{index + 1}]", a_s[index + 1], (dense.fan_out, len(sources.x)))
        return inference.backpropagation(self.model, sources, z_s, a_s, training)

    forward, backward = feedforward, backpropagation

    @named_arguments
    def train(
        self,
        x: ArrayLike | FilePath,
        y: ArrayLike | FilePath,
        batch_size: int = 10,
        epochs: int = 100,
        lr: float = 0.001,
        *,
        optimizer: optimizers.OptimizerLike = "sgd",
        schedule: schedules.ScheduleLike | None = None,
        validation: float | Arrays | FilePath | Sequence[FilePath] | None = None,
        blocks: BlocksLike | None = None,
        sample_weight: Weights = None,
        patience: int | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        lr_factors: Factors = None,
        decay_factors: Factors = None,
        decay_schedule: schedules.ScheduleLike | None = None,
        dropout_schedule: schedules.ScheduleLike | None = None,
        max_norm: float | None = None,
        validation_metric: MetricLike | None = None,
        time_limit: float | None = None,
        callbacks: Sequence[Callback] = (),
        checkpoint: FilePath | None = None,
        every: int | None = None,
        resume: bool = False,
        record: FilePath | None = None,
        verbose: int | None = None,
        threads: int | None = None,
    ) -> History:
        """Train by mini-batch gradient descent and return the History.

        Parameters
        ----------
        x, y : (fan_in, batch) and (fan_out, batch), or with categorical cross-entropy class numbers (batch,), or
            (groups, batch) if the output has groups. Or files of any size: a table (CSV, Parquet, a folder of Parquet
            files) and the name of the column to predict; or two .npy files with samples as rows, (samples, ...)
        batch_size : samples per step; the last, smaller batch of an epoch counts too
        epochs, lr : passes through the data; the learning rate
        optimizer, schedule : names or entries; schedule None is constant
        validation : (x, y), a second file, or the fraction of the samples to hold out
        blocks : largest number of samples per block (None: 32 MB, files only); blocks, then their samples, are shuffled
        sample_weight : (batch,), 0 or more
        patience : epochs without a better validation cost before the run ends; the best weights are restored
        clip_norm, clip_value : limits of the gradients' norm and of each gradient
        lr_factors : factors on the rate: one per dense layer, or a dict by "weights", "biases", "w1", "scaling0" ...
        decay_factors, decay_schedule : the same for the weight decay of an optimizer such as AdamW
        dropout_schedule : multiplies the rate of every Dropout, by factors between 0 and 1 ("flat_cos")
        max_norm : limit of the norm of each neuron's weights, kept after every step (Srivastava et al. 2014, section 5)
        validation_metric : "cost", "error" (share of wrong classes), "rmse" or a function of (outputs, y), as columns,
            that returns a number; the weights of its best (smallest) epoch are restored, of equal ones the last
        time_limit : seconds
        callbacks : functions of each epoch's Report; returning True ends the run
        checkpoint, every, resume : file for the state of the run, written per epoch or every so many steps, to continue
            from
        record : file for the epochs, the layers (measured after each one) and some weights, read by Recording
        verbose : 0 shows nothing, 1 a bar (or lines, without a terminal or notebook), None a bar for long runs only
        threads : the largest number of threads that the engine may use; the results never depend on it

        Raises DivergedError (an ArithmeticError) if a quantity is no longer finite; the last finite weights remain.
        """
        options = {
            **{"optimizer": optimizer, "schedule": schedule, "lr_factors": lr_factors, "patience": patience},
            **{"decay_factors": decay_factors, "decay_schedule": decay_schedule, "dropout_schedule": dropout_schedule},
            **{"clip_norm": clip_norm, "clip_value": clip_value, "max_norm": max_norm},
            "validation_metric": validation_metric,
        }
        recipe = checked_recipe(tuple(self.parameters.segments.values()), batch_size, epochs, lr, options)
        run = checked_run(time_limit, callbacks, verbose, threads)
        files = checked_files(checkpoint, every, resume, record)
        with self.training_lock.alone():
            given = Given(x, y, sample_weight, validation, blocks, recipe.batch_size)
            training, data = opened_training(self.model, given, recipe._replace(run=self.runs), validation_metric)
            run = run._replace(is_stopped=lambda: self._is_stopped, observers=files.observers(training), keep=Reporter)
            samples = recent_samples(data.sources)
            self._is_stopped = False
            self.preparation, self.target = data.table or (self.preparation, self.target)
            try:
                self.history, self.recent_samples = fit(training, run, samples), samples
            except DivergedError as error:
                self.history, self.recent_samples = error.history, samples
                raise
            self.history.blocks = data.described_blocks
            self.runs += 1
            return self.history

    def stop(self) -> None:
        """Ask a training in another thread to end after a step, as Ctrl-C would; the network stays usable."""
        self._is_stopped = True

    # Using a network --------------------------------------------------------------------------------------------------

    def predict(self, x: ArrayLike, *, precision: str | None = None) -> Array:
        """The outputs, the last a (fan_out, batch), for x (fan_in, batch), by the equations of inference.

        Products have the precision of the dtype; `precision="mixed_bfloat16"` rounds their operands as in training.
        """
        if precision is not None:
            precision = usable_precision(precision, self.dtype, self.engine)
        return inference.predict(self.model, x, precision)

    def cost(
        self, x: ArrayLike, y: ArrayLike, sample_weight: Weights = None, *, override: Mapping[str, float] | None = None
    ) -> float:
        """C: the (weighted) mean over the samples of the cost, plus the penalty.

        `override` replaces numbers, {"w1[2,0]": 0.3}: any w, b, z, a or x by layer (from 1) and index (from 0, samples
        are columns). The number is replaced after the equation that computes it, and the later equations run.
        """
        if override is not None:
            return cost_with(self.model, (x, y, sample_weight), override)
        return inference.evaluate(self.model, self._sources(x, y, sample_weight))[0]

    def evaluate(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Evaluation:
        """C as in `cost`, and the accuracy for classes or else R², on x (fan_in, batch) and y as in `train`.

        `sample_weight` (batch,) weights C and R². Raises DataError (a ValueError) for samples that cannot be used.
        """
        return evaluation(self.model, self._sources(x, y, sample_weight))

    @property
    def program(self) -> Program:
        """One training step as a table of equations; print it."""
        return build(self.architecture, StepOptions(optimizers.SGD()))

    def astype(self, dtype: DTypeLike, precision: str | None = None) -> NeuralNetwork:
        """A copy of the network that computes in another dtype, or whose products have another precision.

        Without `precision`, a network of mixed precision keeps it if its dtype stays float32.
        """
        if precision is not None:
            precision = usable_precision(precision, real_dtype(dtype), self.engine) or str(real_dtype(dtype))
        other = object.__new__(NeuralNetwork)
        other.__setstate__(vars(self) | {"model": self.model.astype(real_dtype(dtype), precision)})
        return other

    def save(self, path: FilePath, *, extra: dict[str, Any] | None = None) -> None:
        """Write the network to a model file (safetensors; no pickle). `extra` is plain data stored with it.

        After training on a table it has the preparation of the columns: `glassnet.load` then returns an estimator.
        """
        write_model(path, self.model, self.runs, self.history, with_table(extra, self.preparation, self.target))

    @classmethod
    def load(cls, path: FilePath, *, engine: str = "compiled") -> NeuralNetwork:
        """Read a network from a model file; `glassnet.load` reads files of estimators and tabular models too.

        Raises ModelFileError (a ValueError) if the file cannot be trusted or contains more than a network.
        """
        return read_model(path).build(cls, engine)

    def describe(self) -> dict[str, Any]:
        """Everything but the numbers, as plain data: layers, activations, cost, penalty, dtype, precision, seed."""
        return describe_model(self.model)

    def _sources(self, x: Any, y: Any, sample_weight: Any) -> Sources:
        return checked_sources(self.architecture, self.dtype, x, y, sample_weight)

    def __getstate__(self) -> dict[str, Any]:
        transient = ("training_lock", "_is_stopped", "recent_samples")
        state = {name: value for name, value in vars(self).items() if name not in transient}
        return state | {"model": self.model.astype(self.dtype)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({"preparation": None, "target": None} | state)
        self.recent_samples = None
        self.training_lock, self._is_stopped = TrainingLock(), False

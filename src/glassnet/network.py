"""The article's class: a fully connected network with feedforward, backpropagation and train, samples as columns.

It is a thin face: the equations are the program's (building.py), the numbers those of its engine (execution.py), a run
is a Training (training.py). What a person passes is checked here once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from glassnet.batches.samples import check_shape, input_rows, numeric, real_dtype, target_rows, weight_vector
from glassnet.batches.sources import run_sources
from glassnet.errors import DivergedError, ParameterError, unknown_name
from glassnet.execution.executor import ENGINES
from glassnet.execution.inference import Inference
from glassnet.execution.reference import Sources
from glassnet.program.architecture import architecture
from glassnet.program.builder import build
from glassnet.program.layer_positions import segments
from glassnet.program.parameters import Array, ParameterList, Parameters
from glassnet.program.program import Program
from glassnet.program.updates import Step
from glassnet.see.methods import Seeing
from glassnet.see.nudge import cost_with
from glassnet.tables import initializers
from glassnet.tables.activations import activation
from glassnet.tables.optimizers import SGD
from glassnet.training.fit import Callback, fit
from glassnet.training.history import History
from glassnet.training.layer_monitor import kept
from glassnet.training.settings import checked_recipe, checked_run, checked_seed
from glassnet.training.training import Training

NOT_KEPT = ("_lock", "_stop", "_inference", "seen")  # by a copy


class NeuralNetwork(Seeing):
    """A fully connected neural network.

    Parameters
    ----------
    layers : sequence of widths, the inputs first; layer rows such as Dropout(0.2) may stand between them and act after
        the activation of the dense layer before them (or before it, where the row says so)
    activations : one name or row a dense layer; None means sigmoid throughout
    cost : name or row: quadratic is ½‖a − y‖² a sample; C is the mean over samples, penalty included
    initializer : name or row for the first weights; biases start at 0
    l1, l2 : strength of the penalty l1·Σ|w| + l2/2·Σw² on the weights
    dtype : "float32" or "float64"
    seed : whole number from which all chance comes; None draws one (kept in `seed`)
    engine : "compiled", or "numpy" to step through the equations

    Attributes
    ----------
    weights, biases : sequences of views, (fan_out, fan_in) and (fan_out, 1); assigning copies in
    parameters : every parameter by name (`w1`, `b1`, ...), with `parameters.vector`, the one flat vector
    history : the History of the last `train`, in short where the network comes from a file, or None
    seen : some samples of the last `train`, by which `diagnose()` goes without data, or None; no copy or file has them

    Raises ValueError or TypeError, one sentence, for anything that cannot be used.
    """

    def __init__(
        self,
        layers: Sequence[Any],
        activations: Sequence[Any] | None = None,
        cost: Any = "quadratic",
        initializer: Any = "auto",
        l1: float = 0,
        l2: float = 0,
        dtype: Any = "float32",
        seed: int | None = None,
        engine: str = "compiled",
    ) -> None:
        self.architecture = architecture(layers, activations, cost, l1, l2)
        if engine not in ENGINES:
            raise unknown_name("engine", engine, ENGINES)
        self.engine, self.dtype = engine, real_dtype(dtype)
        self.initializer = initializers.initializer(initializer)
        self.seed = checked_seed(seed)
        self.history: History | None = None
        self.runs = 0
        found, statistics = segments(self.architecture)
        self.parameters = Parameters(found, self.dtype)
        self.statistics = Parameters(statistics, self.dtype)
        self._prepare()
        self.initialize()

    def _prepare(self) -> None:
        """What is made anew after copying or unpickling."""
        self._lock, self._stop = threading.RLock(), threading.Event()
        self._inference = Inference(self)
        self.seen: Sources | None = None

    def initialize(self) -> None:
        """Draw the weights anew from the seed; biases, layers' parameters and running statistics get first values."""
        rng = np.random.default_rng(self.seed)
        for held in (self.parameters, self.statistics):
            for segment in held.segments.values():
                if segment.initial is not None:
                    held[segment.name][...] = segment.initial
                    continue
                row = initializers.initializer_for(
                    self.initializer, self.architecture.dense[segment.layer - 1].activation
                )
                held[segment.name] = row.draw(rng, *segment.shape)

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

    def feedforward(self, x: Any, *, training: bool = False) -> tuple[list[Array], list[Array]]:
        """Every z and a of a forward pass: (z_s, a_s), fresh arrays (fan_out, batch); a_s[0] is x.

        x is (fan_in, batch). `training=True` runs what a training step runs (dropout, statistics of the batch).
        """
        return self._inference.feedforward(input_rows(x, self.architecture.inputs, self.dtype), training)

    def backpropagation(
        self, y: Any, z_s: Sequence[Any], a_s: Sequence[Any], *, sample_weight: Any = None, training: bool = False
    ) -> tuple[list[Array], list[Array]]:
        """The gradient itself, (dw, db): ∂C/∂W (fan_out, fan_in) and ∂C/∂b (fan_out, 1) of each dense layer.

        y is (fan_out, batch), or class numbers (batch,); z_s and a_s are what `feedforward` gave. The mean over the
        batch, the penalty included. BP1 to BP4 of Nielsen, chapter 2.
        """
        count = len(self.architecture.dense)
        if len(z_s) != count or len(a_s) != count + 1:
            raise ParameterError(
                f"z_s has {len(z_s)} and a_s {len(a_s)} arrays; feedforward gives {count} and {count + 1}, x first."
            )
        x = input_rows(a_s[0], self.architecture.inputs, self.dtype)
        for index, dense in enumerate(self.architecture.dense):
            check_shape(f"z_s[{index}]", z_s[index], (dense.fan_out, len(x)))
            check_shape(f"a_s[{index + 1}]", a_s[index + 1], (dense.fan_out, len(x)))
        targets = self._targets(y, len(x))
        return self._inference.backpropagation(x, targets, z_s, a_s, weight_vector(sample_weight, len(x)), training)

    forward = feedforward
    backward = backpropagation

    def train(
        self,
        x: Any,
        y: Any,
        batch_size: int = 10,
        epochs: int = 100,
        lr: float = 0.001,
        *,
        optimizer: Any = "sgd",
        schedule: Any = None,
        validation: Any = None,
        sample_weight: Any = None,
        patience: int | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        lr_factors: Sequence[float] | None = None,
        time_limit: float | None = None,
        callbacks: Sequence[Callback] = (),
        checkpoint: Any = None,
        every: int = 1,
        resume: bool = False,
        record: Any = None,
        verbose: int | None = None,
        threads: int | None = None,
    ) -> History:
        """Train by mini-batch gradient descent and return the History.

        Parameters
        ----------
        x, y : (fan_in, batch) and (fan_out, batch), or with categorical cross-entropy class numbers (batch,), where the
            output has groups (groups, batch)
        batch_size : samples a step; the last, smaller batch of an epoch counts too
        epochs, lr : passes through the data; the learning rate
        optimizer, schedule : names or rows; schedule None is constant
        validation : (x, y), or a fraction of the samples that is held out
        sample_weight : (batch,), 0 or more
        patience : epochs without a better validation cost after which the run ends; the best weights are kept
        clip_norm, clip_value : limits of the gradients' norm and of each gradient
        lr_factors : a factor on the rate for each dense layer
        time_limit : seconds
        callbacks : functions of each epoch's Report; returning True ends the run
        checkpoint, every, resume : file of the run's state, written each so many epochs; resume takes it up there
        record : file of the run's epochs, layers (looked at after each one) and some weights, read by Recording
        verbose : None a bar on a terminal for long runs, 0 nothing, 1 always (lines where there is no terminal)
        threads : the most threads the engine may use; the numbers never depend on it

        Raises DivergedError (an ArithmeticError) where a quantity is no longer finite; the last finite weights stay.
        """
        recipe = checked_recipe(
            len(self.architecture.dense),
            batch_size=batch_size,
            epochs=epochs,
            lr=lr,
            optimizer=optimizer,
            schedule=schedule,
            patience=patience,
            clip_norm=clip_norm,
            clip_value=clip_value,
            lr_factors=lr_factors,
        )
        run = checked_run(time_limit, callbacks, checkpoint, every, resume, record, verbose, threads)
        with self._lock:
            sources, held = run_sources(self, x, y, validation, sample_weight)
            if patience is not None and held is None:
                raise ParameterError("patience needs validation data: pass validation=0.1 or validation=(x, y).")
            recipe = recipe._replace(batch_size=min(recipe.batch_size, len(sources.x)), run=self.runs)
            evaluate = None if held is None else partial(self._inference.evaluate, held)
            training = Training(self, sources, recipe, evaluate)
            seen = kept(sources)
            self._stop.clear()
            try:
                self.history, self.seen = fit(training, run._replace(stopping=self._stop.is_set)), seen
            except DivergedError as error:
                self.history, self.seen = training.history(), seen
                self.history.stopped = str(error)
                raise
            self.runs += 1
            return self.history

    def stop(self) -> None:
        """Ask the training that another thread runs to end at a step, as Ctrl-C would; the network stays usable."""
        self._stop.set()

    @staticmethod
    def getActivationFunction(name: Any) -> Callable[[Any], Array]:
        """The activation σ as a function of z, an array (fan_out, batch)."""
        row = activation(name)
        return lambda z: np.asarray(row.value(_floating(z)))

    @staticmethod
    def getDerivitiveActivationFunction(name: Any) -> Callable[[Any], Array]:
        """The derivative σ' as a function of z alone. Raises ValueError for softmax, whose derivative is a matrix."""
        row = activation(name)
        if not row.elementwise:
            raise ParameterError(
                f"{row.name} has no elementwise derivative: use glassnet.tables.activations.{type(row).__name__}()"
                ".jacobian_product(a, v)."
            )

        def derivative(z: Any) -> Array:
            z = _floating(z)
            return np.asarray(np.ones_like(z) * row.derivative(z, row.value(z)))

        return derivative

    # Using a network --------------------------------------------------------------------------------------------------

    def predict(self, x: Any) -> Array:
        """The last a (fan_out, batch) for x (fan_in, batch), by the rows of inference."""
        return self._inference.predict(x)

    def cost(self, x: Any, y: Any, sample_weight: Any = None, *, override: Mapping[str, float] | None = None) -> float:
        """C: the (weighted) mean over the samples of the cost, plus the penalty.

        `override` sets numbers first, {"w1[2,0]": 0.3}: any w, b, z, a or x by layer (from 1) and index (from 0,
        samples are columns). The rows run up to the one that writes it, it is set, and the rest run; see `nudge`.
        """
        if override is not None:
            return cost_with(self, (x, y, sample_weight), override)
        rows = input_rows(x, self.architecture.inputs, self.dtype)
        return self._inference.cost(rows, self._targets(y, len(rows)), weight_vector(sample_weight, len(rows)))

    @property
    def program(self) -> Program:
        """One training step as a table of equations; print it."""
        return build(self.architecture, Step(SGD()))

    def astype(self, dtype: Any) -> NeuralNetwork:
        """A copy of the network that computes in another dtype."""
        other = object.__new__(NeuralNetwork)
        state = self.__getstate__() | {"dtype": real_dtype(dtype)}
        other.__setstate__(state)
        return other

    def save(self, path: Any, *, extra: dict[str, Any] | None = None) -> None:
        """Write the network to a model file (safetensors; no pickle). `extra` is plain data kept beside it."""
        from glassnet.files.model_file import save

        save(self, path, extra)

    @classmethod
    def load(cls, path: Any, *, engine: str = "compiled") -> NeuralNetwork:
        """Read a network from a model file. Raises ModelFileError (a ValueError) where that cannot be trusted."""
        from glassnet.files.model_file import load

        return load(path, engine)

    def describe(self) -> dict[str, Any]:
        """Everything but the numbers, as plain data: layers, activations, cost, penalty, dtype, seed."""
        from glassnet.files.model_file import describe_network

        return describe_network(self)

    def _targets(self, y: Any, batch: int) -> Array:
        return target_rows(y, self.architecture.cost, self.architecture.groups, batch, self.dtype)

    def __repr__(self) -> str:
        from glassnet.see.notebook import network_text

        return network_text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the network as text, and its table of equations as static HTML."""
        from glassnet.see.notebook import network_html

        return {"text/plain": repr(self), "text/html": network_html(self)}

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in NOT_KEPT}
        for name in ("parameters", "statistics"):
            state[name] = state[name].vector.copy()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vectors = {name: state.pop(name) for name in ("parameters", "statistics")}
        vars(self).update(state)
        for (name, vector), found in zip(vectors.items(), segments(self.architecture), strict=True):
            setattr(self, name, Parameters(found, self.dtype))
            getattr(self, name).vector[:] = vector
        self._prepare()


def _floating(z: Any) -> Array:
    """z as an array of floats."""
    array = numeric("z", z)
    return array if array.dtype.kind == "f" else array.astype(np.float64)

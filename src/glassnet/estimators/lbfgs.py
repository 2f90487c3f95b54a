"""SciPy's L-BFGS-B on the whole data set; the program computes cost and gradient, summed over blocks of samples.

A pass over the data is a run of steps whose optimiser only sums the gradient, each block weighted by its share of Σw.
So X is read in place, and activations of one block at a time are in memory.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.optimize import _check_optimize_result

from glassnet.batches.mini_batches import StepRange, batch_weights, epoch_batches
from glassnet.batches.sources import Sources
from glassnet.errors import DivergedError, ParameterError
from glassnet.estimators.callbacks import SklearnCallbacks
from glassnet.estimators.fit_warnings import diverged
from glassnet.execution.model import Model
from glassnet.network import NeuralNetwork
from glassnet.program.lowering import step_lowerings
from glassnet.program.updates import StepOptions
from glassnet.tables.entry import Value
from glassnet.tables.optimizers import Optimizer, Scalars
from glassnet.training.layer_monitor import recent_samples
from glassnet.training.step_scalars import StepInputs, step_scalars

Array = np.ndarray[Any, Any]
BLOCK_SAMPLES = 512  # so few samples that their activations stay in the processor's cache


@dataclass(frozen=True)
class GradientSum(Optimizer):
    """total ← total + share·g; the weights do not change. `lr` is the share."""

    name = "sum"
    source = "∇C of all samples = Σ share · ∇C of each block"
    states = ("total",)

    def scalars(self, t: Any, lr: Any, decays: float = 1.0) -> Scalars:
        """The share of each block."""
        return {"share": np.asarray(lr, np.float64)}

    def update(self, w: Value, g: Value, *states: Value, **scalars: Value) -> tuple[Value, ...]:
        """Add the gradient of a block."""
        return w, states[0] + scalars["share"] * g


class WholeCost:
    """C and its gradient over all samples, as functions of the flat vector of parameters, in float64."""

    def __init__(self, model: Model, sources: Sources, threads: int | None) -> None:
        samples = sources.x.shape[0]
        options = StepOptions(GradientSum(), weighted=sources.weights is not None, labels=sources.y.ndim == 1)
        lowerings = step_lowerings(model.architecture, options)
        self.executor = model.step_executor(lowerings, min(BLOCK_SAMPLES, samples), sources)
        self.executor.threads = threads
        order, batches = np.arange(samples), epoch_batches(samples, BLOCK_SAMPLES)
        weights = batch_weights(sources.weights, order, batches)
        batches, weights = batches[weights > 0], weights[weights > 0]
        total = weights.sum()
        self.shares = weights / total
        inputs = StepInputs(np.arange(len(batches)), self.shares, batches[:, 1], weights, penalty_divisors=total)
        scalars = step_scalars(lowerings.plain, model.architecture, inputs, np.float64)
        self.steps = StepRange(order, batches, scalars, 0)

    def __call__(self, vector: Array) -> tuple[float, Array]:
        """C and ∂C/∂vector; both may be infinite or NaN."""
        total = self.executor.vectors.states[0].vector
        self.executor.vectors.parameters.vector[:], total[:] = vector, 0
        costs, done = np.zeros(len(self.shares)), 0
        while done < len(costs):
            part = self.steps._replace(batches=self.steps.batches[done:], scalars=self.steps.scalars[done:])
            done += self.executor.steps(part, costs[done:])
        with np.errstate(over="ignore", invalid="ignore"):
            return float(costs @ self.shares), total.copy()


class IterationCallback:
    """SciPy calls it after each iteration: it prints the loss if verbose, runs callbacks and keeps the time limit."""

    def __init__(self, estimator: Any, network: NeuralNetwork, callbacks: SklearnCallbacks) -> None:
        self.estimator, self.network, self.callbacks = estimator, network, callbacks
        self.iteration, self.started = 0, time.perf_counter()
        callbacks.begin_epoch()

    def __call__(self, intermediate_result: Any) -> None:
        """Raise StopIteration to end the fit. SciPy looks for an argument of exactly this name."""
        self.iteration += 1
        if self.estimator.verbose:
            print(f"Iteration {self.iteration}, loss = {intermediate_result.fun:.8f}")
        self.network.parameters.vector[:] = intermediate_result.x
        limit = self.estimator.time_limit
        if self.callbacks.end_epoch() or (limit is not None and time.perf_counter() - self.started > limit):
            raise StopIteration
        self.callbacks.begin_epoch()


def fit_lbfgs(estimator: Any, network: NeuralNetwork, sources: Sources, callbacks: SklearnCallbacks) -> str:
    """Fit `estimator` by L-BFGS-B, in float64; the weights are then rounded to the network's dtype.

    Returns scikit-learn's message if it did not converge, for the caller to warn with, else an empty string.
    """
    if estimator.dropout or estimator.batch_norm:
        name = "dropout" if estimator.dropout else "batch_norm"
        raise ParameterError(f"solver='lbfgs' needs a deterministic cost: use {name} with 'sgd' or 'adam'.")
    double = network if network.dtype == np.float64 else network.astype(np.float64)
    cost = WholeCost(double.model, sources, estimator.threads)
    result = minimize(
        cost,
        double.parameters.vector.copy(),
        method="L-BFGS-B",
        jac=True,
        callback=IterationCallback(estimator, network, callbacks),
        options={"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol},
    )
    callbacks.end_epoch()  # of the iteration that was begun but not finished
    if not np.isfinite(result.x).all() or not np.isfinite(result.fun):
        raise diverged(DivergedError(f"L-BFGS ended at a cost of {result.fun}; scale the columns of X."))
    estimator.loss_ = float(result.fun)
    network.parameters.vector[:] = result.x
    network.history, network.recent_samples = None, recent_samples(sources)
    estimator.n_iter_ = min(result.nit, estimator.max_iter)
    return convergence_message(result, estimator.max_iter) if result.status else ""


def convergence_message(result: Any, max_iter: int) -> str:
    """scikit-learn's warning about a search that has not converged."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _check_optimize_result("lbfgs", result, max_iter)
    return next((str(one.message) for one in caught if one.category is ConvergenceWarning), "")

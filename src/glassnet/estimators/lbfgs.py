"""SciPy's L-BFGS-B on the whole data set: cost and gradient come off the program, summed over blocks of samples.

A pass over the data is a run of steps whose optimiser only adds up the gradient, each batch by its share of Σw. So X
is read in place, and no activation of more than one block is kept.
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

from glassnet.batches.mini_batches import batch_weights, epoch_batches
from glassnet.batches.sparse import SliceBySlice, is_sparse
from glassnet.errors import DivergedError, ParameterError
from glassnet.estimators.fit_warnings import diverged
from glassnet.estimators.callbacks import Hooks
from glassnet.execution.executor import Executor, executor
from glassnet.execution.reference import Schedule, Sources
from glassnet.network import NeuralNetwork
from glassnet.program.buffers import vectors
from glassnet.program.builder import Step, build
from glassnet.program.lowering import fused
from glassnet.tables.optimizers import Optimizer, Scalars
from glassnet.tables.rows import Value
from glassnet.training.layer_monitor import kept

Array = np.ndarray[Any, Any]
BLOCK = 512  # samples whose activations stay in cache


@dataclass(frozen=True)
class Sum(Optimizer):
    """total ← total + share·g; the weights stay. `lr` is the share."""

    name = "sum"
    source = "∇C of all samples = Σ share · ∇C of each block"
    states = ("total",)

    def scalars(self, t: Any, lr: Any, decays: float = 1.0) -> Scalars:
        """The share of each step."""
        return {"share": np.asarray(lr, np.float64)}

    def update(self, w: Value, g: Value, *states: Value, **scalars: Value) -> tuple[Value, ...]:
        """Add a block's part."""
        return w, states[0] + scalars["share"] * g


class WholeCost:
    """C and its gradient over all samples, as functions of the flat vector of parameters, in float64."""

    def __init__(self, network: NeuralNetwork, sources: Sources, threads: int | None) -> None:
        self.network, samples = network, sources.x.shape[0]
        step = Step(Sum(), weighted=sources.weights is not None, labels=sources.y.ndim == 1)
        self.program = build(network.architecture, step)
        self.vectors = vectors(self.program, network.parameters, network.statistics)
        running = self.program if network.engine == "numpy" else fused(self.program)
        self.executor: Executor = executor(network.engine, running, self.vectors, min(BLOCK, samples), network.seed)
        if is_sparse(sources.x):
            self.executor = SliceBySlice(self.executor, sources)
        self.executor.bind(sources)
        self.executor.threads = threads
        order, batches = np.arange(samples), epoch_batches(samples, BLOCK)
        weights = batch_weights(sources.weights, order, batches)
        batches, weights = batches[weights > 0], weights[weights > 0]
        self.shares = weights / weights.sum()
        self.schedule = Schedule(order, batches, self._scalars(batches, weights), 0)

    def _scalars(self, batches: Array, weights: Array) -> Array:
        """The step scalars of every block; the penalty is divided by Σw of all samples."""
        architecture, total = self.network.architecture, weights.sum()
        found = {"l1": architecture.l1 / total, "l2": architecture.l2 / total, "weight factor": batches[:, 1] / weights}
        found["share 0"] = self.shares
        table = np.empty((len(batches), len(self.program.scalars)))
        for column, name in enumerate(self.program.scalars):
            table[:, column] = found[name]
        return table

    def __call__(self, vector: Array) -> tuple[float, Array]:
        """C and ∂C/∂vector; both may be infinite or NaN."""
        self.vectors.parameters.vector[:] = vector
        total = self.vectors.states[0].vector
        total[:] = 0
        costs = np.zeros(len(self.shares))
        done = 0
        while done < len(costs):
            schedule = self.schedule
            part = schedule._replace(batches=schedule.batches[done:], scalars=schedule.scalars[done:])
            done += self.executor.steps(part, costs[done:])
        with np.errstate(over="ignore", invalid="ignore"):
            return float(costs @ self.shares), total.copy()


class Watch:
    """What is done after each iteration: a line where one is wanted, callbacks, the time limit."""

    def __init__(self, model: Any, network: NeuralNetwork, hooks: Hooks) -> None:
        self.model, self.network, self.hooks = model, network, hooks
        self.iteration, self.started = 0, time.perf_counter()
        hooks.begin_epoch()

    def __call__(self, intermediate_result: Any) -> None:
        """Called by SciPy; StopIteration ends the fit."""
        self.iteration += 1
        if self.model.verbose:
            print(f"Iteration {self.iteration}, loss = {intermediate_result.fun:.8f}")
        self.network.parameters.vector[:] = intermediate_result.x
        limit = self.model.time_limit
        if self.hooks.end_epoch() or (limit is not None and time.perf_counter() - self.started > limit):
            raise StopIteration
        self.hooks.begin_epoch()

    def end(self) -> None:
        """The iteration that was begun and not finished."""
        self.hooks.end_epoch()


def fit_lbfgs(model: Any, network: NeuralNetwork, sources: Sources, hooks: Hooks) -> str:
    """Fit `model` by L-BFGS-B; the work is done in float64 and the weights follow the network's dtype.

    Returns scikit-learn's words where it has not converged, which are to be said, or an empty string.
    """
    if model.dropout or model.batch_norm:
        what = "dropout" if model.dropout else "batch_norm"
        raise ParameterError(f"solver='lbfgs' needs a cost without chance: {what} is for 'sgd' and 'adam'.")
    wide = network if network.dtype == np.float64 else network.astype(np.float64)
    cost = WholeCost(wide, sources, model.threads)
    watch = Watch(model, network, hooks)
    result = minimize(
        cost,
        wide.parameters.vector.copy(),
        method="L-BFGS-B",
        jac=True,
        callback=watch,
        options={"maxfun": model.max_fun, "maxiter": model.max_iter, "gtol": model.tol},
    )
    watch.end()
    if not np.isfinite(result.x).all() or not np.isfinite(result.fun):
        raise diverged(DivergedError(f"L-BFGS ended at a cost of {result.fun}; scale the columns of X."))
    model.loss_ = float(result.fun)
    network.parameters.vector[:] = result.x
    network.history, network.seen = None, kept(sources)
    model.n_iter_ = min(result.nit, model.max_iter)
    return unfinished(result, model.max_iter) if result.status else ""


def unfinished(result: Any, max_iter: int) -> str:
    """What scikit-learn says of a search that has not converged."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        _check_optimize_result("lbfgs", result, max_iter)
    return next((str(one.message) for one in said if one.category is ConvergenceWarning), "")

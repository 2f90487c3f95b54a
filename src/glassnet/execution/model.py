"""The state of a network: what training changes, a model file stores, and inference reads.

An architecture says which equations there are, one flat vector holds the parameters, a second one the running
statistics. Only `Model.executor` brings a program, its vectors and an executor together.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.sparse import is_sparse
from glassnet.batches.streamed_sources import StreamedSources
from glassnet.errors import ParameterError
from glassnet.execution.executor import Executor, StepExecutor, choose_executor
from glassnet.execution.sparse_executor import SparseExecutor
from glassnet.execution.step_lock import StepLock
from glassnet.execution.streamed_executor import StreamedExecutor
from glassnet.program.architecture import Architecture
from glassnet.program.buffers import Vectors, new_vectors
from glassnet.program.layer_positions import segments
from glassnet.program.lowering import Lowerings
from glassnet.program.parameters import Parameters
from glassnet.program.precision import MIXED
from glassnet.program.program import Program
from glassnet.tables.initializers import Initializer, initializer_for
from glassnet.tables.layer import Draw

UNCOPIED = ("thread_local", "idle_predictors", "lock")


class Model:
    """Architecture, parameters, running statistics, dtype, seed and engine of a network.

    `thread_local` holds the executors of each calling thread, and `idle_predictors` those that no thread uses, by
    precision (inference.py); no copy has them. A run changes the vectors under `lock`, so that a copy or a file has
    those of one step.
    """

    def __init__(
        self, architecture: Architecture, initializer: Initializer, dtype: Any, seed: int, engine: str
    ) -> None:
        self._describe(architecture, initializer, dtype, seed, engine)
        try:
            self._allocate()
            self.initialize()
        except MemoryError as error:
            raise ParameterError(f"there is not enough memory for this network ({error}); make it smaller.") from error

    @classmethod
    def zeros(cls, architecture: Architecture, initializer: Initializer, dtype: Any, seed: int, engine: str) -> Model:
        """The same with zeros in both vectors, for the reader of a file: drawing weights takes memory and time."""
        model = object.__new__(cls)
        model._describe(architecture, initializer, dtype, seed, engine)
        model._allocate()
        return model

    def _describe(
        self, architecture: Architecture, initializer: Initializer, dtype: Any, seed: int, engine: str
    ) -> None:
        self.architecture, self.initializer = architecture, initializer
        self.dtype, self.seed, self.engine = np.dtype(dtype), seed, engine

    def _allocate(self) -> None:
        """Vectors of zeros for the parameters and the running statistics."""
        parameters, statistics = segments(self.architecture)
        self.parameters, self.statistics = Parameters(parameters, self.dtype), Parameters(statistics, self.dtype)
        self.thread_local, self.sample_shape = threading.local(), (self.architecture.inputs, 1)
        self.idle_predictors: dict[str | None, list[Any]] = {}
        self.lock = StepLock()

    def initialize(self) -> None:
        """Draw the weights from the seed; biases, layers' parameters and running statistics get their first values."""
        rng = np.random.default_rng(self.seed)
        for vector in (self.parameters, self.statistics):
            for segment in vector.segments.values():
                if isinstance(segment.initial, Draw):
                    vector.rows(segment.name)[...] = segment.initial.values(rng, segment.shape)
                elif segment.initial is not None:
                    vector.rows(segment.name)[...] = segment.initial
                else:
                    entry = initializer_for(self.initializer, self.architecture.dense[segment.layer - 1].activation)
                    vector[segment.name] = entry.draw(rng, *segment.shape)

    def executor(
        self, program: Program, capacity: int, *, vectors: Vectors | None = None, engine: str | None = None
    ) -> Executor:
        """An executor of `program` on this model's parameters and statistics, for batches of up to `capacity` samples.

        Pass the `vectors` of another executor of this model to share its gradients and optimiser states; otherwise
        they are new and 0. The step scalars of the penalty are set.
        """
        if vectors is None:
            vectors = new_vectors(program, self.parameters, self.statistics)
        result = choose_executor(engine or self.engine, program, vectors, capacity, self.seed)
        result.scalars = {"l1": self.architecture.l1, "l2": self.architecture.l2}
        return result

    def step_executor(self, lowerings: Lowerings, capacity: int, sources: Sources | StreamedSources) -> StepExecutor:
        """What runs the steps of a run on `sources`, which may lie in a file, or have a sparse x."""
        executor = self.executor(lowerings.for_engine(self.engine), capacity)
        result: StepExecutor = executor
        if isinstance(sources, StreamedSources):
            result = StreamedExecutor(executor, sources)
        elif is_sparse(sources.x):
            result = SparseExecutor(executor, sources)
        result.bind(sources)
        return result

    def astype(self, dtype: Any, precision: str | None = None) -> Model:
        """A copy that computes in another dtype, its products in its own precision if it still has that dtype.

        Another `precision` is given as `checked_precision` returns it, or as the name of the dtype.
        """
        dtype = np.dtype(dtype)
        own = self.architecture.precision if dtype == self.dtype and precision is None else None
        described = self.architecture._replace(precision=precision if precision == MIXED else own)
        other = object.__new__(Model)
        other.__setstate__(self.__getstate__() | {"dtype": dtype, "architecture": described})
        return other

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in UNCOPIED}
        with self.lock.between_steps():
            return state | {name: state[name].vector.copy() for name in ("parameters", "statistics")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        parameters, statistics = state.pop("parameters"), state.pop("statistics")
        vars(self).update(state)
        self._allocate()
        self.parameters.vector[:], self.statistics.vector[:] = parameters, statistics

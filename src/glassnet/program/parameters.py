"""One flat vector holds every parameter of a network, and it never moves in memory.

Weights, biases and the parameters of layers are segments of it; a person reads and writes views of these segments.
Gradients and the states of an optimiser are vectors of the same layout.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.array_likes import short_repr, to_array
from glassnet.errors import DataError, ParameterError, ParameterTypeError, counted
from glassnet.tables.layer import Draw

Array = np.ndarray[Any, np.dtype[Any]]
ALIGNMENT = 64  # bytes: one cache line, one AVX-512 vector
PADDING = 64  # elements: every segment starts and ends at a multiple of it


class Segment(NamedTuple):
    """A named part of the flat vector; `shape` is (fan_in, fan_out) for weights.

    Biases and most parameters of layers have the shape (width,), those of embeddings (rows, columns) too.
    """

    name: str
    shape: tuple[int, ...]
    layer: int
    initial: float | tuple[float, ...] | Draw | None  # None: drawn by the initialiser, as weights are

    @property
    def is_weight(self) -> bool:
        """Weights carry the penalty and the decay; biases and the parameters of layers do not."""
        return self.initial is None

    @property
    def size(self) -> int:
        """Number of parameters."""
        return math.prod(self.shape)


def padded(size: int) -> int:
    """`size` rounded up to a whole number of padding blocks."""
    return -(-size // PADDING) * PADDING


def aligned_zeros(size: int, dtype: Any) -> Array:
    """A vector of `size` zeros that starts at a cache line."""
    dtype = np.dtype(dtype)
    memory = np.zeros(size * dtype.itemsize + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size * dtype.itemsize].view(dtype)


def check_size(count: int, dtype: Any) -> None:
    """Raise ParameterError where this machine cannot hold so many parameters."""
    needed, memory = count * np.dtype(dtype).itemsize, machine_memory()
    if needed > memory:
        number = f"{count:,}" if count < 10**15 else "over 10^15"
        sizes = f"{size_text(needed)} in {np.dtype(dtype)}, and this machine has {size_text(memory)} of memory"
        raise ParameterError(f"the network would have {number} parameters, {sizes}; make its layers smaller.")


def machine_memory() -> int:
    """The bytes of main memory; the largest address where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return int(np.iinfo(np.intp).max)


def size_text(size: int) -> str:
    """A number of bytes in GB, as a sentence shows it."""
    return f"{size / 1e9:,.3g} GB" if size < 10**15 else "over 10^6 GB"


class Parameters(Mapping[str, Array]):
    """The flat vector with its segments; `parameters["w1"]` is a view (fan_out, fan_in), biases are columns.

    Assigning to a segment or to `vector` copies in, because executors keep the vector's address. Raises ParameterError
    where the shape or a value does not fit.
    """

    def __init__(self, segments: Sequence[Segment], dtype: Any) -> None:
        self.segments = {segment.name: segment for segment in segments}
        self.offsets: dict[str, int] = {}
        size = 0
        for segment in segments:
            self.offsets[segment.name] = size
            size += padded(segment.size)
        check_size(size, np.dtype(dtype))
        self._vector = aligned_zeros(size, dtype)

    @property
    def vector(self) -> Array:
        """The whole vector with its padding, which is 0."""
        return self._vector

    @vector.setter
    def vector(self, value: Any) -> None:
        self._vector[:] = converted("vector", value, self._vector)
        for name, segment in self.segments.items():
            end = self.offsets[name] + segment.size
            self._vector[end : end + padded(segment.size) - segment.size] = 0

    def like(self, dtype: Any = None) -> Parameters:
        """A new vector of zeros with the same segments: for gradients, optimiser states, another dtype."""
        return Parameters(tuple(self.segments.values()), dtype or self.vector.dtype)

    def rows(self, name: str) -> Array:
        """The segment as the engine sees it: weights (fan_in, fan_out), biases (width,)."""
        segment, offset = self.segments[name], self.offsets[name]
        return self.vector[offset : offset + segment.size].reshape(segment.shape)

    def __getitem__(self, name: str) -> Array:
        rows = self.rows(name)
        return rows.T if rows.ndim == 2 else rows[:, np.newaxis]

    def __setitem__(self, name: str, value: Any) -> None:
        target = self[name]
        target[...] = converted(name, value, target)

    def __iter__(self) -> Iterator[str]:
        return iter(self.segments)

    def __len__(self) -> int:
        return len(self.segments)

    @property
    def count(self) -> int:
        """Number of parameters, padding left out."""
        return sum(segment.size for segment in self.segments.values())

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {self[name].shape}" for name in self)
        return f"Parameters({shapes})"


def converted(name: str, value: Any, target: Array, order: str = "fan_out first") -> Array:
    """`value` as an array that fits `target`; ParameterError, with the name, where it does not.

    `order` says what the first axis of weights is.
    """
    try:
        array = to_array(name, value)
    except DataError as error:
        raise ParameterError(f"{str(error).removesuffix('.')}; its shape is {target.shape}.") from None
    if array.shape != target.shape:
        axes = f" ({order})" if target.ndim == 2 else ""
        raise ParameterError(f"{name} has shape {target.shape}{axes}, but was given {array.shape}.")
    if array.dtype.kind not in "buif":
        raise ParameterError(f"{name} needs real numbers, but was given {array.dtype}.")
    with np.errstate(over="ignore"):
        converted = array.astype(target.dtype)
    if not np.isfinite(converted).all():
        raise ParameterError(f"{name} was given a number that is not finite in {target.dtype}.")
    return converted


class ParameterList(Sequence[Array]):
    """`net.weights` or `net.biases`: item l is a view of the flat vector, and assigning to it copies in."""

    def __init__(self, parameters: Parameters, names: Sequence[str]) -> None:
        self._parameters, self._names = parameters, tuple(names)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._parameters[name] for name in self._names[index]]
        return self._parameters[self._names[index]]

    def __setitem__(self, index: int, value: Any) -> None:
        if isinstance(index, slice):
            raise ParameterError("assign one array at a time, weights[0] = ..., or all of them, net.weights = [...].")
        self._parameters[self._names[index]] = value

    def assign(self, values: Any, name: str) -> None:
        """Copy in one array per item: all of them, or none where one is refused; `name` names them in errors."""
        if isinstance(values, str) or not isinstance(values, (Sequence, np.ndarray)):
            raise ParameterTypeError(f"{name} must be a list of {len(self)} arrays, not {short_repr(values)}.")
        if len(values) != len(self):
            raise ParameterError(
                f"{name} has {counted(len(values), 'array')}, but the network has {counted(len(self), 'dense layer')}."
            )
        before = [array.copy() for array in self]
        try:
            for index, value in enumerate(values):
                self[index] = value
        except ParameterError:
            for index, value in enumerate(before):
                self[index] = value
            raise

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"[{', '.join(f'{name} {self._parameters[name].shape}' for name in self._names)}]"

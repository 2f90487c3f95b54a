"""Where a weight or a bias is kept: an attribute, an entry of a dict or list, or an array that is changed in place."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.candidates.candidate_error import CandidateError
from glassnet.check.mistakes.fault import listed
from glassnet.errors import ParameterError, ParameterTypeError, suggestion
from glassnet.program.parameters import Array

FORM = '(owner, "W1", "b1"): an object, dict or list, and the names of its weight and bias (None for no bias)'


class ArrayReference(NamedTuple):
    """A value that is reached from an object over names and indices; the object itself where there are none."""

    root: Any
    path: tuple[Any, ...]
    label: str  # how messages name it

    def get(self) -> Any:
        """The value that is there now."""
        value = self.root
        for name in self.path:
            value = _item(value, name)
        return value

    @property
    def exists(self) -> bool:
        """Whether there is such a name."""
        try:
            self.get()
        except (AttributeError, KeyError, IndexError, TypeError):
            return False
        return True

    def check(self) -> None:
        """Raise ParameterError where there is no such name, or no array under it yet."""
        if (problem := self._problem()) is not None:
            raise ParameterError(f"{problem}.")

    def _problem(self) -> str | None:
        """What is wrong with the name; None where there is an array."""
        if not self.exists:
            known = _names_of(self.root)
            closest = suggestion(self.path[0], known).rstrip(" ?").replace("Did", "did")
            names = f"the {type(self.root).__name__} has {', '.join(known[:12]) or 'no names'}"
            return f"{self.label} is not there: {names}{'; ' + closest if closest else ''}"
        return f"{self.label} is None; make its array first, so that its shape is known" if self.get() is None else None

    def read(self) -> Array:
        """The numbers that are there now, as a copy. Raises CandidateError where there are none."""
        if (problem := self._problem()) is not None:
            raise CandidateError(problem)
        return np.array(self.get())

    def write(self, numbers: Array) -> None:
        """Set the numbers, in place where that is possible, so that whoever else holds the array sees them too."""
        value = self.get()
        numbers = numbers.reshape(np.shape(value)) if numbers.size == np.size(value) else numbers
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.shape == numbers.shape:
            value[...] = numbers
            with contextlib.suppress(AttributeError, TypeError):  # a tuple, or a property without a setter
                self.put(value)
        elif isinstance(value, list):
            value[:] = numbers.tolist()
        elif self.path:
            self.put(numbers if np.ndim(value) else float(numbers.ravel()[0]))
        else:
            raise CandidateError(f"{self.label} contains integers, which cut off fractions; make it an array of floats")

    def put(self, value: Any) -> None:
        """Let the last name stand for this object."""
        if not self.path:
            return
        owner, name = self._replace(path=self.path[:-1]).get(), self.path[-1]
        if isinstance(name, str) and not isinstance(owner, Mapping):
            setattr(owner, name, value)
        else:
            owner[name] = value


class LayerReferences(NamedTuple):
    """Where the weight and the bias of one layer are; no bias where there is none."""

    weight: ArrayReference
    bias: ArrayReference | None


def _item(owner: Any, name: Any) -> Any:
    """An entry of a dict, list or array, or an attribute."""
    if isinstance(owner, Mapping) or (isinstance(name, (int, np.integer)) and not isinstance(owner, Mapping)):
        return owner[name]
    return getattr(owner, name)


def declared_references(parameters: Any, argument: str = "parameters", *, exist: bool = True) -> list[LayerReferences]:
    """The places that a person lists, one entry per layer. Raises ParameterError where one that must exist does not."""
    if not isinstance(parameters, Sequence) or isinstance(parameters, str) or not parameters:
        raise ParameterTypeError(f"{argument} must be a list with one entry per layer, {FORM}, not {parameters!r:.80}.")
    references = [_declared(entry, f"{argument}[{number}]") for number, entry in enumerate(parameters)]
    for reference in each(references) if exist else ():
        reference.check()
    return references


def _declared(entry: Any, where: str) -> LayerReferences:
    """The places of one entry: (owner, weight, bias), (owner, weight), or arrays (W, b)."""
    if isinstance(entry, (tuple, list)) and entry and isinstance(entry[0], np.ndarray) and len(entry) <= 2:
        arrays = [
            None if part is None else ArrayReference(part, (), f"{where}, {name}")
            for part, name in zip(entry, "Wb", strict=False)
        ]
        if arrays[0] is not None:
            return LayerReferences(arrays[0], arrays[1] if len(arrays) == 2 else None)
    if not isinstance(entry, (tuple, list)) or len(entry) not in (2, 3):
        raise ParameterTypeError(f"{where} must be {FORM}, not {entry!r:.80}.")
    owner, weight, bias = (*entry, None)[:3]
    return LayerReferences(_named(owner, weight, where), None if bias is None else _named(owner, bias, where))


def _named(owner: Any, name: Any, where: str) -> ArrayReference:
    """The place of a name in an object, dict or list; a dotted name goes into what it leads to."""
    whole = ArrayReference(owner, (name,), f"{where}, {name!r}")
    if isinstance(name, str) and "." in name and not whole.exists:
        return whole._replace(path=tuple(int(part) if part.isdigit() else part for part in name.split(".")))
    return whole


def _names_of(owner: Any) -> list[str]:
    """The names under which an owner has something."""
    if isinstance(owner, Mapping):
        return [str(name) for name in owner]
    if isinstance(owner, (list, tuple)):
        return [str(index) for index in range(len(owner))]
    own = getattr(owner, "__dict__", {})
    return [name for name in own if not name.startswith("__")]


def each(layers: Iterable[LayerReferences]) -> list[ArrayReference]:
    """All places, weights first."""
    layers = list(layers)
    return [layer.weight for layer in layers] + [layer.bias for layer in layers if layer.bias is not None]


def in_ranges(labels: Sequence[str]) -> str:
    """Labels as people list them: W[0] to W[3], b1 and b2."""
    parts: dict[tuple[str, str], list[str]] = {}
    for label in labels:
        match = re.fullmatch(r"(.*?)(\d+)(\D*)", label)
        parts.setdefault((match[1], match[3]) if match else (label, ""), []).append(label)
    return listed([text for names in parts.values() for text in (names if len(names) < 3 else [_range(names)])])


def _range(names: list[str]) -> str:
    return f"{names[0]} to {names[-1]}"


@contextlib.contextmanager
def restored(layers: list[LayerReferences]) -> Iterator[None]:
    """Put the numbers back at the end, in the arrays that were there."""
    before = [(reference, reference.get(), deepcopy(reference.get())) for reference in each(layers)]
    try:
        yield
    finally:
        for reference, value, copy in before:
            if isinstance(value, np.ndarray) and value.ndim:
                value[...] = copy
            elif isinstance(value, list):
                value[:] = copy
            with contextlib.suppress(AttributeError, TypeError):
                reference.put(value)

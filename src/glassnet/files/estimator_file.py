"""A fitted estimator as a file: its class by name, its parameters, its fitted attributes, and its networks.

One file holds any number of networks ("members"); the tensors of the first begin with "member1.". What an estimator
stores beyond that, such as the preparation of a table, is a part of the document of its own.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from glassnet.errors import ModelFileError
from glassnet.files.atomic_file import FilePath
from glassnet.files.header import MAX_TENSORS
from glassnet.files.model_file import ESTIMATOR, SavedModel, model_parts, saved_model
from glassnet.files.schema import anything, each, fields, mapping, text
from glassnet.files.storage import read_tensors, write_tensors
from glassnet.files.typed_values import NotStorable, ValueReader, ValueWriter
from glassnet.program.parameters import Array

VALUES = "estimator."  # begins the names of the tensors of parameters and attributes
MEMBERS = "members"
MAX_MEMBERS = MAX_TENSORS // 2  # each has weights and biases
SCHEMA = fields(
    {
        ESTIMATOR: fields({"class": text(), "parameters": mapping(anything), "attributes": mapping(anything)}),
        MEMBERS: each(mapping(anything), MAX_MEMBERS),
    },
    others=anything,
)
DAMAGE = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError)


class EstimatorParts(NamedTuple):
    """What a file holds of an estimator: the name of its class, and parameters and attributes by name."""

    kind: str
    parameters: dict[str, Any]
    attributes: dict[str, Any]


class SavedEstimator(NamedTuple):
    """An estimator's file, read: its parts, its networks, and the whole document with its tensors."""

    path: FilePath
    parts: EstimatorParts
    members: list[SavedModel]
    document: dict[str, Any]
    tensors: dict[str, Array]


def write_estimator(
    path: FilePath,
    parts: EstimatorParts,
    networks: Iterable[Any],
    more: tuple[Mapping[str, Any], Mapping[str, Array]] = ({}, {}),
    required: Iterable[str] = (),
) -> None:
    """Write an estimator, its networks, and `more`: further parts of the document, and tensors by name.

    Values that a file cannot hold are left out, with one warning that names them; ModelFileError is raised where they
    are `required` attributes.
    """
    writer, left_out = ValueWriter(VALUES), dict[str, str]()
    parameters = _plain(writer, parts.parameters, left_out)
    attributes = _plain(writer, parts.attributes, left_out)
    if lost := left_out.keys() & set(required):
        name = min(lost)
        raise ModelFileError(f"{path} cannot hold {name} of this {parts.kind}: it is or has {left_out[name]}.")
    document = {ESTIMATOR: {"class": parts.kind, "parameters": parameters, "attributes": attributes}}
    members, tensors = [], dict(writer.tensors)
    with contextlib.ExitStack() as locks:
        for number, network in enumerate(networks, 1):
            locks.enter_context(network.model.lock.between_steps())
            member, arrays = model_parts(network.model, network.runs, network.history)
            members.append(member)
            tensors |= {f"member{number}.{name}": array for name, array in arrays.items()}
        write_tensors(path, tensors | dict(more[1]), document | {MEMBERS: members} | dict(more[0]))
    _warn(path, left_out, parts)


def _plain(writer: ValueWriter, values: Mapping[str, Any], left_out: dict[str, str]) -> dict[str, Any]:
    result = {}
    for name, value in sorted(values.items()):
        try:
            result[name] = writer.plain(value, name)
        except NotStorable as error:
            left_out[name] = str(error)
    return result


def _warn(path: FilePath, left_out: dict[str, str], parts: EstimatorParts) -> None:
    if left_out:
        listed = ", ".join(f"{name} ({what})" for name, what in left_out.items())
        named = [name for name in left_out if name in parts.parameters]
        advice = f"; after loading, call set_params({', '.join(f'{name}=...' for name in named)})" if named else ""
        warnings.warn(f"{path} is without {listed}, which no model file can hold{advice}.", stacklevel=4)


def read_estimator(path: FilePath) -> SavedEstimator:
    """Read an estimator's file. Raises ModelFileError (a ValueError) where it is damaged, too new, or another file."""
    return saved_estimator(path, *read_tensors(path))


def saved_estimator(path: FilePath, tensors: dict[str, Array], document: dict[str, Any]) -> SavedEstimator:
    """The same from the content of the file."""
    described = document.get(ESTIMATOR)
    if not isinstance(described, dict):
        raise ModelFileError(f"{path} holds no estimator; read it with glassnet.load.")
    undamaged(path, lambda: SCHEMA(document, ""))
    reader = ValueReader(tensors, VALUES)

    def parts() -> EstimatorParts:
        groups = [described["parameters"], described["attributes"]]
        values = [{name: reader.value(plain) for name, plain in group.items()} for group in groups]
        return EstimatorParts(described["class"], *values)

    own = _tensors_of_members(tensors)
    models = [
        saved_model(path, member, own.get(f"member{number}", {})) for number, member in enumerate(document[MEMBERS], 1)
    ]
    return SavedEstimator(path, undamaged(path, parts), models, document, tensors)


def _tensors_of_members(tensors: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """The tensors by the first part of their names, without it."""
    groups: dict[str, dict[str, Array]] = {}
    for name, tensor in tensors.items():
        group, _, rest = name.partition(".")
        groups.setdefault(group, {})[rest] = tensor
    return groups


def undamaged(path: FilePath, build: Callable[[], Any]) -> Any:
    """The result of `build`, with what it raises on impossible values as one ModelFileError."""
    try:
        return build()
    except DAMAGE as error:
        if isinstance(error, ModelFileError) and str(error).startswith(str(path)):
            raise
        text = str(error).removesuffix(".") or type(error).__name__
        reason = f"it lacks {text}" if isinstance(error, KeyError) else text
        raise ModelFileError(f"{path} is damaged ({reason[:200]}); save the model again.") from None

"""Finds the weights, biases and gradients in an object of a person's class by the usual names, or by their shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from glassnet.check.candidates.array_references import ArrayReference, LayerReferences
from glassnet.check.candidates.call_forms import role_of
from glassnet.check.candidates.return_forms import key_of

WEIGHT_NAMES = ("weights", "W", "w", "weight", "kernel", "Ws", "ws", "W_s", "thetas", "theta")
BIAS_NAMES = ("biases", "bias", "b", "B", "bs", "b_s")
GRADIENT_WORDS = ("d", "grad", "delta", "nabla", "g_", "v", "m_", "s_", "prev", "last", "cache", "velocity", "momentum")


def find_parameters(owner: Any, widths: list[int]) -> list[LayerReferences] | None:
    """The weights and biases of an object with layers of these widths; None where they cannot be told."""
    layers = len(widths) - 1
    for search in (_lists, _numbered, _layer_objects):
        references = search(owner, layers, gradients=False)
        if references is not None:
            return references
    return _by_shape(owner, widths)


def find_gradients(owner: Any, layers: int) -> list[LayerReferences] | None:
    """The gradients that an object keeps; None where there are none of the usual names."""
    for search in (_lists, _numbered, _layer_objects):
        references = search(owner, layers, gradients=True)
        if references is not None:
            return references
    return None


def attributes(owner: Any) -> dict[str, Any]:
    """The attributes of an object, and those of its slots."""
    own = dict(getattr(owner, "__dict__", {}))
    for kind in type(owner).__mro__:
        slots = getattr(kind, "__slots__", ())
        own |= {
            name: getattr(owner, name)
            for name in ([slots] if isinstance(slots, str) else slots)
            if hasattr(owner, name)
        }
    return own


def _matching(own: Mapping[str, Any], kind: str, gradients: bool) -> Iterator[str]:
    """The names, without a number, of weights ("w") or biases ("b"), or of their gradients."""
    names = WEIGHT_NAMES if kind == "w" else BIAS_NAMES
    if gradients:
        yield from (name for name in own if name not in names and key_of(name) == (kind, None))
    else:
        yield from (name for name in names if name in own)


def _lists(owner: Any, layers: int, *, gradients: bool) -> list[LayerReferences] | None:
    """Lists of one array per layer, which may begin with an empty entry for the input."""
    own = attributes(owner)
    by_kind: dict[str, list[ArrayReference]] = {}
    for kind in "wb":
        for name in _matching(own, kind, gradients):
            keys = _keys(own[name], layers)
            if keys is not None and kind not in by_kind:
                by_kind[kind] = [ArrayReference(owner, (name, key), f"{name}[{key!r}]") for key in keys]
    return _together(by_kind.get("w"), by_kind.get("b"))


def _keys(value: Any, layers: int) -> list[Any] | None:
    """The indices or keys of one array per layer in a list or dict; None where it contains something else."""
    if isinstance(value, Mapping):
        keys = [key for key in value if _is_array(value[key])]
    elif isinstance(value, list) or (isinstance(value, np.ndarray) and value.dtype == object):
        keys = [index for index, part in enumerate(value) if _is_array(part)]
    else:
        return None
    return keys if len(keys) == layers else None


def _is_array(value: Any) -> bool:
    """Whether it is an array of numbers, or nested lists of them."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiu" and value.size > 0
    try:
        return isinstance(value, list) and len(value) > 0 and np.asarray(value, float).ndim > 0
    except (TypeError, ValueError):
        return False


def _numbered(owner: Any, layers: int, *, gradients: bool) -> list[LayerReferences] | None:
    """W1, b1, W2, b2 ... as attributes, or in a dict that is one."""
    own = attributes(owner)
    for path, names in [((), own), *(((name,), value) for name, value in own.items() if isinstance(value, Mapping))]:
        is_gradient = bool(path) and str(path[0]).lower().startswith("grad")
        by_kind: dict[str, dict[int, ArrayReference]] = {"w": {}, "b": {}}
        for name, value in names.items():
            role = role_of(str(name), layers)
            key = key_of(name) if gradients else None
            if role is not None and role[1:].isdigit() and is_gradient == gradients:
                kind, number = role[0], int(role[1:])
            elif role is None and key is not None and key[1] is not None:
                kind, number = key[0], key[1]
            else:
                continue
            if _is_array(value):
                by_kind[kind][number] = ArrayReference(owner, (*path, name), str(name))
        lists = [[references[number] for number in sorted(references)] for references in by_kind.values()]
        if len(lists[0]) == layers and len(lists[1]) in (0, layers):
            return _together(*lists)
    return None


def _layer_objects(owner: Any, layers: int, *, gradients: bool) -> list[LayerReferences] | None:
    """A list of layers, each with its weights and biases; others, such as activations, stand between them."""
    for name, value in attributes(owner).items():
        if not isinstance(value, (list, tuple)):
            continue
        references = [
            LayerReferences(*pair)
            for pair in (_of_layer(owner, name, i, part, gradients) for i, part in enumerate(value))
            if pair
        ]
        if len(references) == layers:
            return references
    return None


def _of_layer(
    owner: Any, name: str, index: int, layer: Any, gradients: bool
) -> tuple[ArrayReference, ArrayReference | None] | None:
    """The places of one layer; None where it has no weights."""
    own = layer if isinstance(layer, dict) else attributes(layer)
    references: dict[str, ArrayReference] = {}
    for kind in "wb":
        for entry in _matching(own, kind, gradients):
            if _is_array(own[entry]) and kind not in references:
                references[kind] = ArrayReference(owner, (name, index, entry), f"{name}[{index}].{entry}")
    return (references["w"], references.get("b")) if "w" in references else None


def _together(
    weights: list[ArrayReference] | None, biases: list[ArrayReference] | None
) -> list[LayerReferences] | None:
    """One entry per layer; None without weights."""
    if not weights:
        return None
    return [LayerReferences(reference, biases[number] if biases else None) for number, reference in enumerate(weights)]


def _by_shape(owner: Any, widths: list[int]) -> list[LayerReferences] | None:
    """Arrays of other names, where exactly one fits each layer; a bias has a b in its name."""
    own = {name: np.shape(value) for name, value in attributes(owner).items() if _is_parameter(name, value)}
    layers: list[LayerReferences] = []
    for fan_in, fan_out in pairwise(widths):
        shapes = ((fan_in, fan_out), (fan_out, fan_in))
        biases = [name for name, shape in own.items() if np.prod(shape) == fan_out and "b" in name.lower()]
        weights = [
            name
            for name, shape in own.items()
            if shape in shapes and (name not in biases or fan_in * fan_out > fan_out)
        ]
        biases = [name for name in biases if name not in weights]
        if len(weights) != 1 or len(biases) > 1:
            return None
        references = [ArrayReference(owner, (name,), name) for name in (*weights, *biases)]
        layers.append(LayerReferences(references[0], references[1] if biases else None))
    return layers if len({layer.weight.label for layer in layers}) == len(layers) else None


def _is_parameter(name: str, value: Any) -> bool:
    """Whether an attribute can be a weight or a bias: an array, not named as a gradient or a moment of one."""
    return _is_array(value) and not name.lower().lstrip("_").startswith(GRADIENT_WORDS)

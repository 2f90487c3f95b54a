"""Finds the weights, biases and gradients in an object of a person's class by the usual names, or by their shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from glassnet.check.candidates.call_forms import role_of
from glassnet.check.candidates.places import LayerPlaces, Place
from glassnet.check.candidates.return_forms import key_of

WEIGHT_NAMES = ("weights", "W", "w", "weight", "kernel", "Ws", "ws", "W_s", "thetas", "theta")
BIAS_NAMES = ("biases", "bias", "b", "B", "bs", "b_s")
GRADIENT_WORDS = ("d", "grad", "delta", "nabla", "g_", "v", "m_", "s_", "prev", "last", "cache", "velocity", "momentum")


def find_parameters(owner: Any, widths: list[int]) -> list[LayerPlaces] | None:
    """The weights and biases of an object with layers of these widths; None where they cannot be told."""
    layers = len(widths) - 1
    for search in (_lists, _numbered, _layer_objects):
        found = search(owner, layers, gradients=False)
        if found is not None:
            return found
    return _by_shape(owner, widths)


def find_gradients(owner: Any, layers: int) -> list[LayerPlaces] | None:
    """The gradients that an object keeps; None where there are none of the usual names."""
    for search in (_lists, _numbered, _layer_objects):
        found = search(owner, layers, gradients=True)
        if found is not None:
            return found
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


def _lists(owner: Any, layers: int, *, gradients: bool) -> list[LayerPlaces] | None:
    """Lists of one array per layer, which may begin with an empty entry for the input."""
    own = attributes(owner)
    found: dict[str, list[Place]] = {}
    for kind in "wb":
        for name in _matching(own, kind, gradients):
            keys = _keys(own[name], layers)
            if keys is not None and kind not in found:
                found[kind] = [Place(owner, (name, key), f"{name}[{key!r}]") for key in keys]
    return _together(found.get("w"), found.get("b"))


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


def _numbered(owner: Any, layers: int, *, gradients: bool) -> list[LayerPlaces] | None:
    """W1, b1, W2, b2 ... as attributes, or in a dict that is one."""
    own = attributes(owner)
    for path, names in [((), own), *(((name,), value) for name, value in own.items() if isinstance(value, Mapping))]:
        is_gradient = bool(path) and str(path[0]).lower().startswith("grad")
        found: dict[str, dict[int, Place]] = {"w": {}, "b": {}}
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
                found[kind][number] = Place(owner, (*path, name), str(name))
        lists = [[places[number] for number in sorted(places)] for places in found.values()]
        if len(lists[0]) == layers and len(lists[1]) in (0, layers):
            return _together(*lists)
    return None


def _layer_objects(owner: Any, layers: int, *, gradients: bool) -> list[LayerPlaces] | None:
    """A list of layers, each with its weights and biases; others, such as activations, stand between them."""
    for name, value in attributes(owner).items():
        if not isinstance(value, (list, tuple)):
            continue
        found = [
            LayerPlaces(*pair)
            for pair in (_of_layer(owner, name, i, part, gradients) for i, part in enumerate(value))
            if pair
        ]
        if len(found) == layers:
            return found
    return None


def _of_layer(owner: Any, name: str, index: int, layer: Any, gradients: bool) -> tuple[Place, Place | None] | None:
    """The places of one layer; None where it has no weights."""
    own = layer if isinstance(layer, dict) else attributes(layer)
    places: dict[str, Place] = {}
    for kind in "wb":
        for entry in _matching(own, kind, gradients):
            if _is_array(own[entry]) and kind not in places:
                places[kind] = Place(owner, (name, index, entry), f"{name}[{index}].{entry}")
    return (places["w"], places.get("b")) if "w" in places else None


def _together(weights: list[Place] | None, biases: list[Place] | None) -> list[LayerPlaces] | None:
    """One entry per layer; None without weights."""
    if not weights:
        return None
    return [LayerPlaces(place, biases[number] if biases else None) for number, place in enumerate(weights)]


def _by_shape(owner: Any, widths: list[int]) -> list[LayerPlaces] | None:
    """Arrays of other names, where exactly one fits each layer; a bias has a b in its name."""
    own = {name: np.shape(value) for name, value in attributes(owner).items() if _is_parameter(name, value)}
    layers: list[LayerPlaces] = []
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
        places = [Place(owner, (name,), name) for name in (*weights, *biases)]
        layers.append(LayerPlaces(places[0], places[1] if biases else None))
    return layers if len({layer.weight.label for layer in layers}) == len(layers) else None


def _is_parameter(name: str, value: Any) -> bool:
    """Whether an attribute can be a weight or a bias: an array, not named as a gradient or a moment of one."""
    return _is_array(value) and not name.lower().lstrip("_").startswith(GRADIENT_WORDS)

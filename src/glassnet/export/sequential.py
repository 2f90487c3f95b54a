"""A network as the layers that a Sequential of PyTorch or Keras has, with the arrays of each; the rest is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import ParameterError
from glassnet.network import NeuralNetwork
from glassnet.program.architecture import Dense
from glassnet.program.layer_positions import LayerPosition, layer_positions
from glassnet.tables.activations import ELU, Activation, LeakyReLU
from glassnet.tables.layers import BatchNorm, Dropout, GaussianNoise, LayerNorm

Array = np.ndarray[Any, Any]


class Part(NamedTuple):
    """A layer of a Sequential: how it is written there, and its arrays by our names, as copies."""

    text: str
    arrays: dict[str, Array]


class Names(NamedTuple):
    """How a library writes its layers; None where it has no such layer."""

    library: str
    dense: Callable[[int, int], str]
    activation: Callable[[Activation], str | None]
    batch_norm: Callable[[int, BatchNorm], str]
    layer_norm: Callable[[int, LayerNorm], str]
    dropout: Callable[[float], str]


def parts_of(network: NeuralNetwork, names: Names) -> list[Part]:
    """The layers in order; "linear" has none, and noise, which inference does not add, is left out.

    Raises ParameterError (a ValueError) for a layer or an activation that the library's Sequential lacks.
    """
    positions = iter(layer_positions(network.architecture))
    parts: list[Part] = []
    for _ in network.architecture.input_layers:
        _append(parts, network, next(positions), names)
    for number, dense in enumerate(network.architecture.dense, 1):
        arrays = {name: network.parameters.rows(f"{name}{number}").copy() for name in "wb"}
        parts.append(Part(names.dense(dense.fan_in, dense.fan_out), arrays))
        for _ in dense.before:
            _append(parts, network, next(positions), names)
        _append_activation(parts, dense, names)
        for _ in dense.after:
            _append(parts, network, next(positions), names)
    return parts


def _append_activation(parts: list[Part], dense: Dense, names: Names) -> None:
    activation = dense.activation
    if activation.name == "linear":
        return
    text = None if activation.groups and len(activation.groups) > 1 else names.activation(activation)
    if text is None:
        groups = " by groups" if activation.groups else ""
        fault = f"a Sequential of {names.library} has no layer for the activation {activation.name!r}{groups}"
        raise ParameterError(f"{fault}; export the network with to_onnx or to_source.")
    parts.append(Part(text, {}))


def _append(parts: list[Part], network: NeuralNetwork, position: LayerPosition, names: Names) -> None:
    """Add a layer that is neither dense nor an activation."""
    entry, width = position.entry, position.width
    arrays: dict[str, Array] = {}
    for vector in (network.parameters, network.statistics):
        prefix = f"{position.name}_"
        arrays |= {
            name.removeprefix(prefix): vector.rows(name).copy()
            for name in vector
            if name.rpartition("_")[0] == position.name
        }
    match entry:
        case GaussianNoise():
            return
        case Dropout():
            parts.append(Part(names.dropout(entry.rate), {}))
        case BatchNorm():
            parts.append(Part(names.batch_norm(width, entry), arrays))
        case LayerNorm():
            parts.append(Part(names.layer_norm(width, entry), arrays))
        case _:
            fault = f"a Sequential of {names.library} has no layer like {type(entry).__name__}"
            raise ParameterError(f"{fault}; export the network with to_onnx or to_source.")


def described(activation: Activation, names: dict[str, str]) -> str | None:
    """The text of an activation, with its setting in place of `{}`."""
    setting = {LeakyReLU: "slope", ELU: "alpha"}.get(type(activation), "")
    text = names.get(activation.name)
    return None if text is None else text.format(getattr(activation, setting) if setting else "")

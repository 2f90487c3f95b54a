"""What a network is made of: its dense layers, the layers between them, its cost and its penalty.

The words of the article's constructor are read here once, every mistake named; the program is built from the result.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.tables.activations import Activation, activation
from glassnet.tables.costs import Cost, cost
from glassnet.tables.layers import LAYERS, Layer, layer


class Dense(NamedTuple):
    """A dense layer, its activation, and the layers that act before and after that activation."""

    fan_in: int
    fan_out: int
    activation: Activation
    before: tuple[Layer, ...] = ()
    after: tuple[Layer, ...] = ()

    @property
    def groups(self) -> tuple[int, ...]:
        """How many outputs each group of the activation has; all of them where it has no groups."""
        return self.activation.groups or (self.fan_out,)


class Architecture(NamedTuple):
    """All that the equations of a network depend on. `entry` are the layers that act on x itself."""

    inputs: int
    entry: tuple[Layer, ...]
    dense: tuple[Dense, ...]
    cost: Cost
    l1: float = 0.0
    l2: float = 0.0

    @property
    def outputs(self) -> int:
        """Number of output neurons."""
        return self.dense[-1].fan_out

    @property
    def groups(self) -> tuple[int, ...]:
        """How many output neurons each distribution of the output has."""
        return self.dense[-1].groups

    @property
    def penalised(self) -> bool:
        """Whether a penalty on the weights joins the cost."""
        return self.l1 > 0 or self.l2 > 0


def architecture(
    layers: Sequence[Any], activations: Sequence[Any] | str | None, cost_row: Any, l1: float = 0, l2: float = 0
) -> Architecture:
    """Read the constructor's words; every mistake is named with its argument and place."""
    widths, between = _widths_and_layers(layers)
    rows = _activations(activations, widths[1:])
    dense = tuple(
        Dense(
            widths[index],
            widths[index + 1],
            rows[index],
            tuple(row for row in between[index + 1] if row.acts_before),
            tuple(row for row in between[index + 1] if not row.acts_before),
        )
        for index in range(len(widths) - 1)
    )
    if any(row.acts_before for row in between[0]):
        raise ParameterError("layers[1] acts before an activation, but there is none before the first dense layer.")
    chosen = cost(cost_row)
    _check_fit(chosen, rows[-1], bool(dense[-1].after))
    return Architecture(widths[0], tuple(between[0]), dense, chosen, penalty("l1", l1), penalty("l2", l2))


def penalty(name: str, value: Any) -> float:
    """A penalty's strength as a float; negative, infinite or no number at all is refused."""
    try:
        strength = float(value)
        if isinstance(value, (str, bool)):
            raise TypeError
    except (TypeError, ValueError):
        raise ParameterTypeError(f"{name} must be a number of at least 0, not {value!r}.") from None
    if not 0 <= strength < float("inf"):
        raise ParameterError(f"{name} is {value!r}; it must be a finite number of at least 0.")
    return strength


def _widths_and_layers(layers: Sequence[Any]) -> tuple[list[int], list[list[Layer]]]:
    """The widths of x and of each dense layer, and the layer rows that follow each of them."""
    if isinstance(layers, (str, bytes)) or not isinstance(layers, Sequence):
        try:
            layers = list(layers)
        except TypeError:
            layers = []
        if not layers:
            raise ParameterTypeError("layers must be a sequence of widths such as [2, 10, 1].")
    widths: list[int] = []
    between: list[list[Layer]] = []
    for place, entry in enumerate(layers):
        width = _whole_number(entry)
        if width is not None:
            if width < 1:
                raise ParameterError(f"layers[{place}] is {entry!r}; a layer needs 1 neuron or more.")
            widths.append(width)
            between.append([])
        elif not between:
            raise ParameterError(f"layers[0] is {entry!r}; it must be the number of inputs, such as 2.")
        else:
            between[-1].append(_layer(place, entry))
    if len(widths) < 2:
        raise ParameterError(f"layers has {len(widths)} width(s); a network needs the inputs and one layer: [2, 1].")
    return widths, between


def _layer(place: int, entry: Any) -> Layer:
    """The layer row that an entry means."""
    try:
        return layer(entry)
    except ParameterTypeError:
        raise ParameterTypeError(
            f"layers[{place}] is {entry!r}; it must be a width such as 10, or a layer: {', '.join(LAYERS)}."
        ) from None


def _whole_number(entry: Any) -> int | None:
    """The entry as an int, None for what is meant as a layer; a float or a bool is refused."""
    if isinstance(entry, (bool, float)):
        raise ParameterTypeError(f"layers holds {entry!r}; widths are whole numbers such as 10.")
    try:
        return operator.index(entry)
    except TypeError:
        return None


def _activations(activations: Sequence[Any] | str | None, widths: Sequence[int]) -> list[Activation]:
    """One activation a dense layer; None means sigmoid throughout, as in the article."""
    count = len(widths)
    words = ["sigmoid"] * count if activations is None else activations
    if isinstance(words, (str, Activation)) or not isinstance(words, Sequence):
        raise ParameterTypeError(f"activations must be a list with one entry a dense layer, not {words!r}.")
    if len(words) != count:
        raise ParameterError(
            f"activations has {len(words)} entries, but layers has {count} dense layers; give {count}."
        )
    rows = [activation(word) for word in words]
    for place, (row, width) in enumerate(zip(rows, widths, strict=True)):
        if row.groups and sum(row.groups) != width:
            raise ParameterError(
                f"activations[{place}] has groups of {sum(row.groups)} outputs in all, but its layer has {width}; make "
                "them equal."
            )
    return rows


def _check_fit(chosen: Cost, output: Activation, changed: bool) -> None:
    """Raise where the range of the output activation leaves the domain of the cost."""
    if changed and chosen.outputs.low > float("-inf"):
        raise ParameterError(f"cost {chosen.name!r} needs the activation as the last step; no layer may follow it.")
    if not chosen.outputs.contains(output.range):
        raise ParameterError(
            f"cost {chosen.name!r} needs outputs in {chosen.outputs}, but activation {output.name!r} gives "
            f"{output.range}; end with another activation or take another cost."
        )

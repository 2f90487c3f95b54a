"""What a network is made of: its dense layers, the layers between them, its cost and its penalty.

The arguments of the article's constructor are checked here once; the program is built from the result.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from itertools import filterfalse
from typing import Any, NamedTuple

from glassnet.array_likes import short_repr, to_float
from glassnet.errors import ParameterError, ParameterTypeError, counted
from glassnet.tables.activations import Activation, activation
from glassnet.tables.costs import Cost, CostLike, cost
from glassnet.tables.layer import Layer
from glassnet.tables.layers import LAYERS, layer


class Dense(NamedTuple):
    """A dense layer, its activation, and the layers that act before and after that activation."""

    fan_in: int
    fan_out: int
    activation: Activation
    before: tuple[Layer, ...] = ()
    after: tuple[Layer, ...] = ()

    @property
    def groups(self) -> tuple[int, ...]:
        """The sizes of the activation's groups of outputs; one of all outputs where it has no groups."""
        return self.activation.groups or (self.fan_out,)


class Architecture(NamedTuple):
    """All that the equations of a network depend on. `input_layers` act on x itself, and may widen it.

    `precision` is that of the products, as `precision.checked_precision` gives it: None is that of the dtype.
    """

    inputs: int
    input_layers: tuple[Layer, ...]
    dense: tuple[Dense, ...]
    cost: Cost
    l1: float = 0.0
    l2: float = 0.0
    precision: str | None = None

    @property
    def input_widths(self) -> list[int]:
        """The width of x and of what each of the input layers makes of it."""
        widths = [self.inputs]
        for entry in self.input_layers:
            widths.append(entry.output_width(widths[-1]))
        return widths

    @property
    def outputs(self) -> int:
        """Number of output neurons."""
        return self.dense[-1].fan_out

    @property
    def groups(self) -> tuple[int, ...]:
        """The number of output neurons of each distribution."""
        return self.dense[-1].groups

    @property
    def penalised(self) -> bool:
        """Whether a penalty on the weights is added to the cost."""
        return self.l1 > 0 or self.l2 > 0


def architecture(
    layers: Iterable[Any], activations: Sequence[Any] | None, cost_entry: CostLike, l1: float = 0, l2: float = 0
) -> Architecture:
    """Check the constructor's arguments; an error names the argument and the index in it."""
    widths, between = _widths_and_layers(layers)
    entries = _activations(activations, widths[1:])
    acts_before = operator.attrgetter("acts_before")
    _check_positions(widths, between)
    fan_in = functools.reduce(lambda width, entry: entry.output_width(width), between[0], widths[0])
    dense = tuple(
        Dense(fan_in, fan_out, entry, tuple(filter(acts_before, after)), tuple(filterfalse(acts_before, after)))
        for fan_in, fan_out, entry, after in zip([fan_in, *widths[1:-1]], widths[1:], entries, between[1:], strict=True)
    )
    resolved = cost(cost_entry, widths[-1], entries[-1].name)
    _check_fit(resolved, entries[-1], bool(dense[-1].after))
    return Architecture(widths[0], tuple(between[0]), dense, resolved, penalty("l1", l1), penalty("l2", l2))


def _check_positions(widths: Sequence[int], between: Sequence[Sequence[Layer]]) -> None:
    """Raise where a layer on x acts before an activation, or one that acts on x stands elsewhere."""
    if any(entry.acts_before for entry in between[0]):
        raise ParameterError("layers[1] acts before an activation, but there is none before the first dense layer.")
    for entry in (entry for after in between[1:] for entry in after if entry.on_inputs):
        name = type(entry).__name__
        example = f"layers=[{widths[0]}, {name}(...), {widths[1]}, ...]"
        raise ParameterError(f"{name} acts on x itself, so it must follow the number of inputs: {example}.")


def penalty(name: str, value: Any) -> float:
    """A penalty's strength as a float. Raises where it is negative, infinite or not a number."""
    try:
        strength = to_float(value)
        if isinstance(value, (str, bool)):
            raise TypeError
    except (TypeError, ValueError):
        raise ParameterTypeError(f"{name} must be a number of at least 0, not {short_repr(value)}.") from None
    if not 0 <= strength < float("inf"):
        raise ParameterError(f"{name} is {short_repr(value)}; it must be a finite number of at least 0.")
    return strength


def _widths_and_layers(layers: Iterable[Any]) -> tuple[list[int], list[list[Layer]]]:
    """The widths of x and of each dense layer, and the layers that follow each of them."""
    if isinstance(layers, (str, bytes)) or not isinstance(layers, Sequence):
        try:
            layers = list(layers)
        except TypeError:
            layers = []
        if not layers:
            raise ParameterTypeError("layers must be a sequence of widths such as [2, 10, 1].")
    widths: list[int] = []
    between: list[list[Layer]] = []
    for index, entry in enumerate(layers):
        width = _whole_number(entry)
        if width is not None:
            if width < 1:
                raise ParameterError(f"layers[{index}] is {entry!r}; a layer needs 1 neuron or more.")
            widths.append(width)
            between.append([])
        elif not between:
            raise ParameterError(f"layers[0] is {entry!r}; it must be the number of inputs, such as 2.")
        else:
            between[-1].append(_layer(index, entry))
    if len(widths) < 2:
        raise ParameterError(
            f"layers has {counted(len(widths), 'width')}; a network needs the inputs and one layer: [2, 1]."
        )
    return widths, between


def _layer(index: int, entry: Any) -> Layer:
    """The layer that an element of `layers` names."""
    try:
        return layer(entry)
    except ParameterTypeError:
        known = ", ".join(LAYERS)
        message = f"layers[{index}] is {entry!r}; it must be a width such as 10, or a layer: {known}."
        raise ParameterTypeError(message) from None


def _whole_number(entry: Any) -> int | None:
    """A width as an int, or None for a layer; a float or a bool is refused."""
    if isinstance(entry, (bool, float)):
        raise ParameterTypeError(f"layers contains {entry!r}; widths are whole numbers such as 10.")
    try:
        return operator.index(entry)
    except TypeError:
        return None


def _activations(activations: Sequence[Any] | None, widths: Sequence[int]) -> list[Activation]:
    """One activation per dense layer; None means sigmoid throughout, as in the article."""
    count = len(widths)
    given = ["sigmoid"] * count if activations is None else activations
    if isinstance(given, (str, Activation)) or not isinstance(given, Sequence):
        raise ParameterTypeError(f"activations must be a list with one entry per dense layer, not {short_repr(given)}.")
    if len(given) != count:
        raise ParameterError(
            f"activations has {counted(len(given), 'entry', 'entries')}, but layers has "
            f"{counted(count, 'dense layer')}; give {count}."
        )
    entries = [activation(each) for each in given]
    for index, (entry, width) in enumerate(zip(entries, widths, strict=True)):
        if entry.groups and sum(entry.groups) != width:
            groups = f"activations[{index}] has groups of {sum(entry.groups)} outputs in all"
            raise ParameterError(f"{groups}, but its layer has {width}; make them equal.")
        if width == 1 and not entry.elementwise:
            fault = f"activations[{index}] is {entry.name!r} of a single neuron, which is always 1, whatever x is"
            advice = "take 'sigmoid' (one output tells two classes apart), or one output for each class"
            raise ParameterError(f"{fault}: {advice}.")
    return entries


def fits(cost: Cost, output: Activation) -> bool:
    """Whether an output activation has its range in the cost's domain, and its outputs the sum that the cost needs."""
    return cost.outputs.contains(output.range) and (cost.target_sum is None or not output.elementwise)


def _check_fit(cost: Cost, output: Activation, layers_follow: bool) -> None:
    """Raise where the range of the output activation leaves the domain of the cost, or its outputs lack a sum."""
    if layers_follow and cost.outputs.low > float("-inf"):
        raise ParameterError(f"cost {cost.name!r} needs the activation as the last step; no layer may follow it.")
    if not cost.outputs.contains(output.range):
        reason = f"needs outputs in {cost.outputs}, but activation {output.name!r} gives {output.range}"
        raise ParameterError(f"cost {cost.name!r} {reason}; end with another activation or take another cost.")
    if not fits(cost, output):
        reason = (
            f"needs outputs that add up to {cost.target_sum:g} for each sample, and those of {output.name!r} do not"
        )
        fault = "with every output at 1 it would be 0, whatever the class"
        advice = "end with 'softmax', or take cost 'binary_cross_entropy' for classes that do not exclude one another"
        raise ParameterError(f"cost {cost.name!r} {reason}: {fault}; {advice}.")

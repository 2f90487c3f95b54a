"""What a person's function returns, in any of the usual containers, as one dW and one db per layer.

Names say which array is which; where there are none, the shapes do, and where they fit several orders all of these are
returned, the likeliest first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.check.candidates.candidate_error import CandidateError

Shape = tuple[int, ...]
KEY = re.compile(r"(?:d|grads?|gradients?|nabla|delta|g)?(w|weights?|thetas?|kernels?|b|bias|biases|betas?)(\d*)")
SUFFIX = re.compile(r"_?(grads?|gradients?)$")


class Form(NamedTuple):
    """One way to read what was returned: which order, and the arrays of the layers, in their shapes."""

    order: str
    dw: list[Any]
    db: list[Any]
    is_usual: bool = True  # nothing needs to be said about it where it is the only one that fits


class Shapes(NamedTuple):
    """The shapes of the weights and biases that their code was given; no biases where it has none of its own."""

    weights: list[Shape]
    biases: list[Shape]

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return len(self.weights)


def forms(result: Any, shapes: Shapes) -> list[Form]:
    """The readings of a result that fit the shapes best. Raises CandidateError where it is none of the known forms."""
    candidates = list(_forms(_contents(result), shapes))
    if not candidates:
        expected = (
            "a list such as dw is expected" if not shapes.biases else "a pair of lists is expected, such as dw, db"
        )
        raise CandidateError(f"it returns {_described(result)}, where {expected}")
    scores = [_score(form, shapes) for form in candidates]
    return [form for form, score in zip(candidates, scores, strict=True) if score == max(scores)]


def _score(form: Form, shapes: Shapes) -> float:
    """The fit of a form; lists in backward order are still lists of the layers."""
    return max(fit(form, shapes), 0.6 * fit(Form(form.order, form.dw[::-1], form.db[::-1]), shapes))


def fit(form: Form, shapes: Shapes) -> float:
    """How well the arrays fit: 1 for each of the right shape, less for a transpose or another shape of its size."""
    pairs = [*zip(form.dw, shapes.weights, strict=False), *zip(form.db, shapes.biases, strict=False)]
    return sum(_fit(shape_of(part), shape) for part, shape in pairs)


def _fit(shape: Shape, expected: Shape) -> float:
    if shape == expected:
        return 1
    if shape == expected[::-1]:
        return 0.7
    return 0.5 if np.prod(shape, dtype=int) == np.prod(expected, dtype=int) else 0


def shape_of(part: Any) -> Shape:
    """The shape of an array or of nested lists; () where there is none."""
    try:
        return np.shape(part)
    except ValueError:  # lists of different lengths
        return ()


def key_of(name: Any) -> tuple[str, int | None] | None:
    """("w" or "b", number or None) for a name such as dW1, grad_b2, weights or db; None for any other."""
    text = str(name).lower().replace("∂", "d").replace("/", "")
    text = re.sub(r"^d[lcje]_?(?=d)", "", SUFFIX.sub("", text)).replace("_", "")
    match = KEY.fullmatch(text)
    if match is None:
        return None
    return "b" if match[1][0] == "b" else "w", int(match[2]) if match[2] else None


def _contents(result: Any) -> Any:
    """The result with generators and arrays of objects as lists, and objects with fields as dicts."""
    if isinstance(result, (Mapping, str, bytes)) or np.isscalar(result):
        return result
    fields = result._asdict() if hasattr(result, "_asdict") else getattr(result, "__dict__", {})
    if any(key_of(name) for name in fields):
        return fields
    if isinstance(result, np.ndarray):
        return [_contents(part) for part in result] if result.dtype == object and result.ndim else result
    if isinstance(result, (list, tuple)):
        return [_contents(part) for part in result]
    return [_contents(part) for part in result] if _is_lazy(result) else result


def _is_lazy(part: Any) -> bool:
    """Whether it is a generator, a view of a dict, an array of objects, or something else to be made a list."""
    is_object_array = isinstance(part, np.ndarray) and part.dtype == object
    return is_object_array or (
        hasattr(part, "__iter__") and not isinstance(part, (list, tuple, Mapping, np.ndarray, str))
    )


def _forms(result: Any, shapes: Shapes) -> Iterator[Form]:
    """Every form that the structure of a result allows."""
    if isinstance(result, Mapping):
        yield from _named(result, shapes)
    elif isinstance(result, np.ndarray):
        yield from _of_array(result, shapes)
    elif isinstance(result, list):
        yield from _of_list(result, shapes)


def _named(result: Mapping[Any, Any], shapes: Shapes) -> Iterator[Form]:
    """A dict: numbered arrays, lists, or one dict or pair per layer."""
    numbered: dict[str, dict[int, Any]] = {"w": {}, "b": {}}
    lists: dict[str, Any] = {}
    for name, value in result.items():
        kind, number = key_of(name) or ("", None)
        if kind and number is not None:
            numbered[kind][number] = value
        elif kind:
            lists[kind] = value
    for kind, values in numbered.items():
        if values:
            lists[kind] = [values[number] for number in sorted(values)]
    if "w" in lists and ("b" in lists or not shapes.biases):
        parts = [_layers(lists.get(kind, []), shapes.layers) for kind in "wb"]
        yield Form("by name", parts[0], parts[1] if shapes.biases else [])
    elif len(result) == shapes.layers:
        yield from _of_list(list(result.values()), shapes)
    elif len(result) == 1 or any(str(name).lower().startswith("grad") for name in result):
        nested = [value for name, value in result.items() if len(result) == 1 or str(name).lower().startswith("grad")]
        yield from _forms(_contents(nested[0]), shapes)


def _layers(values: Any, count: int) -> list[Any]:
    """One entry per layer: a list as it is, a dict in its order, the array of a single layer in a list."""
    if isinstance(values, Mapping):
        return list(values.values())
    if count == 1 and (np.isscalar(values) or (isinstance(values, np.ndarray) and values.ndim < 3)):
        return [values]
    return list(values)


def _of_array(result: Any, shapes: Shapes) -> Iterator[Form]:
    """An array: everything in one vector, the gradient of a single layer, or layers of one shape in one array."""
    total = sum(int(np.prod(shape)) for shape in (*shapes.weights, *shapes.biases))
    if result.size == total and (result.ndim == 1 or 1 in result.shape) and total > 1:
        yield from _unrolled(result.ravel(), shapes)
    elif shapes.layers == 1 and not shapes.biases:
        yield Form("a list of dw", [result], [])
    elif result.ndim > 1:
        yield from _of_list(list(result), shapes)


def _unrolled(vector: Any, shapes: Shapes) -> Iterator[Form]:
    """A flat vector: layer by layer or weights first, each array row by row or, as in Fortran, column by column."""
    orders = {"W1, b1, W2, b2": _interleaved(shapes), "W1, W2, b1, b2": _weights_first(shapes)}
    if not shapes.biases:
        orders = {"W1, W2": _weights_first(shapes)}
    for memory, how in (("C", "row by row"), ("F", "column by column")):
        for name, order_of_parts in orders.items():
            offset, parts = 0, dict[tuple[str, int], Any]()
            for kind, layer in order_of_parts:
                shape = (shapes.weights if kind == "w" else shapes.biases)[layer]
                size = int(np.prod(shape))
                parts[kind, layer] = vector[offset : offset + size].reshape(shape, order="C" if memory == "C" else "F")
                offset += size
            yield _ordered(f"one vector of {name}, {how}", order_of_parts, list(parts.values()), False)


def _of_list(items: list[Any], shapes: Shapes) -> Iterator[Form]:
    """Lists: a pair of lists, one pair per layer, one array after another, or any of these with the loss."""
    count, separate = shapes.layers, bool(shapes.biases)
    if separate and len(items) == 2 and all(_is_list_of_layers(item, count) for item in items):
        yield Form("a pair of lists (dw, db)", list(items[0]), list(items[1]))
        yield Form("a pair of lists (db, dw)", list(items[1]), list(items[0]), False)
    if separate and len(items) == count and all(isinstance(item, Mapping) for item in items):
        yield from _pairs([_of_layer(item) for item in items])
    if separate and len(items) == count and all(isinstance(item, (list, tuple)) and len(item) == 2 for item in items):
        yield from _pairs(items)
    if separate and len(items) == 2 * count:
        yield from _one_after_another(items, shapes)
    if not separate and len(items) == count:
        yield Form("a list of dw", items, [])
        if count > 1:
            yield Form("dw of the last layer first", items[::-1], [], False)
    yield from _with_loss(items, shapes)


def _with_loss(items: list[Any], shapes: Shapes) -> Iterator[Form]:
    """The forms without a loss, or another number, at the beginning or the end; and what stands alone in a list."""
    one_array_each = (
        len(items) == 2 * shapes.layers and shapes.biases and not any(isinstance(i, Mapping) for i in items)
    )
    enough = len(items) > 1 and not one_array_each
    if enough and _is_number(items[0]):
        rest = items[1:]
    elif enough and _is_number(items[-1]):
        rest = items[:-1]
    elif len(items) == 1:
        rest = items
    else:
        return
    if len(rest) == 1:
        yield from _forms(_contents(rest[0]), shapes)
    elif not (len(rest) == shapes.layers == 1):
        yield from _of_list(rest, shapes)


def _is_number(part: Any) -> bool:
    return np.isscalar(part) or (isinstance(part, np.ndarray) and part.size == 1 and part.ndim < 2)


def _is_list_of_layers(part: Any, count: int) -> bool:
    """Whether it can be one array per layer: a list, or an array that has the layers along its first axis."""
    return isinstance(part, (list, tuple)) or (isinstance(part, np.ndarray) and part.ndim > 1 and len(part) == count)


def _of_layer(item: Mapping[Any, Any]) -> list[Any]:
    """dW and db of the dict of one layer."""
    kinds = {(key_of(name) or ("", None))[0]: value for name, value in item.items()}
    return [kinds.get("w"), kinds.get("b")]


def _pairs(items: Sequence[Sequence[Any]]) -> Iterator[Form]:
    """One pair per layer, in either order, from the first layer or from the last."""
    first, second = [item[0] for item in items], [item[1] for item in items]
    yield Form("a pair (dW, db) per layer", first, second)
    yield Form("a pair (db, dW) per layer", second, first, False)
    if len(items) > 1:
        yield Form("a pair (dW, db) per layer, the last layer first", first[::-1], second[::-1], False)


def _one_after_another(items: list[Any], shapes: Shapes) -> Iterator[Form]:
    """Arrays in one row, in the orders in which people write them."""
    layered, grouped = _interleaved(shapes), _weights_first(shapes)
    backward = [part for layer in reversed(range(shapes.layers)) for part in (("w", layer), ("b", layer))]
    biases_first = [({"w": "b", "b": "w"}[kind], layer) for kind, layer in layered]
    for order_of_parts in (
        layered,
        grouped,
        grouped[shapes.layers :] + grouped[: shapes.layers],
        biases_first,
        backward,
    ):
        order = ", ".join(f"d{kind.upper() if kind == 'w' else kind}{layer + 1}" for kind, layer in order_of_parts)
        yield _ordered(order, order_of_parts, items, order_of_parts in (layered, grouped))


def _interleaved(shapes: Shapes) -> list[tuple[str, int]]:
    return [part for layer in range(shapes.layers) for part in (("w", layer), ("b", layer))]


def _weights_first(shapes: Shapes) -> list[tuple[str, int]]:
    return [("w", layer) for layer in range(shapes.layers)] + [("b", layer) for layer in range(len(shapes.biases))]


def _ordered(order: str, order_of_parts: list[tuple[str, int]], items: list[Any], is_usual: bool = True) -> Form:
    """A form whose arrays stand in this order of places."""
    parts = dict(zip(order_of_parts, items, strict=True))
    dw, db = ([parts[part] for part in sorted(parts) if part[0] == kind] for kind in "wb")
    return Form(order, dw, db, is_usual)


def _described(result: Any) -> str:
    """A few words for what was returned."""
    if isinstance(result, Mapping):
        return f"a dict with {', '.join(map(repr, list(result)[:6]))}" if result else "an empty dict"
    if isinstance(result, np.ndarray):
        return f"an array of shape {result.shape}"
    return f"a {type(result).__name__} of {len(result)}" if isinstance(result, (list, tuple)) else f"{result!r:.60}"

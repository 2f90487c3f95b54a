"""Parameters and fitted attributes of estimators as plain data and tensors, and back, each with its own type.

Text, numbers, None, lists and dicts are stored as they are, arrays as tensors where the file has their dtype, entries
of tables by name and settings. What has no such form (a function, an object of another library) cannot be stored: no
code is written, and none is run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from glassnet.program.parameters import Array
from glassnet.tables.activations import ACTIVATIONS, Activation
from glassnet.tables.costs import COSTS, Cost, CustomCost
from glassnet.tables.custom_activation import CustomActivation
from glassnet.tables.entry import Entry, describe, rebuild
from glassnet.tables.initializers import INITIALIZERS, Initializer
from glassnet.tables.layer import Layer
from glassnet.tables.layers import LAYERS
from glassnet.tables.optimizers import OPTIMIZERS, Optimizer
from glassnet.tables.schedules import SCHEDULES, Schedule

TABLES: dict[str, tuple[type, Mapping[str, Any], Any]] = {
    "activation": (Activation, ACTIVATIONS, CustomActivation),
    "cost": (Cost, COSTS, CustomCost),
    "initializer": (Initializer, INITIALIZERS, None),
    "layer": (Layer, LAYERS, None),
    "optimizer": (Optimizer, OPTIMIZERS, None),
    "schedule": (Schedule, SCHEDULES, None),
}
DTYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|[mM]8(\[\d*[A-Za-z]+\])?|U\d{1,7}|O)")
MAX_TEXT_BYTES = 1 << 26  # of an array of text, in memory
MANY = 64  # numbers of a list, from which on it is a tensor
LARGEST_INTEGER = 1 << 64


class NotStorable(TypeError):
    """A value that a model file cannot hold; the message is a phrase that says what it is."""


class ValueWriter:
    """Turns values into plain data; arrays go into `tensors` under names that begin with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self.prefix, self.tensors = prefix, dict[str, Array]()

    def plain(self, value: Any, name: str) -> Any:
        """The value as plain data. Raises NotStorable."""
        if value is None or type(value) in (bool, str) or (type(value) is int and abs(value) < LARGEST_INTEGER):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"kind": "float", "value": str(value)}
        if isinstance(value, (list, tuple)):
            return self._sequence(value, name)
        if isinstance(value, Mapping):
            pairs = [[self.plain(key, name), self.plain(item, name)] for key, item in value.items()]
            return {"kind": "dict", "items": pairs}
        if isinstance(value, (np.ndarray, np.generic)):
            return self._array(value, name)
        return self._object(value, name)

    def _sequence(self, value: Any, name: str) -> dict[str, Any]:
        kind = "tuple" if isinstance(value, tuple) else "list"
        if len(value) >= MANY and all(type(number) is float and math.isfinite(number) for number in value):
            return {"kind": kind, "numbers": self._tensor(np.array(value), name)}
        return {"kind": kind, "items": [self.plain(item, f"{name}.{index}") for index, item in enumerate(value)]}

    def _array(self, value: Any, name: str) -> dict[str, Any]:
        array = np.asarray(value)
        if not DTYPE.fullmatch(array.dtype.str):
            raise NotStorable(f"an array of {array.dtype}")
        form = {"kind": "array" if isinstance(value, np.ndarray) else "scalar"}
        if array.ndim and array.dtype.str in ("<f4", "<f8", "<i8") and np.isfinite(array).all():
            return form | {"tensor": self._tensor(array, name)}
        numbers = array.view(np.int64) if array.dtype.kind in "mM" else array
        values = [self.plain(item, name) for item in numbers.reshape(-1).tolist()]
        return form | {"dtype": array.dtype.str, "shape": list(array.shape), "values": values}

    def _tensor(self, array: Array, name: str) -> str:
        unique = name
        while self.prefix + unique in self.tensors:
            unique += "'"
        self.tensors[self.prefix + unique] = array
        return unique

    def _object(self, value: Any, name: str) -> dict[str, Any]:
        for table, (base, entries, custom) in TABLES.items():
            if isinstance(value, type) and issubclass(value, base) and value in entries.values():
                value = value()
            if isinstance(value, base) and isinstance(value, Entry):
                if entries.get(value.name) is not type(value) and (custom is None or not isinstance(value, custom)):
                    raise NotStorable(f"the {table} {type(value).__name__}, which is not in glassnet's tables")
                return {"kind": "entry", "table": table, "entry": describe(value)}
        if isinstance(value, np.random.RandomState):
            state: Any = value.get_state(legacy=False)
            if state["bit_generator"] == "MT19937":
                key, position = state["state"]["key"].tolist(), state["state"]["pos"]
                return {"kind": "random state", "key": key, "state": [position, state["has_gauss"], state["gauss"]]}
        if isinstance(value, (np.dtype, type)) and value in (np.float32, np.float64, float, np.dtype("float32")):
            return {"kind": "dtype" if isinstance(value, np.dtype) else "type", "name": np.dtype(value).name}
        raise NotStorable("a function" if callable(value) else f"an instance of {type(value).__name__}")


class ValueReader:
    """Turns plain data back into values; arrays come from `tensors`, whose names begin with `prefix`."""

    def __init__(self, tensors: Mapping[str, Array], prefix: str) -> None:
        self.tensors, self.prefix = tensors, prefix

    def value(self, plain: Any) -> Any:
        """The value. Raises KeyError, TypeError or ValueError for anything that ValueWriter did not write."""
        if not isinstance(plain, dict):
            if isinstance(plain, list):
                raise ValueError("a list without its kind")
            return plain
        kind = plain["kind"]
        if kind in ("list", "tuple"):
            items = self._tensor(plain["numbers"]).tolist() if "numbers" in plain else map(self.value, plain["items"])
            return list(items) if kind == "list" else tuple(items)
        if kind == "dict":
            return {self.value(key): self.value(item) for key, item in plain["items"]}
        if kind in ("array", "scalar"):
            array = self._tensor(plain["tensor"]) if "tensor" in plain else self._listed(plain)
            return array if kind == "array" else array[()]
        return self._object(kind, plain)

    def _tensor(self, name: Any) -> Array:
        if not isinstance(name, str) or self.prefix + name not in self.tensors:
            raise ValueError(f"the tensor {str(name)[:60]!r} is missing")
        return self.tensors[self.prefix + name]

    def _listed(self, plain: dict[str, Any]) -> Array:
        """An array whose values are in the document."""
        values, text = [self.value(item) for item in plain["values"]], plain["dtype"]
        if not DTYPE.fullmatch(text):
            raise ValueError(f"the dtype {text[:20]!r}")
        dtype = np.dtype(text)
        if dtype.itemsize * len(values) > MAX_TEXT_BYTES:
            raise ValueError(f"{len(values):,} values of {dtype}")
        array = np.empty(len(values), np.int64 if dtype.kind in "mM" else dtype)
        for index, value in enumerate(values):
            array[index] = value
        if dtype.kind == "U" and array.tolist() != values:
            raise ValueError(f"texts that {dtype} cannot hold")
        return array.view(dtype).reshape(tuple(plain["shape"]))

    def _object(self, kind: Any, plain: dict[str, Any]) -> Any:
        if kind == "float" and plain["value"] in ("nan", "inf", "-inf"):
            return float(plain["value"])
        if kind == "entry":
            _, entries, custom = TABLES[plain["table"]]
            return rebuild(entries, plain["entry"], custom)
        if kind == "random state":
            return _random_state(plain["key"], *plain["state"])
        if kind in ("dtype", "type") and plain["name"] in ("float32", "float64"):
            return np.dtype(plain["name"]) if kind == "dtype" else np.dtype(plain["name"]).type
        raise ValueError(f"the kind {str(kind)[:20]!r}")


def _random_state(key: Any, position: Any, has_gauss: Any, gauss: Any) -> np.random.RandomState:
    """The RandomState in this state, whose position NumPy itself does not check."""
    if type(position) is not int or not 0 <= position <= 624 or has_gauss not in (0, 1) or type(gauss) is not float:
        raise ValueError("the state of a RandomState")
    result = np.random.RandomState()
    result.set_state(("MT19937", np.array(key, np.uint32), position, int(has_gauss), gauss))
    return result

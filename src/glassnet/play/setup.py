"""What defines a run of the page: its data, its network and how it is trained. A link spells it, code repeats it.

Every value is checked here, whether it comes from a form, a link or Python: a form gets an error, a link a note.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from glassnet.array_likes import short_repr
from glassnet.errors import ParameterError, unknown_name
from glassnet.tables.activations import activation
from glassnet.tables.costs import cost
from glassnet.tables.initializers import Normal, initializer
from glassnet.tables.optimizers import optimizer

MAX_PARAMETERS = 1_000_000
MAX_DENSE, MAX_WIDTH, MAX_INPUTS, MAX_WEIGHTS, MAX_CHANGES = 30, 1024, 1000, 200, 50
MAX_STEP = 10**9
MAX_TEXT = 200  # letters of a column's name
CHANGEABLE = ("lr", "opt", "act", "batch", "l1", "l2")  # while a run goes on
NOTEBOOK_DATA = "own"  # the arrays of net.play(): they have no link
OWN_DATA = {"csv": "Your file", "points": "Your points"}
AUTO = "auto"
TASKS = (AUTO, "classification", "regression")  # how the target of a file is read
DRAWN = ("n", "noise")  # of a toy data set: samples of one's own have neither


class Range(NamedTuple):
    """The numbers that a setting may be."""

    low: float
    high: float
    step: float | None = None
    logarithmic: bool = False


RANGES = {
    "n": Range(1, 5000, 1),
    "noise": Range(0, 1, 0.05),
    "test": Range(0, 0.9, 0.05),
    "lr": Range(1e-6, 1000, logarithmic=True),
    "batch": Range(1, 5000, 1),
    "l1": Range(0, 10),
    "l2": Range(0, 10),
    "seed": Range(0, 2**31 - 1, 1),
}
WHOLE = ("n", "batch", "seed")


class Change(NamedTuple):
    """Settings that changed after step t."""

    t: int
    set: dict[str, Any]


class Setup(NamedTuple):
    """A run. `act` has one name per dense layer; `w` replaces the drawn ones (w1 by rows, b1, w2, ...)."""

    data: str = "moons"
    n: int = 200
    noise: float = 0.1
    test: float = 0.2
    shape: tuple[int, ...] = (2, 8, 8, 1)
    act: tuple[str, ...] = ("tanh", "tanh", "sigmoid")
    cost: str = "binary_cross_entropy"
    opt: str = "sgd"
    lr: float = 0.3
    batch: int = 10
    l1: float = 0.0
    l2: float = 0.0
    init: str = "auto"
    seed: int = 7
    target: str = ""
    file: str = ""
    task: str = AUTO
    w: tuple[float, ...] = ()
    engine: str = "compiled"
    then: tuple[Change, ...] = ()

    def plain(self) -> dict[str, Any]:
        """The setup as JSON can hold it."""
        lists = {name: list(getattr(self, name)) for name in ("shape", "act", "w")}
        return self._asdict() | lists | {"then": [change._asdict() for change in self.then]}

    def at(self, changes: int) -> Setup:
        """The settings after the first so many changes, without those changes."""
        values: dict[str, Any] = {}
        for change in self.then[:changes]:
            values |= change.set
        return self._replace(**values, then=())


class Problem(NamedTuple):
    """What is wrong with a value, and the value that is used where a link has it; None keeps the default."""

    text: str
    instead: Any = None


Names = Mapping[str, set[str]]
NO_NAMES: Names = {}


def read_values(values: Mapping[str, Any], problems: list[Problem], own: Names = NO_NAMES) -> dict[str, Any]:
    """The settings among `values` that can be used, each in its type; what is wrong with others goes to `problems`.

    `own` are the names, by setting, that a person's own network has beside those of the tables.
    """
    result: dict[str, Any] = {}
    for key, value in values.items():
        if key not in READERS:
            known = ", ".join(READERS)
            problems.append(Problem(f"{short_repr(key)} is no setting and is ignored; the settings are {known}."))
            continue
        checked = _own_names(key, value, own.get(key, set())) or READERS[key](key, value)
        if isinstance(checked, Problem):
            problems.append(checked)
            checked = checked.instead
        if checked is not None:
            result[key] = checked
    return result


def _own_names(key: str, value: Any, own: set[str]) -> Any:
    """A name of a person's own network, or a list of names some of which are; None for others."""
    if isinstance(value, str) and key != "act":
        return value if value in own else None
    items = _items(value) or []
    if not own.intersection(item for item in items if isinstance(item, str)):
        return None
    known = READERS[key](key, ["linear" if item in own else item for item in items])
    if isinstance(known, Problem):
        return known
    return tuple(item if item in own else name for item, name in zip(items, known, strict=True))


# One reader per kind of setting: the value, or a Problem --------------------------------------------------------------


def _number(key: str, value: Any) -> Any:
    allowed, whole = RANGES[key], key in WHOLE
    try:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)
        if whole and math.isfinite(number) and number != int(number):
            return Problem(f"{key} is {short_repr(value)}; it must be a whole number.")
    except (TypeError, ValueError, OverflowError):
        return Problem(f"{key} is {short_repr(value)}; it must be a number.")
    if not math.isfinite(number):
        return Problem(f"{key} is {short_repr(value)}; it must be a finite number.")
    limited = min(max(number, allowed.low), allowed.high)
    limited = int(limited) if whole else limited
    if limited != number:
        limits = f"from {allowed.low:,.7g} to {allowed.high:,.10g}"
        return Problem(f"{key} is {short_repr(value)}; it goes {limits}, and {limited:,.10g} is used.", limited)
    return limited


def _items(value: Any) -> list[Any] | None:
    """The items of a list, or of the text of one in a link, where they are joined by '-'."""
    if isinstance(value, str):
        return value.split("-")
    return list(value) if isinstance(value, (list, tuple)) else None


def _shape(key: str, value: Any) -> Any:
    items = _items(value)
    example = f"shape is {short_repr(value)}; it must be 2 to {MAX_DENSE + 1} widths from 1 to {MAX_WIDTH:,}"
    try:
        widths = [int(item) for item in items or ()]
        if items is None or any(isinstance(item, (bool, float)) for item in items):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        return Problem(f"{example}, such as 2-8-8-1.")
    if not 2 <= len(widths) <= MAX_DENSE + 1 or not all(1 <= width <= MAX_WIDTH for width in widths):
        return Problem(f"{example}, the inputs first.")
    if (count := parameter_count(widths)) > MAX_PARAMETERS:
        return Problem(f"shape {'-'.join(map(str, widths))} has {count:,} parameters; at most {MAX_PARAMETERS:,} fit.")
    return tuple(widths)


def parameter_count(widths: Sequence[int]) -> int:
    """How many weights and biases a network of these widths has."""
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths))


def _entry(look_up: Callable[[Any], Any]) -> Callable[[str, Any], Any]:
    def read(key: str, value: Any) -> Any:
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            return Problem(f"{key} must be a name, not {short_repr(value)}.")
        try:
            return str(look_up(value).name)
        except (ValueError, TypeError) as error:  # a GlassnetError, which names the known ones
            return Problem(f"{key}: {error}")

    return read


def _initializer(key: str, value: Any) -> Any:
    """A name, or `normal:2` for a standard deviation of 2."""
    name, colon, scale = value.partition(":") if isinstance(value, str) else (value, "", "")
    if not colon:
        return _entry(initializer)(key, value)
    try:
        return (
            f"normal:{Normal(float(scale)).scale:g}" if name == "normal" else Problem(f"init: {name!r} has no scale.")
        )
    except ValueError as error:  # a GlassnetError among them
        return Problem(f"init: {error}")


def _activations(key: str, value: Any) -> Any:
    items = _items(value)
    if not items or len(items) > MAX_DENSE:
        return Problem(f"act is {short_repr(value)}; it must be the names of 1 to {MAX_DENSE} activations.")
    names = [_entry(activation)(key, item) for item in items]
    problem = next((name for name in names if isinstance(name, Problem)), None)
    return problem or tuple(names)


def _data(key: str, value: Any) -> Any:
    from glassnet.data.toy_sets import TOY_SETS

    known = [*TOY_SETS, *OWN_DATA]
    if isinstance(value, str) and value in (*known, NOTEBOOK_DATA):
        return value
    return Problem(str(unknown_name("data", value if isinstance(value, str) else short_repr(value), known)))


def _text(key: str, value: Any) -> Any:
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        return value
    return Problem(f"{key} must be a text of at most {MAX_TEXT} letters.")


def _file(key: str, value: Any) -> Any:
    text = value.removeprefix("sha256:") if isinstance(value, str) else ""
    if isinstance(value, str) and (not text or (len(text) == 64 and set(text) <= set("0123456789abcdef"))):
        return text
    return Problem(f"file is {short_repr(value)}; it must be a SHA-256 of 64 hexadecimal digits.")


def _weights(key: str, value: Any) -> Any:
    items = value.split(",") if isinstance(value, str) else _items(value)
    try:
        numbers = tuple(float(item) for item in items or () if item != "")
    except (TypeError, ValueError, OverflowError):
        return Problem(f"w is {short_repr(value)}; it must be numbers.")
    if len(numbers) > MAX_WEIGHTS or not all(map(math.isfinite, numbers)):
        return Problem(f"w must be at most {MAX_WEIGHTS} finite numbers.")
    return numbers


def _engine(key: str, value: Any) -> Any:
    if value in ("compiled", "numpy"):
        return value
    return Problem(str(unknown_name("engine", str(value), ["compiled", "numpy"])))


def _task(key: str, value: Any) -> Any:
    return value if value in TASKS else Problem(str(unknown_name("task", str(value), TASKS)))


def _then(key: str, value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_CHANGES:
        return Problem(f"then must be a list of at most {MAX_CHANGES} changes.")
    changes, last = list[Change](), 0
    for item in value:
        t, changed = (item.get("t"), item.get("set")) if isinstance(item, dict) else tuple(item)
        if isinstance(t, bool) or not isinstance(t, int) or not last <= t <= MAX_STEP or not isinstance(changed, dict):
            return Problem(f"then: {short_repr(item)} is no change of settings after a step.", tuple(changes))
        problems: list[Problem] = []
        read = read_values({name: changed[name] for name in changed if name in CHANGEABLE}, problems)
        problems += [
            Problem(f"{short_repr(name)} cannot change during a run.") for name in changed.keys() - read.keys()
        ]
        if problems:
            return Problem(f"then, after step {t:,}: {problems[0].text}", tuple(changes))
        changes.append(Change(t, read))
        last = t
    return tuple(changes)


READERS: dict[str, Callable[[str, Any], Any]] = {
    "data": _data,
    "n": _number,
    "noise": _number,
    "test": _number,
    "shape": _shape,
    "act": _activations,
    "cost": _entry(cost),
    "opt": _entry(optimizer),
    "lr": _number,
    "batch": _number,
    "l1": _number,
    "l2": _number,
    "init": _initializer,
    "seed": _number,
    "target": _text,
    "file": _file,
    "task": _task,
    "w": _weights,
    "engine": _engine,
    "then": _then,
}


def checked_values(values: Any, own: Names = NO_NAMES) -> dict[str, Any]:
    """The settings of a form, all of them usable. Raises ParameterError with the first that is not."""
    if not isinstance(values, Mapping):
        raise ParameterError(f"set must be an object of settings, not {short_repr(values)}.")
    problems: list[Problem] = []
    result = read_values(values, problems, own)
    if problems:
        raise ParameterError(problems[0].text.split(", and ")[0].rstrip(".") + ".")
    return result

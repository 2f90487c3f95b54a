"""What a person can choose on the page: the entries of the tables and the data sets, and the ranges of the numbers."""

from __future__ import annotations

from typing import Any

from glassnet.data.toy_sets import TOY_SETS, ToySet
from glassnet.errors import GlassnetError
from glassnet.play.model_files import formats
from glassnet.play.network import cost_kinds, default_setup
from glassnet.play.setup import OWN_DATA, RANGES
from glassnet.play.template import Template
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS, Cost
from glassnet.tables.initializers import INITIALIZERS
from glassnet.tables.optimizers import OPTIMIZERS

Message = dict[str, Any]
WIDE_STARTS = {"normal:1": "normal, standard deviation 1", "normal:2": "normal, standard deviation 2"}
COUNT_COSTS = ("poisson", "poisson_deviance")  # of counts, which no data set of the page has


def choices(template: Template | None = None) -> Message:
    """The `choices` of Hello; with a template, the entries of that network take the place of those of their names."""
    known = _choices()
    for key, entries in ({} if template is None else template.entries()).items():
        for entry in entries:
            own = {"name": entry.name, "title": repr(entry), "text": _text_of(entry)}
            same = next((choice for choice in known[key] if choice["name"] == entry.name), None)
            if same is None:
                known[key].append(own | ({"kinds": ["classes", "numbers"]} if key == "cost" else {}))
            else:
                same |= own
    return known


def _choices() -> Message:
    starts = [_choice(name, f"W ~ {name}", entry) for name, entry in INITIALIZERS.items()]
    starts = [start | {"title": start["name"]} for start in starts]
    return {
        "data": [*map(_data_choice, TOY_SETS.values()), *_own_choices()],
        "act": [{"name": name, "title": name, "text": _text(entry)} for name, entry in ACTIVATIONS.items()],
        "cost": [_cost_choice(name) for name in COSTS if name not in COUNT_COSTS],
        "opt": [_choice(name, name, entry) for name, entry in OPTIMIZERS.items()],
        "init": [*starts, *({"name": name, "title": title} for name, title in WIDE_STARTS.items())],
        "formats": formats(),
        "ranges": {
            key: {"min": each.low, "max": each.high, "log": each.logarithmic}
            | ({"step": each.step} if each.step else {})
            for key, each in RANGES.items()
        },
    }


def _cost_choice(name: str) -> Message:
    return {"name": name, "title": name.replace("_", " "), "text": _text(COSTS[name]), "kinds": cost_kinds(name)}


def _choice(name: str, title: str, entry: Any) -> Message:
    return {"name": name, "title": title, "text": _first_line(entry)}


def _text(kind: Any) -> str:
    """The formula of a kind of entries, or the first line about it."""
    try:
        return _text_of(kind())
    except (GlassnetError, TypeError):  # it needs settings
        return _first_line(kind)


def _text_of(entry: Any) -> str:
    """The formula of an entry, or the first line about its kind."""
    try:
        return str(entry.text("a" if isinstance(entry, Cost) else "z"))
    except (GlassnetError, AttributeError, TypeError):
        return _first_line(entry)


def _first_line(entry: Any) -> str:
    return (entry.__doc__ or "").strip().split("\n")[0]


def _data_choice(entry: ToySet) -> Message:
    outputs = max(1, len(entry.classes)) if len(entry.classes) != 2 else 1
    sizes = {"inputs": len(entry.inputs), "outputs": outputs, "kind": entry.kind}
    defaults = default_setup(entry.name).plain()
    wanted = ("n", "noise", "test", "shape", "act", "cost", "opt", "lr", "batch")
    text = {"name": entry.name, "title": entry.title, "text": entry.text}
    return text | sizes | {"defaults": {key: defaults[key] for key in wanted}}


def _own_choices() -> list[Message]:
    empty = {"inputs": 0, "outputs": 0, "kind": "classes", "defaults": {}}
    return [{"name": name, "title": title} | empty for name, title in OWN_DATA.items()]

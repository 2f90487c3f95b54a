"""The pages of the public names, one each, in the groups of the folders that they come from.

The entries of the tables have their sections in `table_pages.py`; the exceptions share one page.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import glassnet
from ext import rst
from glassnet import errors, scale

GROUPS = {  # folder or module of glassnet: the heading under which its names stand
    "network": "The network and its training",
    "training": "The network and its training",
    "sweep": "The network and its training",
    "see": "One step, with its numbers",
    "check": "Checks of a gradient",
    "tabular": "Models of raw columns",
    "estimators": "In place of scikit-learn",
    "loading": "Files",
    "files": "Files",
    "export": "Export and import",
    "plots": "Pictures",
    "play": "The page",
    "scale": "More than one machine",
}
TABLES, ERRORS = "tables", "errors"


def write_names(folder: Path) -> list[tuple[str, list[str]]]:
    """Write a page per name and the page of the errors; return the names of each group."""
    groups: dict[str, list[str]] = {}
    for name, home in homes():
        if home not in (TABLES, ERRORS) or name.startswith("custom_"):
            title = "Your own formulas" if home == TABLES else GROUPS.get(home, home.capitalize())
            groups.setdefault(title, []).append(name)
            (folder / f"{name}.rst").write_text(page(name), encoding="utf-8")
    exceptions = [name for name, home in homes() if home == ERRORS]
    (folder / "errors.rst").write_text(error_page(exceptions), encoding="utf-8")
    order = list(dict.fromkeys(GROUPS.values()))
    return sorted(groups.items(), key=lambda group: order.index(group[0]) if group[0] in order else len(order))


def homes() -> Iterator[tuple[str, str]]:
    """Every public name with the folder or module that it comes from."""
    for name, home in glassnet._HOME_OF.items():
        yield name, home.split(".")[0]
    for name in scale.__all__:
        yield f"scale.{name}", "scale"


def public(name: str) -> Any:
    """What a public name stands for; that of glassnet.scale.fit is scale.fit."""
    return operator.attrgetter(name)(glassnet)


def page(name: str) -> str:
    """The page of a class or function."""
    value = public(name)
    if not inspect.isclass(value):
        return f"{rst.heading(name)}\n{rst.directive('autofunction', f'glassnet.{name}')}"
    listed = members(value)
    options = {"members": ", ".join(listed)} if listed else {}
    written = parameters(value) if hasattr(value.__init__, "__signature__") else ""
    return f"{rst.heading(value.__name__)}\n{rst.directive('autoclass', f'glassnet.{name}{written}', **options)}"


def parameters(kind: type[Any]) -> str:
    """The parameters of a class with their defaults, where a decorator made them, which autodoc cannot read."""
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in inspect.signature(kind).parameters.values()]
    return str(inspect.Signature(bare))


def members(kind: type[Any]) -> list[str]:
    """The documented public methods and properties that glassnet wrote, in the order of the source."""
    owners = [owner for owner in reversed(kind.__mro__) if owner.__module__.startswith("glassnet.")]
    names = dict.fromkeys(name for owner in owners for name in vars(owner) if not name.startswith("_"))
    return [name for name in names if documented(getattr(kind, name))]


def documented(value: Any) -> bool:
    """Whether a member of a class is a method or a property of ours with a docstring; set_fit_request is not ours."""
    function = value.fget if isinstance(value, property) else getattr(value, "func", value)
    ours = inspect.isroutine(function) and str(function.__module__).startswith("glassnet.")
    return ours and bool(value.__doc__)


def error_page(names: list[str]) -> str:
    """The page of the exceptions; what to do stands in their docstrings."""
    parts = [rst.heading("Errors"), rst.prose(inspect.getdoc(errors) or ""), ""]
    for name in names:
        bases = [base.__name__ for base in getattr(glassnet, name).__mro__[1:] if base.__module__ == "builtins"]
        caught = f"Caught by ``except {bases[0]}`` too.\n" if bases[0] != "Exception" else ""
        parts += [rst.heading(name, 1), rst.directive("autoexception", f"glassnet.{name}"), caught]
    return "\n".join(parts)

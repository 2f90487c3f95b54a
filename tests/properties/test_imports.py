"""No module imports another in a circle, imports for types and inside functions included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import glassnet

PACKAGE = Path(glassnet.__file__).parent


def name_of(path: Path) -> str:
    """The dotted name of a module of the package."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def imported(source: str, modules: set[str]) -> Iterator[str]:
    """The modules of the package that a source imports anywhere; `from a import b` is a.b where that is a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                yield next((name for name in (f"{node.module}.{alias.name}", node.module) if name in modules), "")


def circle(sources: dict[str, str]) -> list[str]:
    """Modules that import one another in a circle, or an empty list."""
    modules = set(sources)
    graph = {name: {*imported(source, modules)} - {"", name} for name, source in sources.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_circle_of_imports() -> None:
    sources = {name_of(path): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    del sources["glassnet"]  # it loads public names when they are first used
    assert len(sources) > 100
    assert circle(sources) == []


@pytest.mark.parametrize(
    "second",
    [
        "import glassnet.a",
        "from glassnet import a",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from glassnet.a import A",
        "def f():\n    from glassnet.a import A",
    ],
)
def test_a_circle_is_found(second: str) -> None:
    assert circle({"glassnet.a": "from glassnet.b import B", "glassnet.b": second}) != []
    assert circle({"glassnet.a": "from glassnet.b import B", "glassnet.b": ""}) == []

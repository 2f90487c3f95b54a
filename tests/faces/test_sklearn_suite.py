"""Runs scikit-learn's installed tests of its neural networks on ours, with one import replaced.

`test_gradient` calls a private method of its class; tests/gradients checks our gradients.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

IMPORT = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
OURS = "from glassnet import MLPClassifier, MLPRegressor"
PRIVATE = {"test_gradient"}


def suite() -> types.ModuleType:
    """The installed test module, with our estimators imported."""
    spec = find_spec("sklearn.neural_network")
    assert spec is not None and spec.origin is not None
    path = Path(spec.origin).parent / "tests" / "test_mlp.py"
    source = path.read_text(encoding="utf-8")
    assert source.count(IMPORT) == 1
    module = types.ModuleType("sklearn_test_mlp")
    sys.modules[module.__name__] = module
    exec(
        compile(source.replace(IMPORT, OURS), str(path), "exec"), vars(module)
    )  # scikit-learn's code with one line replaced
    return module


MODULE = suite()
TESTS: dict[str, Callable[..., Any]] = {
    name: function for name, function in vars(MODULE).items() if name.startswith("test_") and name not in PRIVATE
}


def cases() -> Iterator[Any]:
    """Each test with each set of its arguments."""
    for name, function in TESTS.items():
        marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
        argument_sets: list[dict[str, Any]] = [{}]
        for mark in marks:
            names = [name.strip() for name in mark.args[0].split(",")]
            values = [value if len(names) > 1 else (value,) for value in mark.args[1]]
            argument_sets = [
                partial | dict(zip(names, value, strict=True)) for partial in argument_sets for value in values
            ]
        for number, arguments in enumerate(argument_sets):
            yield pytest.param(function, arguments, id=f"{name}-{number}" if len(argument_sets) > 1 else name)


def test_all_public_tests_are_run() -> None:
    assert len(TESTS) >= 42 and set(vars(MODULE)) >= PRIVATE
    assert MODULE.MLPClassifier.__module__.startswith("glassnet") and "sklearn" in MODULE.scale.__module__


@pytest.mark.filterwarnings("default", "error::glassnet.estimators.fit_warnings.FitWarning")
@pytest.mark.parametrize(("function", "arguments"), list(cases()))
def test_scikit_learns_test_passes(
    function: Callable[..., Any], arguments: dict[str, Any], capsys: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fixtures = {"capsys": capsys, "tmp_path": tmp_path, "global_random_seed": 42}
    needed = set(inspect.signature(function).parameters) - set(arguments)
    with np.errstate(all="warn"):
        function(**arguments, **{name: fixtures[name] for name in needed})

"""The types that a checker sees: every public name has one, valid use passes and wrong use is an error.

`typed_use.py` is valid use, and is run as well; each line of `WRONG` must be exactly one error of mypy.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import glassnet

from . import typed_use

pytestmark = pytest.mark.slow  # mypy
PACKAGE = Path(glassnet.__file__).parent
# Large libraries that no public type mentions are not followed: a run takes 5 seconds instead of 40.
SETTINGS = """
[mypy]
strict = true
follow_imports = silent
[mypy-llvmlite.*,narwhals.*,numba.*,onnx.*,onnxruntime.*,pyarrow.*,rich.*,safetensors.*,scipy.*,sklearn.*,typer.*]
follow_imports = skip
"""
HEADER = """import glassnet
net, x, y = glassnet.NeuralNetwork([2, 1]), [[0.0], [1.0]], [[1.0]]
history = net.train(x, y)
"""
WRONG = [
    ("glassnet.Adamm", "attr-defined"),
    ("from glassnet import NeuralNetwrok", "attr-defined"),
    ('glassnet.Adam(beta1="x")', "arg-type"),
    ("glassnet.Adam(beta=0.9)", "call-arg"),
    ("glassnet.Dropout([0.1])", "arg-type"),
    ("glassnet.NeuralNetwork(layer=[2, 1])", "call-arg"),
    ("glassnet.NeuralNetwork(2)", "arg-type"),
    ("glassnet.NeuralNetwork([2.5, 1])", "list-item"),
    ("glassnet.NeuralNetwork([2, 1], [1])", "list-item"),
    ("glassnet.NeuralNetwork([2, 1], glassnet.Tanh())", "arg-type"),
    ("glassnet.NeuralNetwork([2, 1], cost=glassnet.Tanh())", "arg-type"),
    ("glassnet.NeuralNetwork([2, 1], initializer=glassnet.Adam())", "arg-type"),
    ('glassnet.NeuralNetwork([2, 1], seed="a")', "arg-type"),
    ("net.train(x)", "call-arg"),
    ("net.train(x, None)", "arg-type"),
    ("net.train(x, y, optimizer=glassnet.Cosine())", "arg-type"),
    ("net.train(x, y, schedule=0.1)", "arg-type"),
    ("net.train(x, y, checkpoint=3)", "arg-type"),
    ("net.train(x, y, callbacks=lambda report: True)", "arg-type"),
    ("net.train(x, y, epoch=3)", "call-arg"),
    ("net.predict()", "call-arg"),
    ("net.predict(object())", "arg-type"),
    ("net.feedforward(x, training=None)", "arg-type"),
    ("net.backpropagation(y, 1, [])", "arg-type"),
    ('net.cost(x, y, override={"w1[0,0]": "a"})', "dict-item"),
    ('net.cost(x, y) + "1"', "operator"),
    ("net.save(3)", "arg-type"),
    ("glassnet.NeuralNetwork.load(3)", "arg-type"),
    ("net.nudge(x, y)", "call-arg"),
    ("net.explain_step(x, y, optimizer=1)", "arg-type"),
    ("net.weight", "attr-defined"),
    ("history + 1", "operator"),
    ("history.reports[0].costs", "attr-defined"),
    ("history.best_epoch + 1", "operator"),
    ("glassnet.plot_training(net)", "arg-type"),
    ("glassnet.gradient_check(history, x, y)", "arg-type"),
    ("glassnet.train_many(net, x, y)", "arg-type"),
    ("glassnet.MLPClassifier(hidden=3)", "call-arg"),
    ("glassnet.MLPClassifier(2.5)", "arg-type"),
    ("glassnet.MLPRegressor(optimizer=glassnet.Tanh())", "arg-type"),
    ("raise glassnet.Adam()", "misc"),
]


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int, str]]:
    """The file, line and code of each error of mypy in typed_use.py and in the wrong uses."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "mypy.ini").write_text(SETTINGS)
    (folder / "wrong_use.py").write_text(HEADER + "\n".join(statement for statement, _ in WRONG) + "\n")
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", os.devnull, "wrong_use.py"]
    environment = os.environ | {"MYPYPATH": str(PACKAGE.parent)}
    run = subprocess.run(
        [*command, typed_use.__file__], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1, run.stdout + run.stderr
    found = re.findall(r"^(.+):(\d+): error: .*\[([a-z-]+)\]$", run.stdout, re.MULTILINE)
    return [(Path(file).name, int(line), code) for file, line, code in found]


def test_the_stub_has_the_public_names_from_their_homes() -> None:
    module = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in module.body if isinstance(node, ast.ImportFrom)]
    aliases = [(alias, node.module) for node in imports for alias in node.names]
    assert all(alias.asname == alias.name for alias, _ in aliases), "`import A as A` is what makes A public"
    homes = [(name, f"glassnet.{home}") for home, names in glassnet._HOMES.items() for name in names]
    assert sorted((alias.name, home) for alias, home in aliases) == sorted(homes)
    assert sorted(alias.name for alias, _ in aliases) == glassnet.__all__
    others = [ast.unparse(node) for node in module.body[1:] if not isinstance(node, ast.ImportFrom)]
    assert others == ["__version__: str"], "a __getattr__ would make every name valid"


def test_types_are_marked_as_shipped() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_typed_use_has_every_public_name() -> None:
    nodes = ast.walk(ast.parse(Path(typed_use.__file__).read_text(encoding="utf-8")))
    used = {n.attr for n in nodes if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "glassnet"}
    assert used >= {*glassnet.__all__, "__version__"}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_typed_use_runs(tmp_path: Path) -> None:
    assert typed_use.main(tmp_path).startswith(glassnet.__version__)


def test_valid_use_passes(errors: list[tuple[str, int, str]]) -> None:
    assert [error for error in errors if error[0] == "typed_use.py"] == []


def test_wrong_use_is_one_error_a_line(errors: list[tuple[str, int, str]]) -> None:
    first = HEADER.count("\n") + 1
    expected = Counter((f"{number}: {statement}", code) for number, (statement, code) in enumerate(WRONG, first))
    statements = dict(enumerate([*HEADER.splitlines(), *(statement for statement, _ in WRONG)], 1))
    reported = [(f"{line}: {statements[line]}", code) for file, line, code in errors if file == "wrong_use.py"]
    assert Counter(reported) == expected

"""The package as users install it: its wheel in an empty environment of each Python, without compiler or HOME."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MAX_WHEEL_BYTES = 1_500_000
PYTHONS = ("python3.11", "python3.12", "python3.13", "python3.14")
SMOKE = """
import numpy as np, glassnet
x = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
y = np.array([[0, 1, 1, 0]])
net = glassnet.NeuralNetwork([2, 10, 1], seed=1)
history = net.train(x, y, batch_size=4, epochs=2000, lr=5.0)
assert not history.warnings, history.warnings
assert net.predict(x).round().tolist() == y.tolist()
assert "glassnet.engine.compile" in __import__("sys").modules or net.engine == "compiled"
print(glassnet.gradient_check(net, x, y))
"""


def pythons() -> list[str]:
    """A program for each of these versions of Python that is there: on the PATH, or installed by pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    result = []
    for name in PYTHONS:
        candidates = [shutil.which(name), *sorted(map(str, pyenv.glob(f"*/bin/{name}")))]
        result += [path for path in candidates if path is not None and works(path)][:1]
    return result or [sys.executable]


def works(python: str) -> bool:
    """Whether a program runs: a version manager has commands for versions that are not there."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run([*command, "-t", "sdist"], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "source", filter="data")
    source = next((folder / "source").iterdir())
    subprocess.run([*command, "-t", "wheel"], cwd=source, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module", params=pythons(), ids=os.path.basename)
def environment(
    request: pytest.FixtureRequest, built: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A virtual environment with the wheel and what it requires, nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([request.param, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    wheel = str(next(built.glob("*.whl")))
    subprocess.run([*pip, "--only-binary", ":all:", wheel], check=True, capture_output=True)
    yield folder
    shutil.rmtree(folder)


def test_the_wheel_is_small_and_whole(built: Path) -> None:
    wheel = next(built.glob("*.whl"))
    assert wheel.stat().st_size <= MAX_WHEEL_BYTES
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("glassnet/py.typed", "glassnet/__init__.pyi", "glassnet/play/static/app.js", "man/man1/glassnet.1"):
        assert any(path.endswith(name) for path in names), name
    assert not [name for name in names if name.startswith(("tests/", "web/", "benchmarks/"))]


def test_it_works_without_repository_compiler_and_home(environment: Path, tmp_path: Path) -> None:
    """The program from its first training on: demo, a table, a prediction, and the library itself."""
    before = files_of(environment)
    run(environment, tmp_path, "python", "-W", "error::RuntimeWarning", "-c", SMOKE)
    assert "accuracy" in run(environment, tmp_path, "glassnet", "demo", "--epochs", "2")
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}" for a, b in rng.random((200, 2))]
    (tmp_path / "t.csv").write_text("\n".join(["first,second,answer", *rows]), encoding="utf-8")
    run(environment, tmp_path, "glassnet", "train", "t.csv", "--target", "answer", "--out", "m.glassnet")
    run(environment, tmp_path, "glassnet", "predict", "m.glassnet", "t.csv", "--out", "p.csv")
    assert len((tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()) == 201
    assert files_of(environment) == before, "the installation has been written to"


def run(environment: Path, folder: Path, *command: str) -> str:
    """Run a program of the environment in an empty folder, and return what it prints."""
    settings = {
        "PATH": str(environment / "bin"),
        "GLASSNET_CACHE": str(folder / "kernels"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    program = str(environment / "bin" / command[0])
    done = subprocess.run(
        [program, *command[1:]], cwd=folder, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def files_of(folder: Path) -> dict[str, int]:
    """The files of an installation with the times of their last change."""
    paths = (Path(parent) / name for parent, _, names in os.walk(folder) for name in names)
    return {str(path): path.lstat().st_mtime_ns for path in paths}

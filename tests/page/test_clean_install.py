"""A wheel in an environment of its own, with no Node on the path: the page opens, from the files in the wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, Server
from .reading import MOONS, wait_for_step

pytestmark = [pytest.mark.browser, pytest.mark.slow]
STATIC = "glassnet/play/static"


def run(*command: str | Path, **options: Any) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=900, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built as `pip install` builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "--wheel-dir", folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of an environment with the wheel in it; what it depends on is that of the tests' environment."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", folder)
    programs = folder / "bin"
    packages = Path(run(programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    run(programs / "python", "-m", "pip", "install", "--no-deps", "--no-index", "--ignore-installed", wheel)
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return kept | {"PATH": str(programs)}


@pytest.fixture(scope="module")
def server(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The `glassnet` program of that environment, started in an empty folder."""
    program = str(Path(environment["PATH"]) / "glassnet")
    running = Server(program=(program,), env=environment, cwd=tmp_path_factory.mktemp("empty"))
    yield running
    running.close()


def test_the_wheel_has_the_page_and_names_what_it_needs(wheel):
    with zipfile.ZipFile(wheel) as files:
        built = {name: files.read(name) for name in files.namelist() if name.startswith(STATIC)}
        metadata = next(files.read(name).decode() for name in files.namelist() if name.endswith("/METADATA"))
    committed = {f"{STATIC}/{path.name}": path.read_bytes() for path in (ROOT / "src" / STATIC).iterdir()}
    assert built == committed
    for package in ("starlette", "uvicorn", "websockets"):
        assert any(line.startswith(f"Requires-Dist: {package}") and "play" in line for line in metadata.splitlines())


def test_the_page_of_a_clean_environment_opens_and_takes_a_step(opened, environment, server):
    python = Path(environment["PATH"]) / "python"
    where = run(
        python, "-c", "import glassnet, shutil; print(glassnet.__file__, shutil.which('node'))", env=environment
    )
    assert where.startswith(str(python.parent.parent)) and where.endswith("None\n")
    page = opened(MOONS + "&view=watch")
    wait_for_step(page, 0)
    assert page.locator("[data-neuron]").count() == 19
    page.get_by_test_id("step-on").click()
    wait_for_step(page, 1)

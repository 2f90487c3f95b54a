"""Settings of all tests: strict NumPy, one folder of compiled kernels, a fixed seed, a terminal of fixed size.

A marked test is skipped, with the reason, where this machine lacks what its mark needs.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"

REQUIREMENTS: dict[str, tuple[Callable[[], object], str]] = {
    "data": (SHARED.is_dir, "the folder ../shared/data is missing"),
    "browser": (lambda: shutil.which("chromium"), "Chromium is missing"),
    "cluster": (lambda: importlib.util.find_spec("distributed"), "Dask is missing: pip install 'glassnet[dask]'"),
    "compiler": (lambda: shutil.which("cc"), "a C compiler (cc) is missing"),
    "node": (lambda: shutil.which("node"), "Node.js is missing"),
    "peer": (
        lambda: all(map(importlib.util.find_spec, ("torch", "keras", "onnxruntime"))),
        "PyTorch, Keras or ONNX Runtime is missing: run make peers",
    ),
    "docs": (
        lambda: all(map(importlib.util.find_spec, ("sphinx", "myst_parser", "numpydoc", "sphinx_gallery"))),
        "Sphinx or one of its extensions is missing: run make docs",
    ),
}

hypothesis.settings.register_profile("fast", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.register_profile("more", deadline=None, max_examples=2000, print_blob=True)
hypothesis.settings.load_profile("fast")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="a skipped test fails the run")


def pytest_configure() -> None:
    """Set up the whole process, so that doctests, worker processes and subprocesses are covered too."""
    cache = Path(os.environ.setdefault("GLASSNET_CACHE", str(ROOT / ".cache" / "engine")))
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o700)
    os.environ.update(COLUMNS="120", LINES="40", MPLBACKEND="Agg")
    np.seterr(over="raise", invalid="raise", divide="raise")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark, (is_met, reason) in REQUIREMENTS.items():
        if item.get_closest_marker(mark) and not is_met():
            pytest.skip(reason)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--fail-on-skip") and reporter and reporter.stats.get("skipped"):
        reporter.write_line("\n--fail-on-skip: a test was skipped, so this run fails", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def strict_numpy() -> object:
    """Restore NumPy's error state after each test."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data beside the clone; a test that reads it is marked `data`."""
    if not SHARED.is_dir():
        pytest.skip(REQUIREMENTS["data"][1])
    return SHARED

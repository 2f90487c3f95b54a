"""The built page: made of the sources in web/, byte for byte, small, and without any arithmetic of a model."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .conftest import ROOT

WEB, STATIC = ROOT / "web", ROOT / "src/glassnet/play/static"
MAX_BYTES = 250_000  # of a script and its style together, uncompressed
ARITHMETIC = re.compile(r"\b(exp|expm1|tanh|sinh|cosh|matmul|dot|sigmoid|softmax|relu)\s*\(")


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.node
def test_a_build_of_the_sources_gives_the_committed_files(web_packages, tmp_path):
    for mode in ("production", "widget"):
        run("npx", "vite", "build", "--mode", mode, "--outDir", str(tmp_path), "--logLevel", "error")
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_bytes() for path in STATIC.iterdir()}
    assert sorted(built) == sorted(committed)
    assert [name for name in built if built[name] != committed[name]] == []


@pytest.mark.node
def test_types_and_unit_tests(web_packages):
    run("npm", "run", "check")
    run("npm", "test")


def test_the_bundle_is_small_and_can_be_put_into_a_file():
    for name in ("app", "widget"):
        assert sum((STATIC / f"{name}.{kind}").stat().st_size for kind in ("js", "css")) <= MAX_BYTES
    assert "</script" not in (STATIC / "app.js").read_text()
    addresses = re.findall(r"(?:https?|wss?)://[\w.]+", (STATIC / "app.js").read_text())
    assert set(addresses) <= {"http://www.w3.org", "https://www.w3.org", "https://svelte.dev"}  # names of SVG, errors


def test_the_page_computes_nothing_of_a_model():
    sources = [
        path for path in Path(WEB / "src").rglob("*") if path.suffix in (".ts", ".svelte") and ".test." not in path.name
    ]
    assert len(sources) > 50
    found = {path.name: ARITHMETIC.findall(path.read_text()) for path in sources}
    assert {name: calls for name, calls in found.items() if calls} == {}

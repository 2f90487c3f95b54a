"""Every file of the corpus, seeds and what once was a crash, is read or refused in one sentence within a second.

What the fuzzers of tests/fuzz find is added to the corpus, so that it stays mended.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glassnet.errors import GlassnetError

from ..fuzz.mutation import mutated
from ..fuzz.targets import CORPUS, TARGETS, SlowError, Target, check, seeds
from ..limits import cpu_limit

FILES = [path for name in TARGETS for path in seeds(name)]


@pytest.mark.parametrize("file", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_of_the_corpus(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "input"
    copy.write_bytes(file.read_bytes())
    with cpu_limit(1):
        check(TARGETS[file.parent.name], copy)
    assert copy.read_bytes() == file.read_bytes()


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_changes_of_each_seed(name: str, tmp_path: Path) -> None:
    """The fuzzer itself, for a moment."""
    rng, target = np.random.default_rng(0), TARGETS[name]
    originals = [path.read_bytes() for path in seeds(name)]
    for content in originals[:12]:
        (tmp_path / "input").write_bytes(mutated(content, originals, target.tokens, rng))
        check(target, tmp_path / "input")


def test_a_target_may_raise_nothing_but_our_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(error: Exception) -> Target:
        def read(path: Path) -> None:
            raise error

        return Target(read, ())

    check(fails(GlassnetError("a sentence.")), tmp_path)
    for error in (ValueError("x"), KeyError("x"), MemoryError()):
        with pytest.raises(type(error)):
            check(fails(error), tmp_path)
    for text in ("two\nlines", " "):
        with pytest.raises(AssertionError, match="not one sentence"):
            check(fails(GlassnetError(text)), tmp_path)
    monkeypatch.setattr("time.monotonic", iter([0.0, 6.0]).__next__)
    with pytest.raises(SlowError):
        check(Target(lambda path: None, ()), tmp_path)


def test_each_target_has_seeds() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert all(len(seeds(name)) >= 2 for name in TARGETS)

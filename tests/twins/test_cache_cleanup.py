"""Old files of the cache: those in use stay, those not read for 90 days are removed, and no others are touched."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest

from glassnet.engine import KernelSpec, cache

SPEC = KernelSpec("one_hot", "float32")
CODE = ("symbol", b"code")


@pytest.fixture(autouse=True)
def replaced_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache directory, and a compiler whose code is never run."""
    cache.remove_old_files.cache_clear()
    monkeypatch.setattr(cache, "compile_kernel", lambda spec: CODE)
    monkeypatch.setattr(cache, "load", lambda code, symbol: 1)
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path / "cache"))


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def age(path: Path, days: float) -> Path:
    path.touch()
    then = time.time() - days * cache.DAY
    os.utime(path, (then, then))
    return path


def test_old_files_of_the_cache_are_removed_and_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    old = [age(folder / ("a" * 64 + ".kernel"), 91), age(folder / ("b" * 16 + "x_1y2z3w.part"), 1.1)]
    others = [age(folder / ("c" * 64 + ".kernel"), 89), age(folder / ("d" * 16 + "x_1y2z3w.part"), 0.9)]
    others += [age(folder / name, 999) for name in ("film.part", "a.kernel", "notes.txt")]
    cache.kernel_address(SPEC)
    assert not any(path.exists() for path in old) and all(path.exists() for path in others)
    assert (folder / (cache.key(SPEC) + ".kernel")).exists()


def test_nothing_is_removed_where_nothing_was_compiled(tmp_path: Path) -> None:
    cache.kernel_address(SPEC)
    cache.remove_old_files.cache_clear()
    old = age(tmp_path / "cache" / ("a" * 64 + ".kernel"), 91)
    cache.kernel_address(SPEC)
    assert old.exists()


@pytest.mark.parametrize(("days", "is_renewed"), [(89.0, True), (1.1, True), (0.9, False)])
def test_reading_a_file_renews_it(tmp_path: Path, days: float, is_renewed: bool) -> None:
    cache.kernel_address(SPEC)
    path = age(only_file(tmp_path / "cache"), days)
    before = path.stat().st_mtime
    cache.kernel_address(SPEC)
    assert (path.stat().st_mtime > before + cache.DAY / 2) == is_renewed


def test_where_nothing_can_be_removed_or_touched_nothing_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, "not permitted")

    cache.kernel_address(SPEC)
    path = age(only_file(tmp_path / "cache"), 5)
    age(tmp_path / "cache" / ("a" * 64 + ".kernel"), 91)
    for name in ("utime", "unlink"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    cache.remove_old_files.cache_clear()
    cache.remove_old_files(tmp_path / "cache")
    assert cache.read(path, path.stem) == CODE
    monkeypatch.setattr(Path, "iterdir", refuse)
    cache.remove_old_files.cache_clear()
    cache.remove_old_files(tmp_path / "cache")

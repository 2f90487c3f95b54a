"""Random mutants of every kind of file, sealed with a checksum that fits: one sentence, or something that works."""

from __future__ import annotations

import contextlib
import random
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

import glassnet
from glassnet import Dropout, MLPClassifier, NeuralNetwork, Recording
from glassnet.errors import DataError, ModelFileError

from ..limits import cpu_limit

SAVED = Path(__file__).parent / "saved"
X = np.random.default_rng(0).random((3, 24)).astype(np.float32)
WORDS = [b"null", b"-1", b"1e308", b"9223372036854775807", b'"x"', b"[]", b"{}", b"true", b"[[[1]]]", b"0.5", b"1e999"]


class Kind(NamedTuple):
    """A kind of file: how one is written, read, and used."""

    write: Callable[[Path], Any]
    read: Callable[[Path], Any]
    use: Callable[[Any], Any] = lambda loaded: None


def network() -> NeuralNetwork:
    return NeuralNetwork([3, 4, Dropout(0.2), 2], ["tanh", "linear"], seed=3, engine="numpy")


def trained(**files: Any) -> NeuralNetwork:
    net = network()
    net.train(X, X[:2], epochs=3, batch_size=9, optimizer="adam", validation=0.25, patience=2, **files)
    return net


def fitted(path: Path) -> None:
    MLPClassifier((3,), max_iter=2, random_state=0).fit(X.T, np.where(X[0] > 0.5, "no", "yes")).save(path)


def tabular(name: str) -> Kind:
    """A model of a table, of the present format; what it is asked to predict may not fit the columns of a mutant."""

    def use(model: Any) -> None:
        with contextlib.suppress(DataError):
            model.predict(pd.read_csv(SAVED / f"{name}.csv") if name != "arrays" else np.zeros((2, 16)))

    return Kind(lambda path: glassnet.load(SAVED / f"old_{name}.safetensors").save(path), glassnet.load, use)


KINDS = {
    "network": Kind(lambda path: trained().save(path), glassnet.load, lambda net: (net.program, net.describe())),
    "estimator": Kind(fitted, glassnet.load, repr),
    "classes": tabular("classes"),
    "numbers": tabular("numbers"),
    "arrays": tabular("arrays"),
    "checkpoint": Kind(lambda path: trained(checkpoint=path), lambda path: trained(checkpoint=path, resume=True)),
    "recording": Kind(lambda path: trained(record=path), Recording, lambda loaded: loaded.history._repr_html_()),
    "format 1": Kind(lambda path: shutil.copy(SAVED / "network_1.safetensors", path), glassnet.load),
}


def mutant(content: bytes, chance: random.Random) -> bytes:
    """The content with one to three bytes, or one value of its text, replaced; the header gets its new length."""
    changed = bytearray(content)
    if chance.random() < 0.5:
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        return bytes(changed)
    length = int.from_bytes(content[:8], "little")
    text = content[8 : 8 + length]
    starts = [
        place
        for place in range(len(text) - 1)
        if text[place : place + 1] in b":,[" and text[place + 1] in b' "0123456789{['
    ]
    first = chance.choice(starts) + 1
    ends = [place for place in range(first + 1, len(text)) if text[place : place + 1] in b",]}"]
    word = chance.choice(WORDS)
    inside = b'\\"' in text[first : ends[0]] or chance.random() < 0.5  # the document is a text inside the header
    replaced = text[:first] + (word.replace(b'"', b'\\"') if inside else word) + text[ends[0] :]
    return len(replaced).to_bytes(8, "little") + replaced + content[8 + length :]


def sealed(content: bytes, chance: random.Random) -> bytes:
    """The content with a checksum that fits, mostly."""
    return content if chance.random() < 0.1 else content[:-4] + zlib.crc32(content[:-4]).to_bytes(4, "little")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("count", [60, pytest.param(1250, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", KINDS)
def test_mutants_are_refused_in_a_sentence_or_work(
    name: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, chance, refused = KINDS[name], random.Random(count), 0
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    kind.write(tmp_path / "m")
    whole = (tmp_path / "m").read_bytes()
    for _ in range(count):
        (tmp_path / "m").write_bytes(
            sealed(mutant(whole, chance), chance) if name != "recording" else mutant(whole, chance)
        )
        try:
            with cpu_limit(1):
                loaded = kind.read(tmp_path / "m")
        except ModelFileError as error:
            assert str(error).startswith(str(tmp_path / "m")) and str(error).endswith(".") and "\n" not in str(error)
            refused += 1
        else:
            kind.use(loaded)
    assert refused > count / 2

"""A file of another kind is not replaced, whatever its name: data, programs and models of others stay as they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

from glassnet import MLPRegressor, NeuralNetwork, to_keras, to_source, to_torch_state_dict
from glassnet.cli.app import app
from glassnet.errors import GlassnetError

X = np.random.default_rng(0).normal(size=(2, 40))
CSV = b"a,b\n" + b"1,2\n" * 40
Writer = Callable[[NeuralNetwork, Path], Any]


def trained() -> NeuralNetwork:
    net = NeuralNetwork([2, 3, 1], seed=0)
    net.train(X, X[:1] > 0, 10, 1)
    return net


def train(**options: Any) -> None:
    NeuralNetwork([2, 3, 1], seed=0).train(X, X[:1] > 0, 10, 1, **options)


def estimator() -> MLPRegressor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is not trained to the end
        return MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0).fit(X.T, X[0])


WRITERS: dict[str, Writer] = {
    "save": lambda net, path: net.save(path),
    "save of an estimator": lambda net, path: estimator().save(path),
    "checkpoint": lambda net, path: train(checkpoint=path),
    "record": lambda net, path: train(record=path),
    "to_source": lambda net, path: to_source(net, "python", path),
    "to_keras": to_keras,
    "to_torch_state_dict": to_torch_state_dict,
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_file_of_another_kind_is_left(tmp_path: Path, write: Writer) -> None:
    net, path = trained(), tmp_path / "old"
    np.save(tmp_path / "x.npy", X)
    save_file({"w": X}, tmp_path / "s")
    foreign = [CSV, b"import glassnet\nprint(1)\n", (tmp_path / "x.npy").read_bytes(), b"\x00" * 50]
    if write is not WRITERS["to_torch_state_dict"]:
        foreign.append((tmp_path / "s").read_bytes())
    for content in foreign:
        path.write_bytes(content)
        with pytest.raises(GlassnetError, match=r"old exists and is not .*; it is left unchanged: choose another name"):
            write(net, path)
        assert path.read_bytes() == content
        assert sorted(each.name for each in tmp_path.iterdir()) == ["old", "s", "x.npy"]


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_file_of_the_same_kind_is_replaced_and_so_is_an_empty_one(tmp_path: Path, write: Writer) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"")
    for _ in range(2):
        write(trained(), path)
        assert path.stat().st_size


def test_a_model_is_not_replaced_by_its_own_state_dict(tmp_path: Path) -> None:
    net = trained()
    net.save(tmp_path / "model.safetensors")
    with pytest.raises(GlassnetError, match="is not a state dict"):
        to_torch_state_dict(net, tmp_path / "model.safetensors")


def test_commands_say_so_before_they_read_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("t.csv", "notes"):
        Path(name).write_bytes(CSV)
    Path("model").write_bytes(b"")
    options = (["--out", "notes"], ["--out", "m", "--checkpoint", "notes"])
    commands = [*(["train", "t.csv", "--target", "b", *each] for each in options)]
    for command in [*commands, ["export", "model", "notes", "--to", "python"]]:
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 2 and result.stdout == "" and "notes exists and is not" in result.stderr
        assert Path("notes").read_bytes() == CSV

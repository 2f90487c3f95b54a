"""What the command refuses says which file or option is wrong, before anything else is printed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import glassnet
from glassnet.cli.available_memory import size_text
from glassnet.data.side_file import pass_path

from .test_cli import refused
from .test_cli import run as command


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of 40 rows."""
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{row},{row % 7}.5\n" for row in range(40)))
    return path


@pytest.mark.parametrize("streamed", [(), ("--stream",)])
@pytest.mark.parametrize("fraction", ["1.5", "1", "-0.1"])
def test_a_wrong_fraction_of_validation_rows(streamed: tuple[str, ...], fraction: str, table: Path) -> None:
    arguments = ["train", table, "--target", "y", "--out", table.with_name("m"), *streamed, "--validation", fraction]
    assert refused(*arguments) == f"--validation is {fraction}; it must be 0 or more and below 1, such as 0.2."


def test_an_option_of_the_tabular_model_with_stream(table: Path) -> None:
    sentence = refused("train", table, "--target", "y", "--out", "m", "--stream", "--preset", "fast")
    assert sentence.endswith(f"needs all of {table} in memory; --stream reads it block by block.")


def test_a_checkpoint_is_no_model(table: Path) -> None:
    checkpoint, model = table.with_name("run.ckpt"), table.with_name("m")
    network = ["--hidden", "4", "--epochs", "1", "--quiet"]
    command("train", table, "--target", "y", "--out", model, "--checkpoint", checkpoint, *network)
    for arguments in (["show", checkpoint], ["predict", checkpoint, table, "--out", table.with_name("p.csv")]):
        assert "run.ckpt is a checkpoint of a run, not a model; continue it with" in refused(*arguments)
    with pytest.raises(glassnet.errors.ModelFileError, match="is a checkpoint of a run, not a model"):
        glassnet.load(checkpoint)


def test_a_shuffle_names_the_file_without_rows(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((0, 3)))
    (tmp_path / "t.csv").write_text("a,b\n")
    for name in ("t.csv", "x.npy"):
        path = tmp_path / name
        assert refused("shuffle", path, tmp_path / f"out.{name}").startswith(f"{path} has ")


def test_targets_of_another_kind_than_the_inputs(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((30, 3)))
    network = glassnet.NeuralNetwork([3, 1], seed=0)
    with pytest.raises(TypeError, match=r"x\.npy, not of type ndarray; to train in memory, give arrays for both"):
        network.train(str(tmp_path / "x.npy"), np.zeros(30))


@pytest.mark.parametrize(
    ("size", "text"), [(1, "1 byte"), (6, "6 bytes"), (2_040, "2.0 kB"), (3e6, "3.0 MB"), (5e12, "5,000.0 GB")]
)
def test_sizes_are_written_with_their_unit(size: int, text: str) -> None:
    assert size_text(size) == text


def test_what_a_first_pass_learnt_lies_beside_a_folder_and_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert pass_path(".") == pass_path(str(folder)) == pass_path(f"{folder}/") == f"{folder}.glassnet"

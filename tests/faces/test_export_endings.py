"""A file is not written under a name that ends like a file of another format, and a command can be pasted."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import glassnet
from glassnet.cli.app import app
from glassnet.errors import ParameterError

NETWORK = glassnet.NeuralNetwork([2, 3, 1], seed=0)
WRITERS: dict[str, Any] = {
    ".onnx": lambda path: glassnet.to_onnx(NETWORK, path),
    ".safetensors": lambda path: glassnet.to_torch_state_dict(NETWORK, path),
    ".npz": lambda path: glassnet.to_keras(NETWORK, path),
    ".py": lambda path: glassnet.to_source(NETWORK, "python", path),
    ".c": lambda path: glassnet.to_source(NETWORK, "c", path),
    ".js": lambda path: glassnet.to_source(NETWORK, "js", path),
}


@pytest.mark.parametrize("own", WRITERS)
@pytest.mark.parametrize("ending", [*WRITERS, ".pt", ".H5", ".keras"])
def test_a_name_of_another_format_is_refused(own: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{ending}"
    if own == ending:
        if own != ".onnx":  # which needs ONNX Runtime
            WRITERS[own](path)
            assert path.exists()
        return
    with pytest.raises(ParameterError, match=rf"let its name end in \{own}, not in \{ending.lower()}\."):
        WRITERS[own](path)
    assert not path.exists()


def test_the_command_that_checks_the_code_can_be_pasted(tmp_path: Path) -> None:
    (tmp_path / "my models").mkdir()
    model, out = tmp_path / "m", tmp_path / "my models" / "it's.py"
    NETWORK.save(model)
    result = CliRunner().invoke(app, ["export", str(model), "--to", "python", str(out)])
    line = result.stdout.split("Check")[1].split(" compares")[0]
    assert shlex.split(line) == ["python", str(out)]
    printed = subprocess.run(
        [sys.executable, *shlex.split(line)[1:]], capture_output=True, text=True, check=True
    ).stdout
    assert "largest relative difference" in printed

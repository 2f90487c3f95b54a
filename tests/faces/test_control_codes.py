"""Names, classes and cells of a file may hold control codes: no command and no message sends one to the terminal."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import glassnet
from glassnet import NeuralNetwork, custom_activation
from glassnet.cli.app import app
from glassnet.errors import CONTROL_CODES, DataError, ModelFileError, ParameterError, printable
from glassnet.files.storage import read_tensors, write_tensors

ROOT = Path(__file__).parents[2]
RED, CSI, BACKWARDS, HALF = "\x1b[31mred\x07", "\x9b2J", "\u202egnp", "\ud800"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with control codes in names, classes, levels and cells, and two models of it."""
    folder, rng = tmp_path_factory.mktemp("codes"), np.random.default_rng(0)
    size = rng.normal(size=120)
    columns = {f"a{RED}": size, f"b{CSI}": rng.choice([f"u{BACKWARDS}", f"v{RED}"], 120), f"id{CSI}": np.arange(120)}
    pq.write_table(pa.table({**columns, f"y{RED}": np.where(size > 0, f"yes{RED}", f"no{CSI}")}), folder / "t.parquet")
    train = ["train", folder / "t.parquet", "--target", f"y{RED}", "--quiet", "--out"]
    run(*train, folder / "net", "--epochs", "3", "--hidden", "4")
    tensors, document = read_tensors(folder / "net")
    document["table"]["training"] |= {f"summary{RED}": f"text{CSI}", "file": f"t{RED}", "stopped": f"why{BACKWARDS}"}
    document["table"]["preparation"]["left_out"] = {f"gone{RED}": f"reason{CSI}"}
    write_tensors(folder / "net", tensors, document)
    return folder


def run(*arguments: Any, code: int = 0) -> str:
    """Everything that a command writes to the terminal, without control codes."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output
    for text in (result.stdout, result.stderr):
        assert not CONTROL_CODES.search(text), CONTROL_CODES.search(text)
    return result.stdout + result.stderr


def test_commands(folder: Path) -> None:
    shown = run("show", folder / "net")
    for text in ("\\u001b[31mred\\u0007", "\\u009b2J", "gone", "summary", "why\\u202e"):
        assert text in shown, text
    assert "yes\\u001b[31mred" in run("evaluate", folder / "net", folder / "t.parquet")
    assert "a\\u001b[31mred" in run("step", folder / "net", folder / "t.parquet")
    assert "rows of" in run("check", folder / "net", folder / "t.parquet")
    run("diagnose", folder / "net")
    run("diagnose", folder / "net", folder / "t.parquet")
    assert "b\\u009b2J" in run("columns", folder / "t.parquet", "--target", f"y{RED}")
    run("predict", folder / "net", folder / "t.parquet", "--out", folder / "p.parquet")
    assert "\\u001b[31m" in run("show", f"{folder}/{RED}", code=2)


def test_nothing_is_printed_beside_the_one_function_that_escapes() -> None:
    files = sorted((ROOT / "src" / "glassnet" / "cli").glob("*.py"))
    others = [file.name for file in files if re.search(r"(?<![\w.])print\(|sys\.std\w+\.write", file.read_text())]
    assert others == ["predictions.py", "printing.py"]  # the former writes the predictions themselves


def test_explanations_and_diagnoses_as_text(folder: Path) -> None:
    model = glassnet.load(folder / "net")
    texts = [str(model.diagnose()) if hasattr(model, "diagnose") else "", repr(model.model_.members[0].network)]
    assert not any(map(CONTROL_CODES.search, texts))


def test_messages_of_damaged_files(tmp_path: Path) -> None:
    NeuralNetwork([3, 4, 1], seed=0).save(tmp_path / "m")
    tensors, document = read_tensors(tmp_path / "m")
    changes: list[Any] = [
        {"network": {**document["network"], "cost": {"name": f"c{RED}", "x": CSI}}},
        {"network": {**document["network"], "layers": [f"{RED}"]}},
        {"network": {**document["network"], "dtype": f"{CSI}"}},
        {"network": {**document["network"], f"deep{RED}": [[[[[[[[]]]]]]]]}},
        {"estimator": {"class": f"My{RED}", "parameters": {}, "attributes": {}}, "members": []},
        {
            "estimator": {"class": "MLPClassifier", "parameters": {f"p{RED}": {"kind": CSI}}, "attributes": {}},
            "members": [],
        },
    ]
    for change in changes:
        write_tensors(tmp_path / "bad", tensors, document | change)
        with pytest.raises(ModelFileError) as caught:
            glassnet.load(tmp_path / "bad")
        assert not CONTROL_CODES.search(str(caught.value))
    content = (tmp_path / "m").read_bytes()
    for before, after in (
        (b'"shape":[4,3]', b'"shape":"\\u001b"'),
        (b'"F32"', b'"\\u009b"'),
        (b'"b1"', b'"\\u001b[2J"'),
    ):
        forged = content.replace(before, after)
        extra = len(forged) - len(content)
        forged = (int.from_bytes(forged[:8], "little") + extra).to_bytes(8, "little") + forged[8:]
        (tmp_path / "bad").write_bytes(forged)
        with pytest.raises(ModelFileError) as caught:
            glassnet.load(tmp_path / "bad")
        assert not CONTROL_CODES.search(str(caught.value)) and before not in forged


def test_text_and_messages() -> None:
    assert printable("a\tä\n–\N{NO-BREAK SPACE}δ🙂 e\u0301 עברית") == "a\tä\n–\N{NO-BREAK SPACE}δ🙂 e\u0301 עברית"
    assert printable(f"{RED}{CSI}{BACKWARDS}{HALF}") == "\\u001b[31mred\\u0007\\u009b2J\\u202egnp\\ud800"
    assert str(DataError(f"column {RED}")) == "column \\u001b[31mred\\u0007"
    with pytest.raises(ParameterError, match="has control codes; leave them out"):
        custom_activation(f"a{RED}", lambda z: z, lambda z: 0 * z + 1)


def test_a_warning_of_a_command_is_a_sentence_without_control_codes() -> None:
    program = (
        "import sys, warnings\nfrom glassnet import cli\nfrom glassnet.cli import app\n"
        "app.app = lambda prog_name: warnings.warn('full \\x1b[31m disk.', RuntimeWarning)\ncli.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stderr == "glassnet: full \\u001b[31m disk.\n"

"""Two examples as notebooks, as the gallery offers them for download, run by a real kernel: pictures come out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
pytestmark = [
    pytest.mark.docs,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning"),
]


def notebook(name: str, folder: Path) -> Any:
    """The notebook of an example, made by the gallery's own converter."""
    from sphinx_gallery.notebook import python_to_jupyter_cli

    shutil.copy(EXAMPLES / name, folder)
    python_to_jupyter_cli([str(folder / name)])
    return nbformat.read(folder / Path(name).with_suffix(".ipynb"), as_version=4)


@pytest.mark.parametrize(
    ("name", "pictures", "text"),
    [
        ("plot_one_step.py", [0, 0, 1], "slope -0.0266805586; δ1[0, 0]/m"),
        ("plot_mnist.py", [0, 1, 1, 1], "of the test images are read correctly"),
    ],
)
def test_an_example_runs_as_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, pictures: list[int], text: str
) -> None:
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))  # a cache of fonts that were there before is no concern of ours
    monkeypatch.delenv("MNIST", raising=False)
    run = notebook(name, tmp_path)
    NotebookClient(run, timeout=300, kernel_name="python3", env=dict(os.environ)).execute()
    outputs = [cell.outputs for cell in run.cells if cell.cell_type == "code"]
    assert [sum("image/png" in each.get("data", {}) for each in cell) for cell in outputs] == pictures
    printed = "".join(each.text for cell in outputs for each in cell if each.get("name") == "stdout")
    assert text in printed
    errors = "".join(each.text for cell in outputs for each in cell if each.get("name") == "stderr").splitlines()
    assert [line for line in errors if "Matplotlib is building the font cache" not in line] == []

"""Every export computes what glassnet computes: Python, C, JavaScript, ONNX Runtime, PyTorch and Keras, on all models.

Differences are relative to the largest prediction. The code carries rows, and its own check compares them; that the
check can fail is tested too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet.export.keras import keras_text
from glassnet.export.model_pipeline import network_of
from glassnet.export.onnx_file import run
from glassnet.export.pytorch import sequential_text

from ..faces.quick_tabular import QuickClassifier
from .exported_models import MODELS, SIZE, model, table

LIMIT = 1e-6
WITH_WEIGHTS = [
    *("linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus"),
    *("softsign", "softmax", "float64", "sequential", "mlp binary", "mlp classes", "mlp labels", "mlp regressor"),
]
COMMANDS = {
    "python": [[sys.executable, "-I", "{path}"]],
    "c": [
        [
            "cc",
            "-O2",
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-DGLASSNET_TEST",
            "{path}",
            "-o",
            "{path}.run",
            "-lm",
        ],
        ["{path}.run"],
    ],
    "javascript": [["node", "{path}"]],
}


def checked(language: str, code: str, folder: Path) -> float:
    """The difference that the code finds itself."""
    path = folder / f"model.{'c' if language == 'c' else 'js'}"
    path.write_text(code)
    for command in COMMANDS[language]:
        parts = [part.format(path=path) for part in command]
        output = subprocess.run(parts, capture_output=True, text=True, timeout=100)
        assert output.returncode == 0, output.stderr
    return float(re.findall(r"difference from glassnet: (\S+) on \d+ rows", output.stdout)[0])


# A few kinds run with the tests that need nothing but Python; all of them with those that need more.
IN_PYTHON = ("custom", "normalised", "embedded", "groups", "mlp columns", "assembled classes", "assembled numbers")


@pytest.mark.parametrize("name", IN_PYTHON)
def test_python(name: str, tmp_path: Path) -> None:
    assert checked("python", glassnet.to_source(model(name)), tmp_path) <= LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODELS.keys() - set(IN_PYTHON)))
def test_python_of_all_other_models(name: str, tmp_path: Path) -> None:
    assert checked("python", glassnet.to_source(model(name)), tmp_path) <= LIMIT


@pytest.mark.compiler
@pytest.mark.parametrize("name", MODELS)
def test_c(name: str, tmp_path: Path) -> None:
    assert checked("c", glassnet.to_source(model(name), "c"), tmp_path) <= LIMIT


@pytest.mark.node
@pytest.mark.parametrize("name", MODELS)
def test_javascript(name: str, tmp_path: Path) -> None:
    assert checked("javascript", glassnet.to_source(model(name), "js"), tmp_path) <= LIMIT


@pytest.mark.parametrize(
    "language",
    ["python", *(pytest.param(x, marks=m) for x, m in (("c", pytest.mark.compiler), ("javascript", pytest.mark.node)))],
)
def test_the_check_in_the_code_finds_a_fault(language: str, tmp_path: Path) -> None:
    code = glassnet.to_source(model("tanh"), language)
    spoilt = re.sub(r"([Mm]ath\.)?tanhf?\(x\)", "(x)", code)
    assert spoilt != code and checked(language, spoilt, tmp_path) > 0.01


@pytest.mark.peer
@pytest.mark.parametrize("name", MODELS)
def test_onnx_runtime(name: str, tmp_path: Path) -> None:
    written = glassnet.to_onnx(model(name), tmp_path / "model.onnx")
    assert written.rows == 256
    assert written.largest_difference <= LIMIT
    assert written.same_labels == 1


@pytest.mark.peer
def test_an_onnx_file_predicts_a_person_s_rows(tmp_path: Path) -> None:
    frame, _ = table(50, seed=3)
    frame.loc[3, "town"], frame.loc[4, "postcode"] = "Atlantis", "z99"
    classifier = model("table classes")
    glassnet.to_onnx(classifier, tmp_path / "model.onnx")
    feeds = {name: frame[[name]].to_numpy(float) for name in ("age", "income")}
    feeds |= {
        name: frame[[name]].fillna("").astype(str).to_numpy(object) for name in ("town", "postcode", "member", "class")
    }
    for name in ("since", "born"):
        days = (frame[[name]] - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
        feeds[name] = days.to_numpy(float)
    outputs = run((tmp_path / "model.onnx").read_bytes(), feeds)
    expected = classifier.predict_proba(frame)
    np.testing.assert_allclose(outputs["probabilities"], expected, rtol=0, atol=LIMIT)
    assert outputs["label"].tolist() == classifier.classes_[expected.argmax(axis=1)].tolist()
    assert glassnet.to_onnx(classifier, tmp_path / "model.onnx", examples=frame.drop([3, 4])).rows == 48


@pytest.mark.peer
def test_columns_may_have_any_name(tmp_path: Path) -> None:
    import pandas as pd

    rng = np.random.default_rng(0)
    names = ["label", "probabilities", "inputs", "z1", "w1", "constant_0", "Ünï code\n\"'", "class_number_2"]
    frame = pd.DataFrame(rng.normal(size=(60, len(names))), columns=names)
    classifier = QuickClassifier(random_state=0).fit(frame, frame["label"] > 0)
    written = glassnet.to_onnx(classifier, tmp_path / "model.onnx", examples=frame)
    assert list(written.inputs) == names and list(written.outputs) == ["label.", "probabilities."]
    assert written.same_labels == 1 and written.largest_difference <= LIMIT


@pytest.mark.peer
def test_a_wrong_graph_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from glassnet.export import onnx_formula

    monkeypatch.setitem(onnx_formula.NAMED, "tanh", "Sigmoid")
    with pytest.raises(glassnet.DataError, match=r"differ by .* from glassnet's, more than rounding explains"):
        glassnet.to_onnx(model("tanh"), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.peer
def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    blocks = re.findall(r"```python\n(.*?)```", (root / "docs" / "export.md").read_text(), re.S)
    (tmp_path / "docs").symlink_to(root / "docs")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert len(blocks) == 3 and {"wine.onnx", "late.onnx", "net.onnx"} <= {path.name for path in tmp_path.iterdir()}


def rows_of(network: Any) -> np.ndarray[Any, Any]:
    return np.random.default_rng(5).normal(size=(60, network.architecture.inputs)).astype(np.float32)


def relative(result: Any, expected: Any) -> float:
    return float(np.abs(np.asarray(result) - expected).max() / np.abs(expected).max())


@pytest.mark.peer
@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_pytorch_there_and_back(name: str, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file
    from torch import nn

    network, path = network_of(model(name), "a state dict can"), tmp_path / "weights.safetensors"
    glassnet.to_torch_state_dict(model(name), path)
    module = eval(sequential_text(network), {"nn": nn})
    module.load_state_dict(load_file(path))
    x = rows_of(network)
    expected = network.predict(x.T).T
    with torch.no_grad():
        result = module.double().eval()(torch.from_numpy(x).double()).numpy()
    assert relative(result, expected) <= LIMIT
    activations = [dense.activation for dense in network.architecture.dense]
    for source in (path, load_file(path), {f"net.{key}": value for key, value in load_file(path).items()}):
        back = glassnet.from_torch_state_dict(source, activations=activations)
        np.testing.assert_array_equal(back.predict(x.T).T, expected)


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own variables
@pytest.mark.parametrize("name", [*WITH_WEIGHTS, "exp"])
def test_keras_there_and_back(name: str, tmp_path: Path) -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import functools

    import keras
    from keras import layers

    network = network_of(model(name), "weights of Keras")
    weights = glassnet.to_keras(model(name), tmp_path / "weights.npz")
    names = {"keras": keras, "layers": layers, "partial": functools.partial}
    module = eval(keras_text(network), names)
    with np.load(tmp_path / "weights.npz") as file:
        module.set_weights([file[f"arr_{number}"] for number in range(len(weights))])
    x = rows_of(network)
    expected = network.predict(x.T).T
    assert relative(module(x, training=False), expected) <= LIMIT
    if len(network.parameters) == len(module.get_weights()) == 2 * len(network.architecture.dense):
        activations = [dense.activation for dense in network.architecture.dense]
        back = glassnet.from_keras(module.get_weights(), activations=activations)
        assert relative(back.predict(x.T).T, expected) <= LIMIT


@pytest.mark.peer
@pytest.mark.parametrize("name", ["linear", "sigmoid", "relu", "leaky_relu", "elu", "selu", "exp", "softmax"])
def test_onnx_there_and_back(name: str, tmp_path: Path) -> None:
    network = model(name)
    glassnet.to_onnx(network, tmp_path / "model.onnx")
    back = glassnet.from_onnx(tmp_path / "model.onnx")
    assert [dense.activation for dense in back.architecture.dense] == [d.activation for d in network.architecture.dense]
    x = rows_of(network)
    np.testing.assert_array_equal(back.predict(x.T), network.predict(x.T))


def test_there_are_enough_models() -> None:
    assert len(MODELS) >= 20 and len(WITH_WEIGHTS) >= 19 and SIZE > 200

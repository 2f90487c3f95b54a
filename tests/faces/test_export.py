"""The way out and in as a person meets it: the command, what the files say, round trips, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from typer.testing import CliRunner

import glassnet
from glassnet.cli.app import app
from glassnet.errors import GlassnetError
from glassnet.export.keras import keras_text
from glassnet.export.pytorch import sequential_text

from .quick_tabular import QuickClassifier, frame

X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)


def network(*activations: Any) -> glassnet.NeuralNetwork:
    widths = [3, *range(5, 5 + len(activations))]
    return glassnet.NeuralNetwork(widths, activations, seed=1, engine="numpy")


def namespace(code: str) -> dict[str, Any]:
    """What a module of exported Python defines."""
    result: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "exported", "exec"), result)
    return result


def test_python_code_predicts() -> None:
    net = network("relu", "softmax")
    module = namespace(glassnet.to_source(net))
    np.testing.assert_allclose([module["predict"](row.tolist()) for row in X], net.predict(X.T).T, rtol=1e-6)
    assert module["check"]() < 1e-6
    assert len(module["ROWS"]) == 8 and module["predict"]([None, 0, 0])[0] != module["predict"]([0, 0, 0])[0]


def test_a_network_s_code_reads_like_the_network() -> None:
    code = glassnet.to_source(network("tanh", "linear"))
    assert (
        "    z1 = affine(a0, W1, B1)\n    a1 = [tanh_of(v) for v in z1]\n    z2 = affine(a1, W2, B2)\n    return z2"
        in code
    )
    assert code.startswith(f"# A network 3-5-6, exported by glassnet {glassnet.__version__}.\n#\n# in   x: 3 numbers")
    assert "softmax" not in code and "calendar" not in code  # only the functions that are called


@pytest.mark.parametrize("language", ["python", "c", "js"])
def test_the_same_code_each_time_and_in_the_file(language: str, tmp_path: Path) -> None:
    net = network("gelu", "sigmoid")
    code = glassnet.to_source(net, language, tmp_path / "model")
    assert code == glassnet.to_source(net, language) == (tmp_path / "model").read_text()


def hostile_classifier() -> tuple[Any, Any]:
    """A model whose columns and classes would break out of comments and literals, if they could."""
    import pandas as pd

    rng = np.random.default_rng(0)
    column = 'a */ #include <x>\n"""; raise SystemExit("broken") # ??/\u202e\\'
    x = pd.DataFrame({column: rng.choice(['x"', "y\\", "z\n'", "${w}"], 120), "for": rng.normal(size=120)})
    labels = np.where(x["for"] > 0, 'yes"\n\\', "no */")
    return QuickClassifier(random_state=0).fit(x, labels), x


def test_texts_of_a_table_cannot_break_out_of_the_code() -> None:
    classifier, x = hostile_classifier()
    module = namespace(glassnet.to_source(classifier))
    result = module["predict"](x.iloc[5].to_dict())
    assert result["label"] == classifier.predict(x.iloc[5:6])[0]
    np.testing.assert_allclose(result["probabilities"], classifier.predict_proba(x.iloc[5:6])[0], atol=1e-6)
    for language in ("c", "js"):
        code = glassnet.to_source(classifier, language)
        assert not re.search(r"^#include <x>|^raise", code, re.M) and "\u202e" not in code


@pytest.mark.compiler
def test_texts_of_a_table_cannot_break_out_of_c(tmp_path: Path) -> None:
    path = tmp_path / "model.c"
    glassnet.to_source(hostile_classifier()[0], "c", path)
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-DGLASSNET_TEST", path, "-o", tmp_path / "run", "-lm"]
    subprocess.run(list(map(str, command)), check=True)
    assert "on 8 rows" in subprocess.run([tmp_path / "run"], check=True, capture_output=True, text=True).stdout


@pytest.mark.node
def test_texts_of_a_table_cannot_break_out_of_javascript(tmp_path: Path) -> None:
    glassnet.to_source(hostile_classifier()[0], "js", tmp_path / "model.js")
    output = subprocess.run(["node", tmp_path / "model.js"], check=True, capture_output=True, text=True).stdout
    assert float(re.findall(r"(\S+) on 8 rows", output)[0]) < 1e-6


# PyTorch, Keras and scikit-learn, which need not be installed ---------------------------------------------------------


def test_pytorch_state_dict(tmp_path: Path) -> None:
    net, path = network("relu", "linear", "softmax"), tmp_path / "weights.safetensors"
    tensors = glassnet.to_torch_state_dict(net, path)
    assert list(tensors) == ["0.weight", "0.bias", "2.weight", "2.bias", "3.weight", "3.bias"]
    np.testing.assert_array_equal(tensors["2.weight"], net.weights[1])
    assert all(np.array_equal(array, tensors[name]) for name, array in load_file(path).items())
    text = "nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 6), nn.Linear(6, 7), nn.Softmax(dim=1))"
    assert sequential_text(net) == text
    back = glassnet.from_torch_state_dict(path, activations=["relu", "linear", "softmax"])
    np.testing.assert_array_equal(back.parameters.vector, net.parameters.vector)
    assert back.architecture.cost.name == "categorical_cross_entropy"


def test_a_linear_without_bias_and_float64() -> None:
    weight = np.arange(6.0).reshape(2, 3)
    net = glassnet.from_torch_state_dict({"0.weight": weight}, activations=["linear"])
    assert net.dtype == np.float64 and not net.biases[0].any()
    np.testing.assert_array_equal(net.predict(X.T), weight @ X.T.astype(np.float64))


def test_keras_weights(tmp_path: Path) -> None:
    net = network("gelu", "sigmoid")
    weights = glassnet.to_keras(net, tmp_path / "weights.npz")
    assert [array.shape for array in weights] == [(3, 5), (5,), (5, 6), (6,)]
    with np.load(tmp_path / "weights.npz") as file:
        assert all(np.array_equal(file[f"arr_{number}"], array) for number, array in enumerate(weights))
    assert keras_text(net).startswith(
        "keras.Sequential([keras.Input((3,)), layers.Dense(5), layers.Activation(partial("
    )
    back = glassnet.from_keras(weights, activations=["gelu", "sigmoid"], cost="quadratic")
    np.testing.assert_array_equal(back.parameters.vector, net.parameters.vector)
    weights[0][:] = 0  # copies
    assert net.weights[0].any()


def test_scikit_learn_s_estimators() -> None:
    x, y = load_iris(return_X_y=True)
    theirs = TheirClassifier((4,), max_iter=3, random_state=0)
    with pytest.warns(UserWarning):
        theirs.fit(x, y)
    ours = glassnet.from_sklearn(theirs)
    assert type(ours) is glassnet.MLPClassifier
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), rtol=1e-12)
    regressor = TheirRegressor(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=500, alpha=10, random_state=0).fit(
        x, y
    )
    assert type(glassnet.from_sklearn(regressor)) is glassnet.MLPRegressor
    with pytest.raises(
        TypeError, match="from_sklearn takes an MLPClassifier or MLPRegressor of scikit-learn, not dict"
    ):
        glassnet.from_sklearn({})


# Refusals -------------------------------------------------------------------------------------------------------------

SAME = {"activations": ["relu"]}
EYE = np.eye(2, dtype=np.float32)
REFUSED: list[tuple[Any, str]] = [
    (
        lambda: glassnet.to_source(network("relu"), "fortran"),
        r"language 'fortran' is unknown.*Known: python, c, javascript",
    ),
    (lambda: glassnet.to_source("model.safetensors"), r"a path cannot be exported; give the model, glassnet\.load"),
    (lambda: glassnet.to_source(glassnet.NeuralNetwork([2, 2400, 2400, 1])), r"would hold 5,.* numbers; the limit is"),
    (lambda: glassnet.to_torch_state_dict(network("exp", "linear")), r"PyTorch has no layer for the activation 'exp'"),
    (
        lambda: glassnet.to_keras(glassnet.NeuralNetwork([2, 3, glassnet.Scaling(), 1])),
        r"no layer like Scaling; export",
    ),
    (lambda: glassnet.to_torch_state_dict(grouped()), r"the activation 'softmax' by groups; export the network with"),
    (lambda: glassnet.to_keras({}), r"a dict cannot be exported"),
    (lambda: glassnet.to_keras(TheirClassifier()), r"MLPClassifier of scikit-learn .* give glassnet.from_sklearn"),
    (lambda: glassnet.from_torch_state_dict({"fc.weight": EYE}, **SAME), r"key 'fc.weight'; those of an nn.Sequential"),
    (lambda: glassnet.from_torch_state_dict({}, **SAME), r"holds no Linear layer"),
    (lambda: glassnet.from_torch_state_dict({"0.bias": EYE[0]}, **SAME), r"has 0.bias, but no 0.weight"),
    (lambda: glassnet.from_torch_state_dict({"0.weight": EYE[None]}, **SAME), r"shape \(1, 2, 2\), which is no Linear"),
    (
        lambda: glassnet.from_torch_state_dict({"a.0.weight": EYE, "b.0.weight": EYE}, **SAME),
        r"holds 2 modules; give the state dict of one",
    ),
    (
        lambda: glassnet.from_torch_state_dict(
            {"0.weight": EYE, "1.weight": np.ones((3, 4))}, activations=["relu"] * 2
        ),
        r"dense layer 2 has weights of shape \(4, 3\), but \(2, 3\) would fit its neighbours",
    ),
    (lambda: glassnet.from_torch_state_dict({"0.weight": EYE * np.nan}, **SAME), r"'0.weight' has a value that is not"),
    (lambda: glassnet.from_torch_state_dict({"0.weight": [["a"]]}, **SAME), r"has dtype <U1; weights are real numbers"),
    (lambda: glassnet.from_torch_state_dict({"0.weight": EYE}, activations="relu"), r"must be a list with one entry"),
    (lambda: glassnet.from_torch_state_dict({"0.weight": EYE}, activations=[]), r"activations has 0 entries"),
    (lambda: glassnet.from_keras([], **SAME), r"must be the list that get_weights\(\)"),
    (
        lambda: glassnet.from_keras([EYE[0], EYE], **SAME),
        r"weights\[0\] has the shape \(2,\), which no Dense layer has",
    ),
    (lambda: glassnet.from_keras([EYE, np.ones(3)], **SAME), r"layer 1 has biases of shape \(3,\), but \(2,\) would"),
    (lambda: glassnet.from_keras([np.ones((0, 2))], **SAME), r"has no neurons"),
    (
        lambda: glassnet.from_keras([np.eye(2) * 1e300 + 1e300], dtype="float32", **SAME),
        r"is not a finite number|beyond the range",
    ),
]


def grouped() -> glassnet.NeuralNetwork:
    return glassnet.NeuralNetwork([2, 4], [glassnet.Softmax((2, 2))], "categorical_cross_entropy")


@pytest.mark.parametrize(("call", "sentence"), REFUSED)
def test_refusals(call: Any, sentence: str) -> None:
    with np.errstate(over="ignore"), pytest.raises(GlassnetError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


def damaged_files(folder: Path) -> dict[str, bytes]:
    """Safetensors files that are not what they say."""
    good = folder / "good"
    save_file({"0.weight": EYE, "0.bias": EYE[0]}, good)
    content = good.read_bytes()
    half = {"0.weight": EYE.astype(np.int16)}
    save_file(half, folder / "int16")

    def header(**changes: Any) -> bytes:
        claim = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]} | changes
        text = json.dumps({"0.weight": claim}).encode()
        return len(text).to_bytes(8, "little") + text + bytes(16)

    twice = (
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    )
    return {
        **{"empty": b"", "pickle": b"PK\x03\x04" + bytes(100), "raw pickle": b"\x80\x02" + bytes(50)},
        **{
            "text": b"not a model at all",
            "cut": content[:-4],
            "longer": content + bytes(4),
            "cut header": content[:30],
        },
        **{"huge header": (1 << 40).to_bytes(8, "little") + b"{", "int16": (folder / "int16").read_bytes()},
        **{"outside": header(data_offsets=[0, 1 << 40]), "shape": header(shape=[1 << 30, 1 << 30])},
        **{
            "negative": header(shape=[-2, -2]),
            "offsets": header(data_offsets=[16, 0]),
            "text shape": header(shape="2"),
        },
        "twice": len(twice).to_bytes(8, "little") + twice + bytes(4),
    }


def test_damaged_state_dicts_are_refused(tmp_path: Path) -> None:
    for name, content in damaged_files(tmp_path).items():
        path = tmp_path / "file"
        path.write_bytes(content)
        with pytest.raises(glassnet.ModelFileError) as caught:
            glassnet.from_torch_state_dict(path, activations=["relu"])
        assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value), name
    with pytest.raises(glassnet.ModelFileError, match="does not exist"):
        glassnet.from_torch_state_dict(tmp_path / "none", activations=["relu"])


# The command ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("saved")
    x = frame(120)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier = QuickClassifier(random_state=0).fit(x, x["size"] > 0)
    plain = glassnet.TabularClassifier(random_state=0)
    plain._set_model(classifier.model_, list(x.columns), True)
    plain.notes_ = []
    plain.save(folder / "table")
    network("relu", "softmax").save(folder / "network")
    return {name: folder / name for name in ("table", "network")}


def command(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def test_the_command_writes_code(saved: dict[str, Path], tmp_path: Path) -> None:
    result = command(saved["table"], "--to", "python", tmp_path / "model.py")
    assert result.exit_code == 0, result.output
    assert f"Check       python {tmp_path / 'model.py'} compares it with glassnet" in result.output
    output = subprocess.run([sys.executable, tmp_path / "model.py"], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"largest relative difference from glassnet: \S+e-\d\d on 8 rows\n", output)


def test_the_command_writes_weights(saved: dict[str, Path], tmp_path: Path) -> None:
    result = command(saved["network"], "--to", "torch", tmp_path / "w")
    assert "Weights of  nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 6), nn.Softmax(dim=1))" in result.output
    assert list(load_file(tmp_path / "w")) == ["0.bias", "0.weight", "2.bias", "2.weight"]
    assert command(saved["network"], "--to", "keras", tmp_path / "w.npz").exit_code == 0
    assert "Note" not in result.output


@pytest.mark.parametrize(
    ("model", "to", "out", "sentence"),
    [
        ("network", "tflite", "w", r"format 'tflite' is unknown\. .*Known: onnx, torch, keras, python, c, js\."),
        ("network", "c", None, r"would overwrite the input"),
        ("table", "torch", "w", r"glassnet: .*(one network, and the model has|no layer like)"),
        ("table", "python", "no/folder/w", r"there is no folder"),
    ],
)
def test_the_command_refuses(
    saved: dict[str, Path], tmp_path: Path, model: str, to: str, out: str | None, sentence: str
) -> None:
    before = saved[model].read_bytes()
    result = command(saved[model], "--to", to, saved[model] if out is None else tmp_path / out)
    assert result.exit_code == 2 and re.search(sentence, result.output), result.output
    assert saved[model].read_bytes() == before and not list(tmp_path.iterdir())

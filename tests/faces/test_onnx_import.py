"""ONNX files of others: networks that are read, and files that are refused in a sentence before anything is made."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet

pytestmark = pytest.mark.peer
W, B = np.arange(6, dtype=np.float32).reshape(2, 3) / 10, np.array([0.1, -0.2, 0.3], np.float32)
X = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)


def model(
    nodes: list[tuple[Any, ...]],
    tensors: dict[str, Any] | None = None,
    outputs: tuple[str, ...] = ("y",),
    **fields: Any,
) -> Any:
    """A model of x (N, 2) with nodes (operator, reads, writes, attributes)."""
    import onnx
    from onnx import helper

    made = [helper.make_node(kind, reads, writes, **dict(*more)) for kind, reads, writes, *more in nodes]
    arrays = {"W": W, "B": B} if tensors is None else tensors
    floats = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        made,
        "graph",
        [helper.make_tensor_value_info("x", floats, ["N", 2])],
        [helper.make_tensor_value_info(name, floats, None) for name in outputs],
        [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, **fields)


def read(proto: Any, folder: Path, **options: Any) -> glassnet.NeuralNetwork:
    path = folder / "model.onnx"
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    return glassnet.from_onnx(path, **options)


GEMM = ("Gemm", ["x", "W", "B"], ["h"])
RELU = ("Relu", ["h"], ["y"])


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([GEMM, RELU], np.maximum(X @ W + B, 0)),
        ([("MatMul", ["x", "W"], ["y"])], X @ W),
        ([("MatMul", ["x", "W"], ["m"]), ("Add", ["B", "m"], ["y"])], X @ W + B),
        ([("Gemm", ["x", "W", "B"], ["y"], {"alpha": 2.0, "beta": 0.5})], 2 * (X @ W) + B / 2),
        ([("Flatten", ["x"], ["f"]), ("Gemm", ["f", "W"], ["h"]), ("Softsign", ["h"], ["y"])], None),
        ([GEMM, ("Identity", ["h"], ["i"]), ("LeakyRelu", ["i"], ["y"], {"alpha": 0.2})], None),
    ],
)
def test_networks_of_others(nodes: Any, expected: Any, tmp_path: Path) -> None:
    from glassnet.export.onnx_file import run

    proto = model(nodes)
    network = read(proto, tmp_path)
    theirs = run(proto.SerializeToString(), {"x": X})["y"]
    np.testing.assert_allclose(network.predict(X.T).T, theirs, rtol=1e-6, atol=1e-7)
    if expected is not None:
        np.testing.assert_allclose(theirs, expected, rtol=1e-6, atol=1e-7)


def test_two_layers_with_transposed_weights_and_constants(tmp_path: Path) -> None:
    import onnx

    value = onnx.numpy_helper.from_array(np.eye(3, dtype=np.float64)[:2] * 2)
    nodes = [
        ("Gemm", ["x", "V"], ["h"], {"transB": 1}),
        ("Tanh", ["h"], ["t"]),
        ("Constant", [], ["K"], {"value": value}),
    ]
    network = read(model([*nodes, ("MatMul", ["t", "K"], ["y"])], {"V": np.eye(2, dtype=np.float32)}), tmp_path)
    assert [dense.activation.name for dense in network.architecture.dense] == ["tanh", "linear"]
    np.testing.assert_allclose(network.predict(X.T)[0], 2 * np.tanh(X[:, 0]), rtol=1e-6)
    assert network.dtype == np.float64 and read(model([GEMM, RELU]), tmp_path, dtype="float32").dtype == np.float32


def elsewhere(location: str) -> Any:
    """A model whose weights lie in another file."""
    import onnx

    proto = model([GEMM, RELU])
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return proto


def changed(**fields: Any) -> Any:
    """A model whose first tensor claims something else."""
    proto = model([GEMM, RELU])
    tensor = proto.graph.initializer[0]
    for name, value in fields.items():
        if isinstance(value, list):
            tensor.ClearField(name)
            getattr(tensor, name).extend(value)
        else:
            setattr(tensor, name, value)
    return proto


def with_opset(domain: str) -> Any:
    proto = model([GEMM, RELU])
    proto.opset_import.add(domain=domain, version=1)
    return proto


def with_function() -> Any:
    proto = model([GEMM, RELU])
    proto.functions.add(name="Relu", domain="")
    return proto


REFUSED: list[tuple[Any, str]] = [
    (lambda: b"", "has 0 bytes"),
    (lambda: b"\x89not an onnx file", "is no ONNX file, or is damaged"),
    (lambda: model([GEMM, RELU]).SerializeToString()[:-20], "is no ONNX file, or is damaged"),
    (lambda: b"PK\x03\x04" + bytes(64), "is no ONNX file"),
    (lambda: elsewhere("../../etc/passwd"), "keeps tensor 'W' in another file, which is not opened"),
    (lambda: elsewhere("/etc/passwd"), "in another file"),
    (lambda: elsewhere("weights.bin"), "in another file"),
    (lambda: changed(dims=[1 << 40, 1 << 22]), r"has 6 numbers for the shape \(1099511627776, 4194304\)"),
    (lambda: changed(dims=[-2, -3]), r"'W' has the shape \(-2, -3\)"),
    (lambda: changed(dims=[3, 2]), "has a bias of shape"),
    (lambda: changed(raw_data=b"12345678901"), "has 2.75 numbers for the shape"),
    (lambda: changed(data_type=6), "weights of type INT32; float and double are read"),
    (lambda: changed(data_type=99), "weights of type"),
    (lambda: model([GEMM, RELU], {"W": W * np.nan, "B": B}), "not a finite number in tensor 'W'"),
    (
        lambda: model([("Conv", ["x", "W"], ["y"])]),
        "has the operator 'Conv'; a network of dense layers has Gemm, MatMul",
    ),
    (lambda: model([("Loop\x1b[2J", ["x"], ["y"])]), r"has the operator 'Loop\\x1b\[2J'"),
    (lambda: model([("Gemm", ["x", "W", "B"], ["y"], {"transA": 1})]), "transA, which would mix samples"),
    (lambda: model([("Gemm", ["x", "none"], ["y"])]), "input 'none' is no tensor of the file"),
    (lambda: model([("Gemm", ["x"], ["y"])]), "has a Gemm with 1 inputs"),
    (lambda: model([("MatMul", ["W", "x"], ["y"])]), "first input is not the result of the layer before"),
    (lambda: model([("Relu", ["x"], ["y"])]), "has a Relu that does not follow a dense layer"),
    (lambda: model([GEMM, ("Relu", ["h"], ["r"]), ("Tanh", ["r"], ["y"])]), "has a Tanh that does not follow"),
    (lambda: model([GEMM, ("Relu", ["x"], ["y"])]), "has a Relu beside the chain of layers"),
    (lambda: model([GEMM, ("Relu", ["h"], ["r"]), ("Add", ["r", "B"], ["y"])]), "Add that is not the bias"),
    (lambda: model([GEMM, ("Gemm", ["h", "W"], ["y"])]), "a layer of 2 inputs behind one of 3 outputs"),
    (lambda: model([GEMM, ("Softmax", ["h"], ["y"], {"axis": 0})]), "a Softmax with settings that no activation"),
    (lambda: model([GEMM, ("Gelu", ["h"], ["y"])]), "a Gelu with settings that no activation"),
    (lambda: model([GEMM, ("Elu", ["h"], ["y"], {"alpha": -1.0})]), r"alpha of ELU must lie in"),
    (lambda: model([GEMM, ("Cast", ["h"], ["y"], {"to": 7})]), "casts its numbers to another type"),
    (lambda: model([("Flatten", ["x"], ["f"], {"axis": 0}), ("Gemm", ["f", "W"], ["y"])]), "samples into one row"),
    (lambda: model([GEMM, RELU], outputs=("y", "h")), "has 1 inputs and 2 outputs"),
    (lambda: model([GEMM]), "holds no chain of dense layers from its input to its output"),
    (lambda: model([("Identity", ["x"], ["y"])]), "holds no chain of dense layers"),
    (
        lambda: model([GEMM, *[("Identity", ["h"], ["h"])] * 1001, RELU]),
        "has 1,003 nodes and 2 tensors; the limits are",
    ),
    (lambda: with_opset("com.evil"), "holds operators of 'com.evil'"),
    (with_function, "holds functions, training or sparse tensors"),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED)
def test_refusals(make: Any, sentence: str, tmp_path: Path) -> None:
    started = time.perf_counter()
    with pytest.raises(glassnet.ModelFileError, match=sentence) as caught:
        read(make(), tmp_path)
    assert time.perf_counter() - started < 1
    assert str(caught.value).isprintable()


def test_no_other_file_is_opened_and_no_socket(tmp_path: Path) -> None:
    opened: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event in ("open", "socket.connect") and isinstance(arguments[0], str):
            opened.append(arguments[0])

    path = tmp_path / "written.onnx"
    network = glassnet.NeuralNetwork([2, 3, 1], seed=0)
    glassnet.to_onnx(network, path)  # loads the packages
    glassnet.from_onnx(path)
    (tmp_path / "weights.bin").write_bytes(bytes(24))
    file = tmp_path / "model.onnx"
    file.write_bytes(elsewhere("weights.bin").SerializeToString())
    sys.addaudithook(watch)  # stays for the life of the process, and does nothing after this test
    try:
        with pytest.raises(glassnet.ModelFileError):
            glassnet.from_onnx(file)
        glassnet.from_onnx(path)
        glassnet.to_onnx(network, path)
    finally:
        watching = False
    own = {str(file), str(path), os.fspath(tmp_path)}
    assert all(name in own or Path(name).name.startswith(".glassnet-") for name in opened), opened


def test_what_a_file_says_about_itself(tmp_path: Path) -> None:
    import json

    import onnx

    written = glassnet.to_onnx(glassnet.NeuralNetwork([2, 3, 1], seed=0), tmp_path / "model.onnx")
    proto = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(proto, full_check=True)
    (entry,) = proto.metadata_props
    document = json.loads(entry.value)
    assert document["largest_difference"] == written.largest_difference and document["rows"] == 256
    assert np.shape(document["inputs"]["x"]) == (8, 2) and np.shape(document["outputs"]["output"]) == (8, 1)
    assert proto.producer_name == "glassnet" and proto.graph.input[0].doc_string == "2 numbers per sample"
    assert str(written).startswith(f"{tmp_path / 'model.onnx'}: ONNX Runtime differs by at most ")


def test_the_packages_are_named_where_they_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        glassnet.ModelFileError, match=r"to_onnx needs the package onnxruntime: pip install 'glassnet\[onnx\]'"
    ):
        glassnet.to_onnx(glassnet.NeuralNetwork(), tmp_path / "model.onnx")

"""`from_onnx`: a chain of dense layers in an ONNX file as a NeuralNetwork.

The file is untrusted. Only the operators of a table are read, and only tensors that lie in the file itself; no other
file is opened. Sizes are compared with the bytes that are there before an array is made.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np

from glassnet.errors import GlassnetError, ModelFileError
from glassnet.export.imported import build_imported
from glassnet.export.onnx_file import required
from glassnet.files.atomic_file import FilePath
from glassnet.files.storage import opened
from glassnet.network import NeuralNetwork
from glassnet.tables.activations import ELU, SELU_ALPHA, SELU_SCALE, Activation, LeakyReLU, activation
from glassnet.tables.costs import CostLike

Array = np.ndarray[Any, Any]
MAX_BYTES = (1 << 31) - 1
MAX_NODES, MAX_TENSORS = 1_000, 4_096
SIMPLE = {
    **{"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Softplus": "softplus", "Softsign": "softsign"},
    **{"Mish": "mish", "Exp": "exp"},
}
IGNORED = ("Identity", "Flatten", "Dropout", "Cast")  # nothing changes: the values are numbers, a row per sample
OPERATORS = ("Gemm", "MatMul", "Add", *SIMPLE, "Elu", "LeakyRelu", "Selu", "Gelu", "Softmax", *IGNORED, "Constant")


def from_onnx(path: FilePath, *, cost: CostLike | None = None, dtype: Any = None) -> NeuralNetwork:
    """Make a network from an ONNX file of dense layers: Gemm, or MatMul and Add, each with or without an activation.

    Parameters
    ----------
    path : the file; x is its input, samples as rows (N, inputs)
    cost : the cost of further training; None means the one that fits the last activation
    dtype : float32 or float64; None means that of the weights

    Raises ModelFileError (a ValueError) for a file that is damaged, contains other operators, has tensors outside the
    file, or is not a single chain from one input to one output.
    """
    with opened(path) as file:
        onnx = required("onnx", "from_onnx")
        size = os.fstat(file.fileno()).st_size
        if not 0 < size <= MAX_BYTES:
            _refuse(path, f"has {size:,} bytes; an ONNX file has 1 to {MAX_BYTES:,}")
        content = file.read()
    try:
        model = onnx.ModelProto.FromString(content)
    except Exception:  # what protobuf raises depends on its version
        _refuse(path, "is no ONNX file, or is damaged")
    del content
    try:
        chain = _Chain(path, onnx, model)
        return build_imported(chain.layers, chain.activations, chain.values(), str(path), cost=cost, dtype=dtype)
    except GlassnetError as error:
        raise error if isinstance(error, ModelFileError) else ModelFileError(str(error)) from None
    except UnicodeDecodeError:
        _refuse(path, "is damaged: a name in it is no text")


class _Chain:
    """The nodes of a graph, followed from its input to its output; arrays are made when all of them are known."""

    def __init__(self, path: FilePath, onnx: Any, model: Any) -> None:
        self.path, self.onnx, graph = path, onnx, model.graph
        self._check_model(model)
        self.tensors = {tensor.name: tensor for tensor in graph.initializer}
        for tensor in self.tensors.values():
            self._check_tensor(tensor)
        inputs = [entry.name for entry in graph.input if entry.name not in self.tensors]
        if len(inputs) != 1 or len(graph.output) != 1:
            _refuse(path, f"has {len(inputs)} inputs and {len(graph.output)} outputs; a network has one of each")
        self.name = inputs[0]
        self.layers: list[Any] = []
        self.activations: list[Activation] = []
        self.waits = False  # whether the last dense layer may still get a bias or an activation
        self.makers: dict[str, list[Callable[[], Array]]] = {}
        for node in graph.node:
            self._follow(node)
        if self.name != graph.output[0].name or not self.layers:
            _refuse(path, "holds no chain of dense layers from its input to its output")
        self._complete_activations()

    def values(self) -> dict[str, Array]:
        """The weights and biases by name, made of the tensors; terms of a bias are added."""
        return {
            name: np.sum([make() for make in makers], axis=0) if len(makers) > 1 else makers[0]()
            for name, makers in self._complete()
        }

    def _complete(self) -> list[tuple[str, list[Callable[[], Array]]]]:
        """What makes each weight and bias; a layer without a bias gets zeros."""
        for number, width in enumerate(self.layers[1:], 1):
            self.makers.setdefault(f"b{number}", [partial(np.zeros, width, np.float32)])
        return list(self.makers.items())

    # Checks -----------------------------------------------------------------------------------------------------------

    def _check_model(self, model: Any) -> None:
        graph = model.graph
        others = [entry.domain for entry in model.opset_import if entry.domain not in ("", "ai.onnx")]
        if model.functions or model.training_info or graph.sparse_initializer or others:
            what = f"operators of {others[0][:60]!r}" if others else "functions, training or sparse tensors"
            _refuse(self.path, f"holds {what}, which glassnet does not read")
        if len(graph.node) > MAX_NODES or len(graph.initializer) > MAX_TENSORS:
            counts = f"{len(graph.node):,} nodes and {len(graph.initializer):,} tensors"
            _refuse(self.path, f"has {counts}; the limits are {MAX_NODES:,} and {MAX_TENSORS:,}")

    def _check_tensor(self, tensor: Any) -> None:
        """Refuse a tensor outside of the file, of another type, or whose bytes do not fit its shape."""
        types, name = self.onnx.TensorProto, f"tensor {tensor.name[:60]!r}"
        if tensor.data_location == types.EXTERNAL or tensor.external_data:
            _refuse(self.path, f"keeps {name} in another file, which is not opened; save it as one file")
        if any(size < 0 for size in tensor.dims) or len(tensor.dims) > 8:
            _refuse(self.path, f"is damaged: {name} has the shape {tuple(tensor.dims)[:9]}")
        if tensor.data_type not in (types.FLOAT, types.DOUBLE):
            return  # refused where a layer reads it
        itemsize = 4 if tensor.data_type == types.FLOAT else 8
        typed = tensor.float_data if tensor.data_type == types.FLOAT else tensor.double_data
        count = len(tensor.raw_data) / itemsize if tensor.HasField("raw_data") else len(typed)
        if count != math.prod(tensor.dims):
            _refuse(self.path, f"is damaged: {name} has {count:g} numbers for the shape {tuple(tensor.dims)}")

    def _tensor(self, node: Any, index: int) -> Any:
        """The tensor that an input of a node names."""
        name = node.input[index]
        if name not in self.tensors:
            _refuse(self.path, f"has a {node.op_type} whose input {name[:60]!r} is no tensor of the file")
        tensor = self.tensors[name]
        if tensor.data_type not in (self.onnx.TensorProto.FLOAT, self.onnx.TensorProto.DOUBLE):
            names = {number: name for name, number in self.onnx.TensorProto.DataType.items()}
            kind = names.get(tensor.data_type, f"number {tensor.data_type}")
            _refuse(self.path, f"has weights of type {kind}; float and double are read: convert it first")
        return tensor

    # Nodes ------------------------------------------------------------------------------------------------------------

    def _follow(self, node: Any) -> None:
        """Take one node into the chain."""
        kind = node.op_type
        if node.domain not in ("", "ai.onnx") or kind not in OPERATORS:
            known = ", ".join(OPERATORS)
            _refuse(self.path, f"has the operator {kind[:60]!r}; a network of dense layers has {known}")
        attributes = {
            entry.name: self.onnx.helper.get_attribute_value(entry)
            for entry in node.attribute
            if entry.type in (1, 2, 3, 4)
        }
        if kind == "Constant":
            self._add_constant(node, attributes)
            return
        self._check_place(node)
        if kind == "Gemm":
            self._gemm(node, attributes)
        elif kind == "MatMul":
            self._dense(self._matrix(node, 1, False), False)
        elif kind == "Add":
            self._add(node)
        elif kind not in IGNORED:
            self._activate(kind, attributes)
        elif kind == "Cast" and attributes.get("to") not in (1, 11):
            _refuse(self.path, "casts its numbers to another type than float and double")
        elif kind == "Flatten" and attributes.get("axis", 1) not in (1, -1):
            _refuse(self.path, "has a Flatten that puts the samples into one row")
        self.name = node.output[0]

    def _check_place(self, node: Any) -> None:
        """Refuse a node that does not read the last one's result, and several results."""
        if self.name not in node.input or len([name for name in node.output if name]) != 1:
            _refuse(self.path, f"has a {node.op_type} beside the chain of layers; branches are not read")
        if node.input[0] != self.name and node.op_type != "Add":
            _refuse(self.path, f"has a {node.op_type} whose first input is not the result of the layer before")

    def _add_constant(self, node: Any, attributes: dict[str, Any]) -> None:
        tensor = attributes.get("value")
        if not isinstance(tensor, self.onnx.TensorProto) or len(node.output) != 1:
            _refuse(self.path, "has a Constant that is no tensor")
        self._check_tensor(tensor)
        self.tensors[node.output[0]] = tensor

    def _gemm(self, node: Any, attributes: dict[str, Any]) -> None:
        if attributes.get("transA", 0):
            _refuse(self.path, "has a Gemm with transA, which would mix samples")
        alpha, beta = (self._number(attributes, name, 1.0) for name in ("alpha", "beta"))
        self._dense(self._matrix(node, 1, bool(attributes.get("transB", 0))), True, alpha)
        if len(node.input) > 2 and node.input[2]:
            self._bias(self._tensor(node, 2), beta)

    def _matrix(self, node: Any, index: int, transposed: bool) -> tuple[Any, bool]:
        if len(node.input) <= index:
            _refuse(self.path, f"has a {node.op_type} with {len(node.input)} inputs")
        tensor = self._tensor(node, index)
        if len(tensor.dims) != 2:
            _refuse(self.path, f"has a {node.op_type} with weights of shape {tuple(tensor.dims)}; they have two axes")
        return tensor, transposed

    def _dense(self, matrix: tuple[Any, bool], complete: bool, alpha: float = 1.0) -> None:
        """Begin a dense layer with these weights."""
        tensor, transposed = matrix
        fan_in, fan_out = (int(size) for size in (tensor.dims[::-1] if transposed else tensor.dims))
        if self.layers and self.layers[-1] != fan_in:
            _refuse(self.path, f"has a layer of {fan_in} inputs behind one of {self.layers[-1]} outputs")
        self._complete_activations()
        self.layers += [fan_out] if self.layers else [fan_in, fan_out]
        self.makers[f"w{len(self.layers) - 1}"] = [lambda: self._array(tensor, transposed) * _factor(tensor, alpha)]
        self.waits = True

    def _complete_activations(self) -> None:
        """Give the last dense layer, where it has no activation, "linear"."""
        if self.layers and len(self.activations) < len(self.layers) - 1:
            self.activations.append(activation("linear"))

    def _add(self, node: Any) -> None:
        if not self.waits or len(node.input) != 2:
            _refuse(self.path, "has an Add that is not the bias of a dense layer")
        self._bias(self._tensor(node, 1 if node.input[0] == self.name else 0), 1.0)

    def _bias(self, tensor: Any, beta: float) -> None:
        width, shape = self.layers[-1], tuple(tensor.dims)
        if math.prod(shape) not in (1, width) or any(size != 1 for size in shape[:-1]):
            _refuse(self.path, f"has a bias of shape {shape} for a layer of {width} outputs")
        name = f"b{len(self.layers) - 1}"

        def make() -> Array:
            return np.broadcast_to(self._array(tensor).reshape(-1) * _factor(tensor, beta), width)

        self.makers.setdefault(name, []).append(make)

    def _activate(self, kind: str, attributes: dict[str, Any]) -> None:
        if not self.waits or len(self.activations) != len(self.layers) - 2:
            _refuse(self.path, f"has a {kind} that does not follow a dense layer")
        self.activations.append(self._activation(kind, attributes))
        self.waits = False

    def _number(self, attributes: dict[str, Any], name: str, default: float) -> float:
        """An attribute that is a finite number."""
        value = attributes.get(name, default)
        if not isinstance(value, int | float) or not math.isfinite(value):
            _refuse(self.path, f"is damaged: an attribute {name} is {str(value)[:40]!r}")
        return float(value)

    def _activation(self, kind: str, attributes: dict[str, Any]) -> Activation:
        if kind in SIMPLE:
            return activation(SIMPLE[kind])
        if kind == "LeakyRelu":
            return LeakyReLU(_decimal(self._number(attributes, "alpha", 0.01)))
        if kind == "Elu":
            return ELU(_decimal(self._number(attributes, "alpha", 1.0)))
        constants = self._number(attributes, "alpha", SELU_ALPHA), self._number(attributes, "gamma", SELU_SCALE)
        if kind == "Selu" and np.allclose(constants, (SELU_ALPHA, SELU_SCALE), rtol=1e-6):
            return activation("selu")
        if kind == "Gelu" and attributes.get("approximate") == b"tanh":
            return activation("gelu")
        if kind == "Softmax" and attributes.get("axis", -1) in (1, -1):
            return activation("softmax")
        _refuse(self.path, f"has a {kind} with settings that no activation of glassnet has")

    def _array(self, tensor: Any, transposed: bool = False) -> Array:
        array = np.asarray(self.onnx.numpy_helper.to_array(tensor))
        if not np.isfinite(array).all():
            _refuse(self.path, f"has a value that is not a finite number in tensor {tensor.name[:60]!r}")
        return array.T if transposed else array


def _factor(tensor: Any, factor: float) -> Any:
    return np.float64(factor) if tensor.data_type == 11 else np.float32(factor)


def _decimal(number: float) -> float:
    """A float32 of the file as the shortest decimal number that it may have been."""
    return float(str(np.float32(number)))


def _refuse(path: FilePath, problem: str) -> NoReturn:
    raise ModelFileError(f"{os.fspath(path)} {problem}.")

"""Predictions, one sample at a time and in blocks of many, compared with ONNX Runtime and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.contestants import network
from benchmarks.workloads import Array, RandomSource, Workload

Predict = Callable[[Array], Any]  # takes x (samples, inputs)


def glassnet(workload: Workload) -> Predict:
    """NeuralNetwork.predict with all its checks; its samples are columns."""
    net = network(workload)
    return lambda x: net.predict(x.T)


def onnx_runtime(workload: Workload) -> Predict:
    """The same network as Gemm and activation nodes, one thread."""
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    net, name, nodes, tensors = network(workload), "x", [], []
    operators = {"sigmoid": "Sigmoid", "relu": "Relu", "tanh": "Tanh", "softmax": "Softmax", "linear": "Identity"}
    for number, activation in enumerate(workload.activations):
        tensors += [
            numpy_helper.from_array(np.ascontiguousarray(net.weights[number].T), f"w{number}"),
            numpy_helper.from_array(net.biases[number].ravel(), f"b{number}"),
        ]
        nodes.append(helper.make_node("Gemm", [name, f"w{number}", f"b{number}"], [f"z{number}"]))
        name = f"a{number}"
        nodes.append(helper.make_node(operators[activation], [f"z{number}"], [name]))
    ends = [
        helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, ["m", width])
        for end, width in (("x", workload.layers[0]), (name, workload.layers[-1]))
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})


def pytorch(workload: Workload) -> Predict:
    """Eager mode without gradients, one thread."""
    import torch

    from benchmarks.peer_torch import sequential

    torch.set_num_threads(1)
    output = [torch.nn.Softmax(1)] if workload.is_classifier else []
    model = torch.nn.Sequential(sequential(workload, RandomSource()), *output).eval()

    def predict(x: Array) -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(x))

    return predict


CONTESTANTS: dict[str, Callable[[Workload], Predict]] = {
    "glassnet": glassnet,
    "ONNX Runtime": onnx_runtime,
    "PyTorch": pytorch,
}

"""Answers of a trained network: one sample at a time, and blocks of many rows, against ONNX Runtime and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.contestants import network
from benchmarks.workloads import Array, Chance, Workload

Answer = Callable[[Array], Any]  # rows (samples, inputs) → anything


def glassnet(workload: Workload) -> Answer:
    """NeuralNetwork.predict with all its checks; samples are columns."""
    net = network(workload)
    return lambda rows: net.predict(rows.T)


def onnx_runtime(workload: Workload) -> Answer:
    """The same network as Gemm and activation nodes, one thread."""
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    net, name, nodes, stored = network(workload), "x", [], []
    kinds = {"sigmoid": "Sigmoid", "relu": "Relu", "tanh": "Tanh", "softmax": "Softmax", "linear": "Identity"}
    for number, activation in enumerate(workload.activations):
        stored += [
            numpy_helper.from_array(np.ascontiguousarray(net.weights[number].T), f"w{number}"),
            numpy_helper.from_array(net.biases[number].ravel(), f"b{number}"),
        ]
        nodes.append(helper.make_node("Gemm", [name, f"w{number}", f"b{number}"], [f"z{number}"]))
        name = f"a{number}"
        nodes.append(helper.make_node(kinds[activation], [f"z{number}"], [name]))
    ends = [
        helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, ["m", width])
        for end, width in (("x", workload.layers[0]), (name, workload.layers[-1]))
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda rows: session.run(None, {"x": rows})


def pytorch(workload: Workload) -> Answer:
    """Eager, without gradients, one thread."""
    import torch

    from benchmarks.peer_torch import sequential

    torch.set_num_threads(1)
    output = [torch.nn.Softmax(1)] if workload.is_classifier else []
    model = torch.nn.Sequential(sequential(workload, Chance()), *output).eval()

    def answer(rows: Array) -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(rows))

    return answer


CONTESTANTS: dict[str, Callable[[Workload], Answer]] = {
    "glassnet": glassnet,
    "ONNX Runtime": onnx_runtime,
    "PyTorch": pytorch,
}

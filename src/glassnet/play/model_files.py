"""The network of a run as a file to take away: glassnet's own format, plain arrays, ONNX, or source code."""

from __future__ import annotations

import base64
import io
import os
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import unknown_name
from glassnet.network import NeuralNetwork
from glassnet.play.run import Run

Message = dict[str, Any]


class Format(NamedTuple):
    """A format: `write(network, path)` writes the file, `note` says how it is read."""

    title: str
    file: str
    note: str
    write: Callable[[NeuralNetwork, str], None]


def _save(network: NeuralNetwork, path: str) -> None:
    network.save(path)


def _arrays(network: NeuralNetwork, path: str) -> None:
    named: dict[str, Any] = {name: network.parameters[name] for name in network.parameters.segments}
    with open(path, "wb") as stream:
        buffer = io.BytesIO()
        np.savez(buffer, **named)
        stream.write(buffer.getvalue())


def _onnx(network: NeuralNetwork, path: str) -> None:
    from glassnet.export.onnx_file import to_onnx

    to_onnx(network, path)


def _source(language: str) -> Callable[[NeuralNetwork, str], None]:
    def write(network: NeuralNetwork, path: str) -> None:
        from glassnet.export.source import to_source

        with open(path, "w", encoding="utf-8") as stream:
            stream.write(to_source(network, language))

    return write


FORMATS = {
    "glassnet": Format("glassnet model file", "model.safetensors", "Read it with glassnet.load(...).", _save),
    "npz": Format("NumPy arrays (.npz)", "weights.npz", "numpy.load(...)['w1'] is (fan_out, fan_in).", _arrays),
    "onnx": Format("ONNX", "model.onnx", "Runs in ONNX Runtime and many other programs.", _onnx),
    "python": Format("Python source", "model.py", "Needs only NumPy.", _source("python")),
    "c": Format("C source", "model.c", "Needs only a C compiler.", _source("c")),
    "javascript": Format("JavaScript source", "model.js", "Needs nothing.", _source("javascript")),
}


def formats() -> list[Message]:
    """The formats that can be written here, as choices."""
    there = {name: each for name, each in FORMATS.items() if name != "onnx" or find_spec("onnx") is not None}
    return [{"name": name, "title": each.title, "text": each.note} for name, each in there.items()]


def model_message(run: Run, name: str) -> Message:
    """The network of a run as a file: its name, content as base64, and a note. Raises ParameterError."""
    if name not in FORMATS:
        raise unknown_name("format", name, [each["name"] for each in formats()])
    chosen = FORMATS[name]
    network = run.training.network
    if run.data.table is not None:
        network.preparation, network.target = run.data.table
    with tempfile.TemporaryDirectory(prefix="glassnet-") as folder:
        path = os.path.join(folder, chosen.file)
        chosen.write(network, path)
        with open(path, "rb") as stream:
            content = stream.read()
    return {"name": chosen.file, "content": base64.b64encode(content).decode("ascii"), "note": chosen.note}

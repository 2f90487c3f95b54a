"""`to_onnx`: a model as an ONNX file, from what `predict` takes to what it gives, checked by running it.

ONNX Runtime computes the predictions of some rows; these rows, what glassnet predicts for them and the largest
difference are in the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import DataError, ModelFileError, counted, printable
from glassnet.export.example_rows import example_rows
from glassnet.export.examples import Examples, largest_difference
from glassnet.export.file_endings import check_ending
from glassnet.export.model_pipeline import at_one_moment, model_pipeline
from glassnet.export.onnx_graph import OnnxGraph
from glassnet.export.pipeline import TEXT, Pipeline
from glassnet.files.atomic_file import FilePath, atomic_file, check_target
from glassnet.files.replacing import ONNX

Array = np.ndarray[Any, Any]
CHECKED_ROWS, STORED_ROWS, MAX_STORED_CELLS = 256, 8, 20_000
MAX_DIFFERENCE = 1e-3  # more is no rounding
MAX_BYTES = 2**31 - 1  # of one protobuf message
KEY = "glassnet"


@dataclass(frozen=True, repr=False)
class OnnxExport:
    """The inputs and outputs of an ONNX file with their meanings, and how far ONNX Runtime differs from glassnet.

    `largest_difference` is relative to the largest predicted number; `same_labels` the share of equal classes.
    """

    path: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    rows: int
    largest_difference: float
    same_labels: float
    notes: tuple[str, ...] = ()

    @property
    def comparison(self) -> str:
        """The difference between ONNX Runtime and glassnet, as a sentence."""
        text = f"ONNX Runtime differs by at most {self.largest_difference:.1e} of the largest prediction"
        if self.same_labels < 1:
            text += f", and gives another class in {1 - self.same_labels:.1%} of them,"
        return f"{text} on {counted(self.rows, 'row')}"

    def __str__(self) -> str:
        lines = [f"{self.path}: {self.comparison}"]
        lines += [f"  in   {name}: {note}" for name, note in self.inputs.items()]
        lines += [f"  out  {name}: {note}" for name, note in self.outputs.items()]
        return "\n".join(map(printable, [*lines, *self.notes]))

    def __repr__(self) -> str:
        return str(self)


def to_onnx(model: Any, path: FilePath, *, examples: Any = None) -> OnnxExport:
    """Write a fitted model to an ONNX file, run it in ONNX Runtime, and return the difference from glassnet.

    Parameters
    ----------
    model : a NeuralNetwork or a fitted estimator; the preparation of the raw columns of a tabular one is included
    path : the file to write
    examples : rows for this check, in the form that `predict` takes; None draws some at random

    In the file samples are rows: x (N, inputs), also for a NeuralNetwork. Each column is a separate input (N, 1):
    float64 for numbers, NaN where missing; text for categories and true/false, empty where missing; days since
    1970-01-01 for dates. Raises ModelFileError (a ValueError) if the file cannot be written, onnx or onnxruntime is
    missing, or the results differ by more than rounding, and ParameterError (a ValueError) for a `path` with the ending
    of another format.
    """
    check_target(path, kind=ONNX)
    check_ending(path, "an ONNX file")
    for name in ("onnx", "onnxruntime"):
        required(name, "to_onnx")
    model = at_one_moment(model)
    pipeline = model_pipeline(model)
    rows = example_rows(model, pipeline, CHECKED_ROWS, examples)
    graph = OnnxGraph(pipeline)
    proto = graph.model()
    difference, same = _compare(proto, graph, rows)
    _add_metadata(proto, pipeline, rows, difference)
    content = _serialized(proto)
    with atomic_file(path, kind=ONNX) as file:
        file.write(content)
    inputs = {graph.public[entry.quantity]: entry.note for entry in pipeline.inputs}
    outputs = {graph.outputs[entry.name]: entry.note for entry in pipeline.outputs}
    return OnnxExport(str(path), inputs, outputs, len(rows), difference, same, tuple(pipeline.notes))


def required(name: str, function: str) -> Any:
    """A package of the extra. Raises ModelFileError where it is not installed."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise ModelFileError(f"{function} needs the package {name}: pip install 'glassnet[onnx]'.") from None


def _serialized(proto: Any) -> bytes:
    if (size := proto.ByteSize()) > MAX_BYTES:
        raise ModelFileError(f"The ONNX file would have {size:,} bytes; the limit of the format is {MAX_BYTES:,}.")
    return bytes(proto.SerializeToString())


def _compare(proto: Any, graph: OnnxGraph, rows: Examples) -> tuple[float, float]:
    """The largest difference of ONNX Runtime's numbers, and the share of equal labels."""
    results = run(_serialized(proto), feeds(graph, rows))
    differences, labels = [0.0], []
    for output in graph.pipeline.outputs:
        result, expected = results[graph.outputs[output.name]], rows.outputs[output.name]
        if output.name.startswith("label"):
            labels.append(float((result.reshape(len(rows), -1) == expected.reshape(len(rows), -1)).mean()))
        else:
            differences.append(largest_difference(result, expected))
    difference, same = max(differences), min(labels, default=1.0)
    if difference > MAX_DIFFERENCE:
        fault = f"ONNX Runtime's results differ by {difference:.1e} from glassnet's"
        raise DataError(f"{fault}, more than rounding explains; nothing was written: report this as a bug.")
    return difference, same


def run(content: bytes, inputs: dict[str, Array]) -> dict[str, Array]:
    """The outputs of a model in ONNX Runtime, on one thread of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads, options.inter_op_num_threads = 3, 1, 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def feeds(graph: OnnxGraph, rows: Examples) -> dict[str, Array]:
    """The rows as ONNX Runtime takes them: numbers in the dtype of the input, an empty text where one is missing."""
    result = {}
    for entry in graph.pipeline.inputs:
        dtype, name = graph.pipeline.quantities[entry.quantity].dtype, graph.public[entry.quantity]
        array = rows.inputs[entry.name]
        if dtype == TEXT:
            result[name] = np.array([["" if text is None else text for text in row] for row in array], object)
        else:
            result[name] = array.astype(dtype)
    return result


def _add_metadata(proto: Any, pipeline: Pipeline, rows: Examples, difference: float) -> None:
    """Store some rows with their predictions, and the largest difference."""
    width = sum(pipeline.width(entry.quantity) for entry in pipeline.inputs)
    stored = rows.first(max(1, min(STORED_ROWS, MAX_STORED_CELLS // width)))
    document = {"largest_difference": difference, "rows": len(rows)}
    examples = [{name: _plain(array) for name, array in part.items()} for part in stored]
    text = json.dumps({**document, "inputs": examples[0], "outputs": examples[1]}, allow_nan=False)
    entry = proto.metadata_props.add()
    entry.key, entry.value = KEY, text


def _plain(array: Array) -> Any:
    """An array as lists, with null for what is missing."""
    values = array.tolist()
    if array.dtype.kind == "f" and np.isnan(array).any():
        return [[None if cell != cell else cell for cell in row] for row in values]
    return values

"""`glassnet export`: write a model for another program: ONNX, PyTorch, Keras, or code that needs nothing."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

if TYPE_CHECKING:
    from glassnet.files.replacing import Kind

FORMATS = ("onnx", "torch", "keras", "python", "c", "js")
TO_HELP = "onnx; torch (safetensors of a state dict); keras (.npz for set_weights); python, c or js (source code)."


def export(
    model: Annotated[str, Argument(metavar="MODEL", help="A model file of glassnet train, or of save.")],
    out: Annotated[str, Argument(metavar="OUT", help="The file to write.")],
    to: Annotated[str, Option("--to", metavar="FORMAT", help=TO_HELP)],
) -> None:
    """Write a model for another program.

    ONNX and source code contain everything from raw columns to predictions; torch and keras the weights of one network.
    """
    from glassnet.cli.output_paths import check_output
    from glassnet.cli.printing import print_line
    from glassnet.errors import unknown_name
    from glassnet.loading import load

    if to not in FORMATS:
        raise unknown_name("format", to, FORMATS)
    check_output(out, model, kind=_kind(to))
    loaded = load(model)
    for label, text in _written(loaded, out, to):
        print_line(label, text)


def _kind(to: str) -> Kind:
    """The kind of file that a format is."""
    from glassnet.files.replacing import CODE, NPZ, ONNX, TENSORS

    return {"onnx": ONNX, "torch": TENSORS, "keras": NPZ}.get(to, CODE)


def _written(model: Any, out: str, to: str) -> list[tuple[str, str]]:
    """Write the file, and what to say about it, by label."""
    if to == "onnx":
        return _onnx(model, out)
    if to in ("torch", "keras"):
        return _weights(model, out, to)
    from glassnet.export.source import to_source

    code = to_source(model, to, out)
    name = shlex.quote(out)
    run = {
        "python": f"python {name}",
        "c": f"cc -O2 -DGLASSNET_TEST {name} -o check -lm && ./check",
        "js": f"node {name}",
    }[to]
    lines = f"{code.count(chr(10)):,} lines"
    return [("Written", f"{out} ({lines}, no dependencies)"), ("Check", f"{run} compares it with glassnet")]


def _onnx(model: Any, out: str) -> list[tuple[str, str]]:
    from glassnet.export.onnx_file import to_onnx

    written = to_onnx(model, out)
    lines = [("Written", out)]
    for label, notes in (("In", written.inputs), ("Out", written.outputs)):
        lines += [("" if number else label, f"{name}: {note}") for number, (name, note) in enumerate(notes.items())]
    return [*lines, *(("Note", note) for note in written.notes), ("Check", written.comparison)]


def _weights(model: Any, out: str, to: str) -> list[tuple[str, str]]:
    from glassnet.export.keras import keras_text, to_keras
    from glassnet.export.model_pipeline import has_preparation
    from glassnet.export.pytorch import sequential_text, to_torch_state_dict

    write, text = (to_torch_state_dict, sequential_text) if to == "torch" else (to_keras, keras_text)
    write(model, out)
    note = "the network alone: its inputs are the prepared columns; --to onnx includes the preparation"
    return [("Written", out), ("Weights of", text(model)), *([("Note", note)] if has_preparation(model) else [])]

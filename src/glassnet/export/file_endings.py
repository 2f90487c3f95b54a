"""Names of exported files: one that ends like a file of another format would not be read, by people or programs."""

from __future__ import annotations

import os

from glassnet.errors import ParameterError
from glassnet.files.atomic_file import FilePath, check_path

ENDINGS = {
    "an ONNX file": (".onnx",),
    "a safetensors file": (".safetensors",),
    "a NumPy .npz file": (".npz",),
    "Python code": (".py",),
    "C code": (".c", ".h", ".cc", ".cpp"),
    "JavaScript code": (".js", ".cjs"),
}
NOT_WRITTEN = (".pt", ".pth", ".bin", ".h5", ".hdf5", ".keras", ".npy", ".pkl", ".joblib", ".csv", ".parquet")


def check_ending(path: FilePath, content: str) -> None:
    """Raise ParameterError (a ValueError) where a name ends like a file of another format than the content's."""
    check_path(path)
    ending = os.path.splitext(os.fspath(path))[1].lower()
    known = {*NOT_WRITTEN, *(ending for endings in ENDINGS.values() for ending in endings)}
    if ending in known and ending not in ENDINGS[content]:
        good = ENDINGS[content][0]
        raise ParameterError(f"{os.fspath(path)} would hold {content}; let its name end in {good}, not in {ending}.")

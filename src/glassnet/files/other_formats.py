"""What a file is that does not begin like a model file, by its first bytes and never by its name."""

from __future__ import annotations

OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip file (as PyTorch, Keras and .npz files are)", "it may hold pickles, which could run code"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "glassnet does not read it"),
    (b"\x1f\x8b", "a gzip file", "decompress it first if it contains a glassnet model"),
    (b"PAR1", "a Parquet file", "it is data, not a model"),
    (b"\x93NUMPY", "a NumPy array file", "it is data, not a model"),
    (b"GGUF", "a GGUF file", "glassnet does not read it"),
    (b"GLASSREC", "a recording of a run, not a model", "read it with Recording"),
)


def foreign_format(first: bytes) -> tuple[str, str] | None:
    """What a file with these first bytes is and what to do with it; None where they say nothing."""
    for magic, what, advice in OTHER_FORMATS:
        if first.startswith(magic):
            return (what, advice) if magic == b"GLASSREC" else (f"{what}, not a glassnet model", advice)
    if first[:1] == b"\x80" and first[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a pickle file, which could run code, so it is refused", "save the model with glassnet"
    if is_onnx(first):
        return "an ONNX file, not a glassnet model", "give the .safetensors file it was exported from"
    return None


def is_onnx(first: bytes) -> bool:
    """Whether a file with these first bytes is an ONNX file: the version of its format, then another field."""
    return first[:1] == b"\x08" and first[1:2] < b"\x20" and first[2:3] in b"\x12\x1a\x22\x2a\x32\x3a\x42"

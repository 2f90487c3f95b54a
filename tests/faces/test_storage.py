"""Model files: what is written is read back bit for bit, and a file that lies is refused in one sentence."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from glassnet import Embedding, NeuralNetwork, PeriodicEmbedding, PiecewiseLinear
from glassnet.errors import ModelFileError
from glassnet.files.header import MAX_DOCUMENT, MAX_HEADER
from glassnet.files.storage import read_tensors, write_tensors

from ..limits import cpu_limit

TENSORS = {"w1": np.arange(6, dtype=np.float32).reshape(2, 3), "t": np.array(7, np.int64), "none": np.zeros((0, 4))}
METADATA = {"layers": [3, 2], "name": "ä", "nested": {"lr": 0.1, "none": None}}


def write_raw(path: Path, header: Any, data: bytes = b"") -> Path:
    """A file with this header (a str goes in as it is) and these bytes of tensors."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def header(**tensors: Any) -> dict[str, Any]:
    return {"__metadata__": {"glassnet": '{"format": 1}'}, **tensors}


def large(**tensors: Any) -> dict[str, Any]:
    """A header of a file whose document is a tensor."""
    return {"__metadata__": {"glassnet": '{"format": 2}'}, **tensors}


def summed(**tensors: Any) -> dict[str, Any]:
    """A header of a file with a checksum."""
    return {"__metadata__": {"glassnet": '{"format": 3}'}, **tensors}


def tensor(begin: int, end: int, shape: list[Any], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def refusal(path: Path) -> str:
    """The sentence with which the file is refused, by both readers of headers; it names the file."""
    with pytest.raises(ModelFileError) as caught:
        read_tensors(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and message.endswith(".") and "\n" not in message
    return message


def test_round_trip(tmp_path: Path) -> None:
    write_tensors(tmp_path / "m", TENSORS, METADATA)
    tensors, metadata = read_tensors(tmp_path / "m")
    assert metadata == METADATA == read_tensors(tmp_path / "m")[1]
    assert tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert tensors[name].dtype == value.dtype and tensors[name].shape == value.shape
        assert tensors[name].tobytes() == value.tobytes()
        assert tensors[name].flags.writeable and tensors[name].flags.aligned


def test_the_file_is_safetensors(tmp_path: Path) -> None:
    write_tensors(tmp_path / "m", TENSORS, METADATA)
    read = load_file(tmp_path / "m")
    assert bytes(read.pop("checksum")) == (tmp_path / "m").read_bytes()[-4:] and read.keys() == TENSORS.keys()
    for name, value in read.items():
        np.testing.assert_array_equal(value, TENSORS[name])


def test_saving_what_was_loaded_gives_the_same_bytes(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", TENSORS, METADATA)
    write_tensors(tmp_path / "b", *read_tensors(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


LARGE = {"levels": [f"ä{k}" for k in range(100_000)], "name": '"\n'}


def test_a_document_too_large_for_the_header_is_a_tensor(tmp_path: Path) -> None:
    write_tensors(tmp_path / "m", TENSORS, LARGE)
    tensors, metadata = read_tensors(tmp_path / "m")
    assert metadata == LARGE == read_tensors(tmp_path / "m")[1] and tensors.keys() == TENSORS.keys()
    assert bytes(load_file(tmp_path / "m")["document"]).decode() == json.dumps(LARGE, ensure_ascii=False)
    whole = (tmp_path / "m").read_bytes()
    for length in (0, 5, 100, 10_000, len(whole) // 2, len(whole) - 1):
        (tmp_path / "m").write_bytes(whole[:length])
        assert ("is empty" if length == 0 else "ends early") in refusal(tmp_path / "m"), length


def test_a_document_of_many_lists_is_refused_quickly(tmp_path: Path) -> None:
    text = b'{"x":[' + b"[]," * 10_000_000 + b"[]]}"
    path = write_raw(tmp_path / "m", large(document=tensor(0, len(text), [len(text)], "U8")), text)
    with cpu_limit(1):
        assert "more than 1,000,000 lists" in refusal(path)


def test_other_memory_orders_are_written_by_value(tmp_path: Path) -> None:
    array = np.arange(6.0).reshape(2, 3)
    write_tensors(tmp_path / "m", {"f": np.asfortranarray(array), "t": array.T, "big": array.astype(">f8")}, {})
    tensors, _ = read_tensors(tmp_path / "m")
    np.testing.assert_array_equal(tensors["f"], array)
    np.testing.assert_array_equal(tensors["t"], array.T)
    np.testing.assert_array_equal(tensors["big"], array)


@pytest.mark.parametrize(
    ("tensors", "metadata", "message"),
    [
        ({"w": np.array([1, np.nan])}, {}, r"w\[1\] is NaN"),
        ({"w": np.array([[1, 2], [3, -np.inf]], np.float32)}, {}, r"w\[1, 1\] is infinite"),
        ({"w": np.zeros(2, np.float16)}, {}, "w of dtype float16"),
        ({"w": np.array(["a"])}, {}, "w of dtype <U1"),
        ({str(k): np.zeros(1) for k in range(4097)}, {}, "4,097 tensors"),
        ({}, {"x": float("nan")}, "metadata"),
        ({}, {"x": object()}, "metadata"),
        ({}, {"x": 10**20}, "whole number of 21 digits"),
        ({"checksum": np.zeros(1)}, {}, "cannot hold a tensor named 'checksum'"),
        ({}, {"x": "a" * MAX_DOCUMENT}, "34 MB of names, categories and settings; the limit is 34"),
        ({k * 300: np.zeros(1) for k in map(chr, range(256, 4096))}, {}, "header"),
    ],
)
def test_values_that_cannot_be_saved_are_refused(tmp_path: Path, tensors: Any, metadata: Any, message: str) -> None:
    (tmp_path / "m").write_bytes(b"old")
    with pytest.raises(ModelFileError, match=message):
        write_tensors(tmp_path / "m", tensors, metadata)
    assert (tmp_path / "m").read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    write_tensors(tmp_path / "m", TENSORS, METADATA)
    whole = (tmp_path / "m").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "m").write_bytes(whole[:length])
        message = refusal(tmp_path / "m")
        assert ("is empty" if length == 0 else "ends early") in message, (length, message)


def test_bytes_at_the_end_are_refused(tmp_path: Path) -> None:
    write_tensors(tmp_path / "m", TENSORS, METADATA)
    with open(tmp_path / "m", "ab") as file:
        file.write(b"123")
    assert "3 bytes too many" in refusal(tmp_path / "m")


@settings(max_examples=300, deadline=None)
@given(offset=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_changed_byte_gives_a_sentence_or_a_readable_file(tmp_path_factory: Any, offset: int, value: int) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.unlink(missing_ok=True)  # what is changed may no longer be taken for a model file
    write_tensors(path, TENSORS, METADATA)
    content = bytearray(path.read_bytes())
    content[offset % len(content)] = value
    path.write_bytes(content)
    try:
        tensors, _ = read_tensors(path)
    except ModelFileError:
        return
    assert all(np.isfinite(t).all() for t in tensors.values())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"a": 1}), "pickle"),
        (pickle.dumps({"a": 1}, protocol=2), "pickle"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b"PK\x03\x04" + bytes(100), "zip"),
        (b"\x08\x07\x12\x07pytorch" + bytes(100), "ONNX"),
        (b"\x08\x0a\x3a\xf0\x01" + bytes(100), "ONNX"),
        (b"\x1f\x8b\x08" + bytes(100), "gzip"),
        (b"PAR1" + bytes(100), "Parquet"),
        (b"a,b\n1,2\n3,4\n5,6\n", "not a glassnet model"),
        (b"{" * 20, "has a header of"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    assert message in refusal(tmp_path / "model.safetensors")


class Malicious:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (open, (str(self.marker), "w"))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_is_ever_run(tmp_path: Path, protocol: int) -> None:
    pickled = pickle.dumps(Malicious(tmp_path / "marker"), protocol=protocol)
    (tmp_path / "a.safetensors").write_bytes(pickled)
    with zipfile.ZipFile(tmp_path / "b.safetensors", "w") as archive:
        archive.writestr("data.pkl", pickled)
    refusal(tmp_path / "a.safetensors")
    assert "zip" in refusal(tmp_path / "b.safetensors")
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    ("head", "data", "message"),
    [
        (header(a=tensor(0, 8, [2])), b"", "ends early"),
        (header(a=tensor(0, 8, [2], "F16")), bytes(8), "dtype 'F16'"),
        (header(a=tensor(0, 8, [2], "BOOL")), bytes(8), "dtype"),
        (header(a=tensor(0, 8, [3])), bytes(8), "8 bytes for F32 of shape"),
        (header(a=tensor(0, 8, [-2])), bytes(8), "shape"),
        (header(a=tensor(0, 8, [2.0])), bytes(8), "shape"),
        (header(a=tensor(0, 8, [True, 2])), bytes(8), "shape"),
        (header(a=tensor(0, 8, [2] + [1] * 100)), bytes(8), "shape"),
        (header(a=tensor(0, 0, [2**62, 4])), b"", "shape"),
        (header(a=tensor(0, 0, [2**47, 2**47, 0])), b"", "shape"),
        (header(a=tensor(0, 8, [2]), b=tensor(4, 12, [2])), bytes(12), "overlaps"),
        (header(a=tensor(0, 8, [2]), b=tensor(0, 8, [2])), bytes(8), "overlaps"),
        (header(a=tensor(0, 8, [2]), b=tensor(12, 20, [2])), bytes(20), "unused"),
        (header(a=tensor(4, 12, [2])), bytes(12), "unused"),
        (header(a=tensor(-8, 0, [2])), bytes(8), "data_offsets"),
        (header(a={"dtype": "F32", "shape": [2]}), bytes(8), "exactly"),
        (header(a={**tensor(0, 8, [2]), "extra": 1}), bytes(8), "exactly"),
        (header(a=[1, 2]), bytes(8), "exactly"),
        (header(a=tensor(0, 8, [2])), struct.pack("<ff", 1, float("nan")), r"a[1] is NaN"),
        (header(**{str(k): tensor(0, 0, [0]) for k in range(4097)}), b"", "4,097 tensors"),
        ('{"__metadata__": {"glassnet": "{\\"format\\": 1}"}, "a": 1, "a": 1}', b"", "twice"),
        ('{"__metadata__": {"glassnet": "{\\"format\\": 1, \\"format\\": 1}"}}', b"", "twice"),
        ('{"__metadata__": {"glassnet": "{\\"format\\": 1, \\"x\\": NaN}"}}', b"", "it contains NaN"),
        ("{" + '"a":{' * 5000 + "}" * 5001, b"", "nested too deeply"),
        ("{" + '"a":' + "9" * 5000 + "}", b"", "damaged header"),
        ("{\x00}", b"", "damaged header"),
        ({}, b"", "not one that glassnet wrote"),
        ({"__metadata__": {"glassnet": 1}}, b"", "not one that glassnet wrote"),
        ({"__metadata__": {"glassnet": "[]"}}, b"", "not a JSON object"),
        ({"__metadata__": {"glassnet": "{}"}}, b"", "format"),
        ({"__metadata__": {"glassnet": '{"format": true}'}}, b"", "format"),
        ({"__metadata__": {"glassnet": '{"format": 4}'}}, b"", "newer glassnet (format 4; this one reads 3)"),
        ({"__metadata__": {"glassnet": '{"format": 3}'}}, b"", "tensor 'checksum' is missing"),
        (header(checksum=tensor(0, 4, [4], "U8")), bytes(4), "tensor 'checksum' does not belong to format 1"),
        (summed(checksum=tensor(0, 8, [8], "U8")), bytes(8), "tensor 'checksum' is not the last one, of 4 bytes"),
        (summed(checksum=tensor(0, 4, [4], "U8"), z=tensor(4, 8, [1])), bytes(8), "is not the last one"),
        (summed(checksum=tensor(0, 4, [4], "U8")), bytes(4), "its bytes do not fit its checksum"),
        (
            '{"__metadata__": {"glassnet": "{\\"format\\": 1, \\"x\\": 1e999}"}}',
            b"",
            "1e999, which is no finite number",
        ),
        (
            '{"__metadata__": {"glassnet": "{\\"format\\": 1, \\"x\\": -%s}"}}' % ("9" * 400),
            b"",
            "number of 400 digits",
        ),
        ({"__metadata__": {"glassnet": '{"format": 2}'}}, b"", "tensor 'document' is missing"),
        (large(document=tensor(0, 8, [2])), b"{" * 8, "tensor 'document' has dtype 'F32'"),
        (large(document=tensor(0, 8, [8], "U8")), b"{" * 8, "damaged header"),
        (large(document=tensor(0, 8, [8], "U8")), b"\xff" * 8, "damaged header"),
        (large(document=tensor(0, 8, [8], "U8")), b"[[],[] ]", "not a JSON object"),
        (large(other=tensor(0, 8, [8], "U8")), bytes(8), "dtype 'U8'"),
    ],
)
def test_false_headers_are_refused(tmp_path: Path, head: Any, data: bytes, message: str) -> None:
    assert message in refusal(write_raw(tmp_path / "m", head, data))


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 10**8])
def test_a_header_length_beyond_the_file(tmp_path: Path, length: int) -> None:
    (tmp_path / "m").write_bytes(struct.pack("<Q", length) + b"{}")
    assert f"has a header of {length:,} bytes" in refusal(tmp_path / "m")


def test_a_long_header_is_refused_quickly(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "m", header(**{str(k): tensor(0, 0, [0]) for k in range(40000)}))
    with cpu_limit(0.5):
        assert f"the limit is {MAX_HEADER:,}" in refusal(path)


def test_safetensors_of_others(tmp_path: Path) -> None:
    save_file({"w": np.zeros(3, np.float32)}, tmp_path / "m")
    assert "not one that glassnet wrote" in refusal(tmp_path / "m")


def test_folders_pipes_and_missing_files(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "missing")
    assert "is a folder" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "ordinary" in refusal(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="ordinary"):
        write_tensors(tmp_path / "pipe", TENSORS, METADATA)
    with pytest.raises(ModelFileError, match="is a folder"):
        write_tensors(tmp_path, TENSORS, METADATA)
    with pytest.raises(ModelFileError, match="there is no folder"):
        write_tensors(tmp_path / "no" / "m", TENSORS, METADATA)


def test_links_are_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ModelFileError, match="symbolic link"):
        write_tensors(tmp_path / "link", TENSORS, METADATA)
    assert (tmp_path / "real").read_bytes() == b"old"


def test_the_mode_of_the_old_file_stays(tmp_path: Path) -> None:
    write_tensors(tmp_path / "m", TENSORS, METADATA)
    (tmp_path / "m").chmod(0o640)
    write_tensors(tmp_path / "m", TENSORS, METADATA)
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"levels": 3', '"levels": 10000000000'),
        ('"bins": 3', '"bins": 10000000000'),
        ('"frequencies": 3', '"frequencies": 10000000000'),
        ("5, 1]", "5000000000, 1]"),
        ('"layers": [2', '"layers": [2000000000'),
    ],
)
def test_a_network_far_larger_than_its_file_is_refused_before_it_is_built(
    tmp_path: Path, before: str, after: str
) -> None:
    """A forged file must not make the reader allocate memory without bounds."""
    embeddings = [Embedding(3, (1,), 4), PiecewiseLinear(None, bins=3), PeriodicEmbedding(None, frequencies=3)]
    NeuralNetwork([2, *embeddings, 5, 1], seed=0).save(tmp_path / "m")
    tensors, document = read_tensors(tmp_path / "m")
    text = json.dumps(document)
    assert before in text
    write_tensors(tmp_path / "m", tensors, json.loads(text.replace(before, after)))
    with pytest.raises(ModelFileError, match=r"tensor \S+ is float32 .*; the network it describes needs float32"):
        NeuralNetwork.load(tmp_path / "m")

"""Write the seeds of the corpus, small files of each kind that are read: `python -m tests.fuzz.make_seeds`.

Seeds are committed, so that the same files are changed on every machine; crash-* files beside them stay.
"""

from __future__ import annotations

import gzip
import shutil
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import CliRunner

from glassnet import BatchNorm, MLPRegressor, NeuralNetwork
from glassnet.cli.app import app

from .targets import CORPUS

SAVED = CORPUS.parent / "faces" / "saved"
CSV = {
    "plain": b"a,b,y\n1,2.5,no\n2,-1e3,yes\n3,,no\n",
    "quotes": b'name,"a, b",y\n"x ""y""\nz",1,0\n\'q\',2,1\n',
    "semicolons": "Größe;Preis;Tag;y\r\n1,5;1.234,50 €;01.02.2020;ja\r\n2,5;9,00 €;15.03.2021;nein\r\n".encode(),
    "dates": b"when\tflag\ty\n2020-01-01T10:00\ttrue\t1.5\n2020-02-30\tfalse\t2.5\n",
    "marked": b"\xef\xbb\xbfsep=|\na|b|y\nNA|007|5\n?|008|6\n",
    "windows": "ort,y\nZürich,1\nGenève,2\n".encode("cp1252"),
    "utf16": "a,y\n1,2\n3,4\n".encode("utf-16"),
    "gzip": gzip.compress(b"a,b,y\n1,2,0\n3,4,1\n", mtime=0),
    "title": b"Report 2020,,\n\na,b,y\n1,2,3\n4,5,6\n",
}


def write_tables(folder: Path) -> None:
    for name, content in CSV.items():
        (folder / "csv" / name).write_bytes(content)
    text = pa.array(["x", "é", None]).dictionary_encode()
    tables = {
        "numbers": pa.table({"a": [1, 2, None], "b": [1.5, float("nan"), -1e300], "y": [True, False, None]}),
        "texts": pa.table({"s": ["x", "", None], "t": text, "n": [[1], [], None], "y": [b"x", b"", None]}),
        "dates": pa.table({"d": pa.array([1, 2, 3], pa.timestamp("ns")), "t": pa.array([1, 2, 3], pa.time32("s"))}),
    }
    for name, table in tables.items():
        for compression in ("none", "zstd"):
            path = folder / "parquet" / f"{name}-{compression}"
            pq.write_table(table, path, compression=compression, store_schema=name != "dates")


def write_arrays(folder: Path) -> None:
    x = np.arange(12.0).reshape(4, 3)
    with open(folder / "arrays" / "npz", "wb") as file:
        np.savez(file, x=x, y=np.array(["a", "b", "a", "b"]))
    with open(folder / "arrays" / "compressed", "wb") as file:
        np.savez_compressed(file, x=np.asfortranarray(x.astype(np.uint8)).reshape(2, 2, 3), y=np.arange(2))
    with open(folder / "arrays" / "npy", "wb") as file:
        np.save(file, x.astype(np.float32))
    images = struct.pack(">HBB3I", 0, 8, 3, 2, 2, 2) + bytes(range(8))
    (folder / "idx" / "images").write_bytes(images)
    (folder / "idx" / "labels").write_bytes(gzip.compress(struct.pack(">HBBI", 0, 8, 1, 3) + b"\1\2\3", mtime=0))


def write_models(folder: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 40)), np.arange(40) % 2
    network = NeuralNetwork([3, 4, BatchNorm(), 2], ["relu", "softmax"], "categorical_cross_entropy", seed=0)
    network.train(x, y, epochs=2, verbose=0)
    network.save(folder / "model" / "network")
    NeuralNetwork([2, 1], seed=0).save(folder / "model" / "untrained")
    MLPRegressor(hidden_layer_sizes=(2,), max_iter=2, random_state=0).fit(x.T, x[0]).save(
        folder / "model" / "regressor"
    )
    for name in ("classes", "numbers"):
        shutil.copy(SAVED / f"old_{name}.safetensors", folder / "model" / f"old-{name}")
    out = ["--out", str(folder / "model" / "table"), "--target", "y", "--hidden", "3", "--epochs", "1"]
    CliRunner().invoke(app, ["train", str(SAVED / "classes.csv"), *out], catch_exceptions=False)


def main() -> None:
    for name in ("csv", "parquet", "arrays", "idx", "model"):
        (CORPUS / name).mkdir(parents=True, exist_ok=True)
    write_tables(CORPUS)
    write_arrays(CORPUS)
    write_models(CORPUS)


if __name__ == "__main__":
    main()

"""Training from files that are read block by block: bits as in memory, resumed runs, changed files, refusals."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import glassnet
from glassnet.batches import spool
from glassnet.batches.targets import learnt_targets
from glassnet.data import csv_rows, first_pass, row_group, streamed_table
from glassnet.data.options import ReadingOptions
from glassnet.data.parquet_rows import ParquetReader, ParquetRows
from glassnet.data.preprocessing import ArrayPreparation
from glassnet.data.streamed_arrays import streamed_arrays
from glassnet.data.table import read_table
from glassnet.errors import DataError, GlassnetError, ParameterError
from glassnet.network import NeuralNetwork

ROWS = 600
Folder = Path


@pytest.fixture
def table() -> pa.Table:
    """Numbers with missing cells, a category with quotes and line feeds, a quantity and classes that they predict."""
    rng = np.random.default_rng(0)
    size, rooms = rng.normal(100, 20, ROWS).astype(np.float32), rng.integers(1, 7, ROWS)
    price = 3 * size + 10 * rooms + rng.normal(size=ROWS)
    towns = rng.choice(['a "small" town', "two\nlines", "Köln"], ROWS)
    age = pa.array(rng.uniform(0, 90, ROWS), mask=rng.random(ROWS) < 0.05)
    names = {"size": size, "rooms": rooms, "town": towns, "age": age, "price": price}
    return pa.table(names | {"label": np.where(price > 330, "high", "low")})


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of some kilobytes are read in many pieces, as those of gigabytes are."""
    monkeypatch.setattr(csv_rows, "PIECE_BYTES", 2_000)
    monkeypatch.setattr(csv_rows, "PARSED_BYTES", 5_000)
    monkeypatch.setattr(first_pass, "SUMMARY_BYTES", 10_000)


def written(table: pa.Table, path: Path, group: int = 170) -> str:
    """The table as a file of the kind that its name says."""
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        pq.write_table(table, path, row_group_size=group)
    return str(path)


def network(target: str, inputs: int = 7, **options: Any) -> NeuralNetwork:
    """An untrained network for the table of the fixture."""
    if target == "label":
        options = {"cost": "binary_cross_entropy"} | options
    return NeuralNetwork([inputs, 8, 1], ["tanh", "sigmoid" if target == "label" else "linear"], seed=3, **options)


SETTINGS: dict[str, Any] = {"batch_size": 16, "epochs": 2, "lr": 0.01, "optimizer": "adam", "verbose": 0}


def vector(net: NeuralNetwork) -> bytes:
    return net.parameters.vector.tobytes()


# The same bits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "target", "validation", "engine"),
    [
        ("t.csv", "label", None, "compiled"),
        ("t.csv", "price", 0.2, "numpy"),
        ("t.parquet", "price", 0.2, "compiled"),
        ("t.parquet", "label", None, "numpy"),
    ],
)
def test_a_table_from_a_file_gives_the_bits_of_the_same_blocks_in_memory(
    tmp_path: Folder, table: pa.Table, name: str, target: str, validation: float | None, engine: str
) -> None:
    path = written(table.drop_columns("label" if target == "price" else "price"), tmp_path / name)
    streamed, in_memory = network(target, engine=engine), network(target, engine=engine)
    history = streamed.train(path, target, blocks=100, validation=validation, **SETTINGS)
    x, encoded = streamed_table.streamed_table(path, target).encoded(read_table(path))
    y = learnt_targets(encoded, in_memory.architecture, classes=target == "label")
    other = in_memory.train(x.T, y, blocks=history.blocks, validation=validation, **SETTINGS)
    assert vector(streamed) == vector(in_memory)
    assert [report[:6] for report in history] == [report[:6] for report in other]
    assert len(history.blocks) > 2 and sum(np.sum(block) for block in history.blocks) == ROWS
    unshuffled = network(target, engine=engine)
    unshuffled.train(x.T, y, validation=validation, **SETTINGS)
    assert vector(unshuffled) != vector(streamed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int16, ">f4"])
def test_arrays_from_files_give_the_bits_of_the_same_blocks_in_memory(tmp_path: Folder, dtype: Any) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 5, (500, 3, 2)).astype(dtype), rng.integers(0, 4, 500)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    nets = [NeuralNetwork([6, 5, 4], ["relu", "softmax"], "categorical_cross_entropy", seed=1) for _ in range(2)]
    files = tmp_path / "x.npy", tmp_path / "y.npy"
    history = nets[0].train(*files, 30, 4, 0.1, blocks=75, validation=0.1, patience=2, verbose=0)
    nets[1].train(x.reshape(500, 6).T, y, 30, 4, 0.1, blocks=75, validation=0.1, patience=2, verbose=0)
    assert vector(nets[0]) == vector(nets[1])
    assert history.blocks == [71, 71, 72, 71, 72, 71, 72]


@pytest.mark.parametrize(("allowed", "at_once", "parts"), [(10_000, 25_000, 3), (10_000, 12_000, 5), (1_000_000, 0, 0)])
def test_a_row_group_read_in_blocks_has_the_cells_of_one_that_is_not(
    tmp_path: Folder, allowed: int, at_once: int, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every type, with gaps, as a whole and by halves; of one whose dictionaries are small there is no block."""
    rng, rows = np.random.default_rng(0), 1000
    numbers = {f"n{index}": rng.random(rows).astype(kind) for index, kind in enumerate(["f2", "f4", "f8"])}
    columns: dict[str, Any] = numbers | {"gaps": pa.array(rng.integers(0, 99, rows), mask=rng.random(rows) < 0.3)}
    columns |= {"text": [f"text {cell % 7}" for cell in range(rows)], "true": rng.random(rows) < 0.5}
    columns |= {"text.long": rng.integers(0, 99, rows).astype("U9"), "day": rng.integers(0, 9999, rows).astype("M8[s]")}
    columns |= {"none": pa.nulls(rows), "money": pa.array(range(rows), pa.decimal128(9, 2))}
    table, read = pa.table(columns), list[Any]()
    path = written(table, tmp_path / "t.parquet", 400)
    block = row_group._block
    monkeypatch.setattr(row_group, "ALLOWED_BYTES", allowed)
    monkeypatch.setattr(row_group, "MAX_BLOCK_BYTES", at_once)
    monkeypatch.setattr(row_group, "COLUMNS_BYTES", 10_000)
    monkeypatch.setattr(row_group, "_block", lambda *given: read.append(given[-1]) or block(*given))
    source = ParquetRows.of(path)
    reader = ParquetReader(source, table.column_names, batch_bytes=2_700)
    whole = pa.concat_tables(part.data for part in reader.tables(0, rows))
    assert whole.equals(pq.read_table(path).cast(whole.schema))
    assert len(read) == parts
    some = pa.concat_tables(part.data for part in reader.tables(333, 777))
    assert some.equals(whole.slice(333, 444))


def test_a_row_group_that_the_memory_does_not_suffice_for_is_no_damaged_file(
    tmp_path: Folder, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(table.drop_columns("label"), tmp_path / "t.parquet", 400)
    monkeypatch.setattr(row_group, "ALLOWED_BYTES", -(1 << 20))
    monkeypatch.setattr(row_group, "_packed_bytes", lambda *given: 1 << 60)
    with pytest.raises(DataError, match=r"t\.parquet: the memory does not suffice for a row group .*smaller"):
        next(ParquetReader(ParquetRows.of(path), table.drop_columns("label").column_names).tables(0, 9))


def test_large_row_groups_are_read_in_order_and_small_ones_joined(tmp_path: Folder, table: pa.Table) -> None:
    for group, blocks in ((300, [300] * 2), (30, [120] * 5)):
        path = written(table.drop_columns("label"), tmp_path / f"{group}.parquet", group)
        history = network("price").train(path, "price", blocks=100, **SETTINGS)
        assert [np.sum(block) for block in history.blocks] == [np.sum(block) for block in blocks]
        assert max(np.max(block) for block in history.blocks) <= 100


def test_a_folder_of_parquet_files_is_one_table(tmp_path: Folder, table: pa.Table) -> None:
    table = table.drop_columns("label")
    whole = written(table, tmp_path / "whole.parquet", 100)
    folder = tmp_path / "parts"
    folder.mkdir()
    for first in range(0, ROWS, 200):
        part = table.slice(first, 200)
        part = part.select(part.column_names[::-1]) if first == 200 else part  # in another order
        written(part, folder / f"part{first}.parquet", 100)
    nets = network("price"), network("price")
    for net, path in zip(nets, (whole, str(folder)), strict=True):
        net.train(path, "price", blocks=50, **SETTINGS)
    assert vector(nets[0]) == vector(nets[1])
    assert (tmp_path / "parts.glassnet").exists()


def test_a_second_file_validates(tmp_path: Folder, table: pa.Table) -> None:
    table = table.drop_columns("label")
    train, other = written(table.slice(0, 450), tmp_path / "a.csv"), written(table.slice(450), tmp_path / "b.csv")
    streamed, in_memory = network("price"), network("price")
    history = streamed.train(train, "price", blocks=100, validation=other, **SETTINGS)
    prepared = streamed_table.streamed_table(train, "price")
    (x, y), pair = prepared.encoded(read_table(train)), prepared.encoded(read_table(other))
    validation = tuple(array.T for array in pair)
    expected = in_memory.train(x.T, y.T, blocks=history.blocks, validation=validation, **SETTINGS)
    np.testing.assert_array_equal(history["validation_cost"], expected["validation_cost"])
    assert vector(streamed) == vector(in_memory)


def test_a_network_of_a_table_is_saved_with_its_columns(tmp_path: Folder, table: pa.Table) -> None:
    path = written(table.drop_columns("price"), tmp_path / "t.csv")
    net = network("label")
    net.train(path, "label", blocks=100, **(SETTINGS | {"epochs": 8}))
    net.save(tmp_path / "m.gnet")
    model = glassnet.load(tmp_path / "m.gnet")
    predicted = model.predict(table.drop_columns(["price", "label"]))
    assert np.mean(predicted == np.array(table["label"].to_pylist())) > 0.9
    with pytest.raises(GlassnetError, match=r"read it with glassnet\.load"):
        NeuralNetwork.load(tmp_path / "m.gnet")


# Stopped, resumed, changed --------------------------------------------------------------------------------------------


def test_a_file_without_a_header_is_read_from_its_first_row(tmp_path: Folder, table: pa.Table) -> None:
    path, options = tmp_path / "t.csv", ReadingOptions(header=False)
    pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(include_header=False))
    pieces = [piece.table for piece in csv_rows.CsvRows.of(path, options).pieces()]
    whole = read_table(path, options)
    assert len(pieces) > 2 and whole.rows == ROWS
    for name in whole.names:
        cells = pa.concat_arrays([pa.array(piece.column(name)) for piece in pieces])
        assert cells.to_pylist() == pa.array(whole.column(name)).to_pylist()


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_a_stopped_run_on_a_file_resumes_with_the_same_bits(tmp_path: Folder, table: pa.Table, name: str) -> None:
    path, run = written(table.drop_columns("label"), tmp_path / name), tmp_path / "run.ckpt"
    options = SETTINGS | {"epochs": 6, "blocks": 100, "validation": 0.1, "patience": 3, "optimizer": "momentum"}
    straight = network("price")
    straight.train(path, "price", **options)
    for epoch in (1, 4):
        stop = lambda report: report.epoch == epoch  # noqa: E731, B023
        network("price").train(path, "price", checkpoint=run, resume=True, callbacks=[stop], **options)
    resumed = network("price")
    history = resumed.train(path, "price", checkpoint=run, resume=True, **options)
    assert vector(resumed) == vector(straight) and len(history) == 6
    with pytest.raises(GlassnetError, match=r"checkpoint of another run: its (data|blocks)"):
        network("price").train(path, "price", checkpoint=run, resume=True, **(options | {"blocks": 200}))


def grow(path: str) -> None:
    with open(path, "ab") as file:
        file.write(b"1,2,3\n")


def shrink(path: str) -> None:
    os.truncate(path, os.path.getsize(path) // 2)


def replace(path: str) -> None:
    shutil.copy(path, f"{path}.new")
    os.replace(f"{path}.new", path)


def write_inside(path: str) -> None:
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(b"7")


CHANGES = [(grow, "grew from"), (shrink, "shrank from"), (replace, "was replaced"), (write_inside, "was written to")]


CASES = [("x.npy", *change) for change in (*CHANGES, (os.unlink, "cannot be found any more"))]
CASES += [("t.csv", *CHANGES[0]), ("t.csv", *CHANGES[3]), ("t.parquet", *CHANGES[1]), ("t.parquet", *CHANGES[2])]


@pytest.mark.parametrize(("name", "change", "sentence"), CASES)
def test_a_file_that_changes_during_a_run_is_named_and_the_run_kept(
    tmp_path: Folder, table: pa.Table, name: str, change: Callable[[str], None], sentence: str
) -> None:
    """The checkpoint is that of the step at which reading ended: with the old file the run goes on to the same bits."""
    path, y = tmp_path / name, "price"
    if name == "x.npy":
        np.save(path, np.random.default_rng(0).normal(size=(ROWS, 7)).astype(np.float32))
        np.save(tmp_path / "y.npy", table["price"].to_numpy() / 300)
        y = str(tmp_path / "y.npy")
    else:
        written(table.drop_columns("label"), path)
    options = SETTINGS | {"epochs": 6, "blocks": 100, "every": 100, "checkpoint": tmp_path / "run.ckpt"}
    straight = network("price")
    straight.train(str(path), y, **options)
    kept, status = path.read_bytes(), os.stat(path)
    with pytest.raises(DataError, match=f"{name} {sentence}"):
        network("price").train(
            str(path), y, callbacks=[lambda report: change(str(path)) if report.epoch == 2 else None], **options
        )
    path.write_bytes(kept)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    resumed, epochs = network("price"), []
    resumed.train(str(path), y, resume=True, callbacks=[lambda report: epochs.append(report.epoch)], **options)
    assert vector(resumed) == vector(straight) and epochs[0] >= 3


# Prepared rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [True, False])
def test_rows_are_prepared_once_where_the_disk_has_room(
    tmp_path: Folder, table: pa.Table, room: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(table.drop_columns("label"), tmp_path / "t.csv")
    options = SETTINGS | {"epochs": 4, "blocks": 300, "validation": 0.2}  # larger than the samples for a diagnosis
    expected = network("price")
    expected.train(path, "price", **options)
    encode, rows = streamed_table.StreamedTable.encoded, []
    if not room:
        monkeypatch.setattr(spool, "MIN_FREE", 1 << 60)

    def counted(self: Any, part: Any) -> Any:
        rows.append(part.rows)
        return encode(self, part)

    monkeypatch.setattr(streamed_table.StreamedTable, "encoded", counted)
    net = network("price")
    net.train(path, "price", **options)
    assert vector(net) == vector(expected)
    assert sum(rows) < 2 * ROWS if room else sum(rows) > 7 * ROWS  # samples for a diagnosis are read before
    assert sorted(os.listdir(tmp_path)) == ["t.csv", "t.csv.glassnet"]


def test_numbers_that_are_encoded_at_once_have_the_bits_of_each_column(tmp_path: Folder) -> None:
    from glassnet.data.preprocessing import TablePreparation
    from glassnet.data.standard_block import StandardBlock
    from glassnet.data.table import Table

    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {f"n{index}": rng.normal(3, 10.0**index, 50) for index in range(4)}
    columns |= {"whole": rng.integers(-(2**60), 2**60, 50), "half": rng.random(50).astype(np.float16)}
    columns |= {"gaps": pa.array(rng.random(50), mask=rng.random(50) < 0.3), "nan": [np.nan, *rng.random(49)]}
    fitted = Table("t", pa.table(columns | {"y": rng.random(50)}))
    preparation = TablePreparation.fit(fitted, "y", np.arange(50))
    out = np.full((50, preparation.width), 7, np.float32)
    encoded = StandardBlock(preparation.columns, preparation._starts).encode_into(fitted, out)
    assert {preparation.columns[index].name for index in encoded} == set(columns) - {"gaps", "nan"}
    for index in encoded:
        column = preparation.columns[index]
        expected = np.empty((50, len(column.features)), np.float32)
        column.encode_into(column.reading.values(fitted, column.name), expected, fitted)
        first = preparation._starts[index]
        np.testing.assert_array_equal(out[:, first : first + expected.shape[1]], expected)
    far = Table("t", fitted.data.set_column(0, "n0", pa.array([1e300] * 50)))
    with pytest.raises(DataError, match="row 1, column 'n0': 1e\\+300 is too far outside"):
        preparation.transform(far)


# Long: killed, and large ----------------------------------------------------------------------------------------------

KILLED = """
import hashlib, sys
from glassnet.network import NeuralNetwork
file, target, optimizer, checkpoint = sys.argv[1:]
net = NeuralNetwork([7, 32, 1], ["relu", "linear"], seed=3)
print("ready", flush=True)
net.train(file, target, 16, 12, 0.001, optimizer=optimizer, blocks=100, validation=0.1, patience=9,
          checkpoint=checkpoint, resume=True, verbose=0)
print(hashlib.sha256(net.parameters.vector.tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "optimizer"), [("t.parquet", "adam"), ("t.csv", "momentum"), ("t.parquet", "sgd")])
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(
    tmp_path: Folder, table: pa.Table, name: str, optimizer: str
) -> None:
    path, checkpoint = written(table.drop_columns("label"), tmp_path / name), tmp_path / "run.ckpt"
    arguments = [sys.executable, "-c", KILLED, path, "price", optimizer, str(checkpoint)]
    expected = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    checkpoint.unlink()
    rng = np.random.default_rng(0)
    for _ in range(10):
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0, 1.5))
            process.kill()
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.splitlines()[-1] == expected


LARGE = """
import re, sys
from glassnet.network import NeuralNetwork
net = NeuralNetwork([100, 64, 1], ["relu", "linear"], seed=3)
net.train(sys.argv[1], sys.argv[2], 64, 1, 0.001, validation=0.05, verbose=0)
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc, to read the peak of the memory")
def test_the_peak_of_the_memory_does_not_grow_with_the_file(tmp_path: Folder) -> None:
    """Of 200 MB as of 800 MB, and below 150 MB + 3 blocks of 32 MB + 32 bytes per parameter."""
    peaks = []
    for rows in (500_000, 2_000_000):
        x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (rows, 100))
        for first in range(0, rows, 100_000):
            x[first : first + 100_000] = np.random.default_rng(first).random((100_000, 100), np.float32)
        np.save(tmp_path / "y.npy", np.random.default_rng(0).random(rows, np.float32))
        del x
        arguments = [sys.executable, "-c", LARGE, str(tmp_path / "x.npy"), str(tmp_path / "y.npy")]
        subprocess.run(arguments, capture_output=True, check=True)  # compiles the kernels
        peaks.append(1024 * int(subprocess.run(arguments, capture_output=True, check=True).stdout))
    assert max(peaks) < 150e6 + 3 * (32 << 20) + 32 * 6_529, peaks
    assert peaks[1] < 1.1 * peaks[0], peaks


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc, to read the peak of the memory")
def test_dictionaries_of_numbers_that_hardly_repeat_are_not_all_in_memory(tmp_path: Folder) -> None:
    """A row group of 65,536 x 784: 300 MB + 3 blocks of 32 MB + 1.2 times the row group + 32 bytes per parameter."""
    rng, path, rows = np.random.default_rng(0), tmp_path / "t.parquet", 1 << 16
    columns = {f"c{column}": rng.random(rows, np.float32) for column in range(784)}
    pq.write_table(pa.table(columns | {"y": rng.random(rows)}), path, row_group_size=rows)
    arguments = [sys.executable, "-c", LARGE.replace("100", "784", 1), str(path), "y"]
    subprocess.run(arguments, capture_output=True, check=True)  # compiles the kernels
    os.unlink(f"{path}.glassnet")
    peak = 1024 * int(subprocess.run(arguments, capture_output=True, check=True).stdout)
    assert peak < 300e6 + 3 * (32 << 20) + 1.2 * 4 * rows * 785 + 32 * 50_305, peak


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc, to read the peak of the memory")
def test_the_peak_of_the_memory_of_a_csv_file_is_bounded(tmp_path: Folder) -> None:
    """What parsing takes is given back: 150 MB + 3 blocks of 32 MB + 32 bytes per parameter."""
    rng, path = np.random.default_rng(0), tmp_path / "t.csv"
    with open(path, "wb") as file:
        for part in range(7):
            columns = {f"c{column}": rng.random(100_000, np.float32) for column in range(20)}
            options = pyarrow.csv.WriteOptions(include_header=part == 0)
            pyarrow.csv.write_csv(pa.table(columns | {"y": rng.random(100_000)}), file, options)
    arguments = [sys.executable, "-c", LARGE.replace("100", "20", 1), str(path), "y"]
    subprocess.run(arguments, capture_output=True, check=True)  # compiles the kernels
    os.unlink(f"{path}.glassnet")
    peak = 1024 * int(subprocess.run(arguments, capture_output=True, check=True).stdout)
    assert peak < 150e6 + 3 * (32 << 20) + 32 * 1_409, peak


# The first pass -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_the_first_pass_is_made_once(
    tmp_path: Folder, table: pa.Table, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(table.drop_columns("label"), tmp_path / name)
    passes: list[str] = []

    def counted(*arguments: Any) -> Any:
        passes.append(path)
        return first_pass.first_pass(*arguments)

    monkeypatch.setattr(streamed_table, "first_pass", counted)
    first, second = (streamed_table.streamed_table(path, "price") for _ in range(2))
    assert len(passes) == 1
    assert first.preparation.to_json() == second.preparation.to_json() and first.target == second.target
    assert first.runs == second.runs
    streamed_table.streamed_table(path, "size")
    assert len(passes) == 2
    beside = Path(f"{path}.glassnet")
    content = bytearray(beside.read_bytes())
    content[len(content) // 2] ^= 1
    beside.write_bytes(content)
    streamed_table.streamed_table(path, "size")
    assert len(passes) == 3
    os.utime(path, ns=(1, 1))
    streamed_table.streamed_table(path, "size")
    assert len(passes) == 4


def test_a_first_pass_finds_what_the_whole_table_holds(tmp_path: Folder, table: pa.Table) -> None:
    """Readings and levels are those of the table in memory, moments nearly so."""
    from glassnet.data.preprocessing import TablePreparation

    for name in ("t.csv", "t.parquet"):
        path = written(table.drop_columns("label"), tmp_path / name)
        streamed = streamed_table.streamed_table(path, "price")
        whole = TablePreparation.fit(read_table(path), "price", np.arange(ROWS))
        assert streamed.preparation.features == whole.features
        for ours, theirs in zip(streamed.preparation.columns, whole.columns, strict=True):
            assert ours.reading == theirs.reading
            for field, value in vars(theirs.encoding).items():
                if isinstance(value, float):
                    assert getattr(ours.encoding, field) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
@pytest.mark.parametrize("target", ["label", "price"])
def test_a_sorted_file_is_said(tmp_path: Folder, table: pa.Table, name: str, target: str) -> None:
    other = "label" if target == "price" else "price"
    plain = table.drop_columns(other)
    path = written(plain.sort_by(target), tmp_path / name)
    with pytest.warns(RuntimeWarning, match=f"is sorted by '{target}', or nearly so .* glassnet shuffle .* OUT"):
        history = network(target).train(path, target, blocks=100, **SETTINGS)
    assert len(history.warnings) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network(target).train(path, target, **SETTINGS)  # one block, which is shuffled throughout
        network(target).train(written(plain, tmp_path / name), target, blocks=100, **SETTINGS)


def test_sorted_arrays_are_said(tmp_path: Folder) -> None:
    y = np.repeat([0, 1, 2], 200)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((600, 2)))
    np.save(tmp_path / "y.npy", y)
    net = NeuralNetwork([2, 3], ["softmax"], "categorical_cross_entropy", seed=0)
    with pytest.warns(RuntimeWarning, match="a class comes in runs of 200 rows"):
        net.train(tmp_path / "x.npy", tmp_path / "y.npy", 10, 1, 0.1, blocks=50, verbose=0)


@pytest.mark.parametrize(
    ("text", "clear"),
    [
        ('1,"a"\n"b",2\n', True),
        ('1,"a ""b"" c"\r\n""\n', True),
        ('"two\nlines";2', True),
        ('1,a"b"\n', False),
        ('1, "a"\n', False),
        ('"a" ,2\n', False),
        ('1,"a\n', False),
        ('1,""a""\n', False),
    ],
)
def test_rows_are_counted_twice_where_quotes_are_not_clear(text: str, clear: bool) -> None:
    assert csv_rows.has_clear_quotes(text.encode(), ";" if ";" in text else ",") == clear


# Refusals -------------------------------------------------------------------------------------------------------------


def save(path: Path, array: Any) -> str:
    np.save(path, array, allow_pickle=True)
    return str(path)


def text(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def parquet(path: Path, **columns: Any) -> str:
    pq.write_table(pa.table(columns), path, store_schema=False)
    return str(path)


REPEATED = pa.DictionaryArray.from_arrays(np.zeros(300, np.int32), ["x" * (1 << 20)])
NUMBERS = "a,b,y\n" + "".join(f"1,2,{n}.5\n" for n in range(50))
GOOD = "a,b,y\n" + "1,2,3\n2,1,5\n" * 200
REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no file": (lambda f: (str(f / "no.csv"), "y"), "does not exist"),
    "ragged": (lambda f: (text(f / "d.csv", f"{GOOD}1,2\n"), "y"), "line 402 has 2 cells, but the header has 3"),
    "open quote": (lambda f: (text(f / "d.csv", f'{GOOD}1,"2,3\n'), "y"), "line 402|ambiguous quotes|cannot be read"),
    "gzip": (lambda f: (text(f / "d.csv", gzip.compress(GOOD.encode())), "y"), "compressed with gzip; unpack it"),
    "utf-16": (lambda f: (text(f / "d.csv", GOOD.encode("utf-16")), "y"), "UTF-16"),
    "latin-1": (lambda f: (text(f / "d.csv", GOOD.encode() + b"\xe9,1,2\n"), "y"), "line 402 is not UTF-8 text"),
    "binary": (lambda f: (text(f / "d.csv", GOOD.encode() + b"1,\0,2\n"), "y"), "looks binary"),
    "empty": (lambda f: (text(f / "d.csv", ""), "y"), "is empty"),
    "only a header": (lambda f: (text(f / "d.csv", "a,b,y\n"), "y"), "has a header but no rows"),
    "no such column": (lambda f: (text(f / "d.csv", GOOD), "z"), "has no column 'z'"),
    "text among numbers": (lambda f: (text(f / "d.csv", f"{NUMBERS}1,2,x\n"), "y"), "holds 'x', but most cells"),
    "no target": (lambda f: (text(f / "d.csv", f"{GOOD}1,2,\n"), "y"), "1 row has no target 'y'"),
    "other width": (lambda f: (text(f / "d.csv", "a,y\n" + "1,2\n3,4\n" * 20), "y"), "but this network has 2; make"),
    "y no column": (lambda f: (text(f / "d.csv", GOOD), 3), "y must be the name of the column"),
    "y no file": (lambda f: (save(f / "x.npy", np.ones((9, 2))), 3), "y must be the .npy file"),
    "fortran": (lambda f: (save(f / "x.npy", np.ones((2, 9)).T), save(f / "y.npy", np.ones(9))), "column by column"),
    "objects": (lambda f: (save(f / "x.npy", np.array([[None, 1]])), save(f / "y.npy", np.ones(1))), "Python objects"),
    "features first": (
        lambda f: (save(f / "x.npy", np.ones((2, 9))), save(f / "y.npy", np.ones(2))),
        "in a file, samples are rows",
    ),
    "other length": (lambda f: (save(f / "x.npy", np.ones((9, 2))), save(f / "y.npy", np.ones(8))), "has 9 rows, but"),
    "NaN": (
        lambda f: (save(f / "x.npy", np.array([[1, 2], [3, np.nan]])), save(f / "y.npy", np.ones(2))),
        "is NaN at row 1, column 1, counted from 0",
    ),
    "text": (lambda f: (save(f / "x.npy", np.array([["a", "b"]])), save(f / "y.npy", np.ones(1))), "real numbers"),
    "long cell": (
        lambda f: (text(f / "d.csv", f"{GOOD}1,{'x' * (1 << 20)}x,2\n"), "y"),
        "line 402: a cell is longer than 1 MB",
    ),
    "rows of nothing": (
        lambda f: (parquet(f / "d.parquet", a=np.zeros(40_000_000, np.int8), y=np.zeros(40_000_000, np.int8)), "y"),
        "40,000,000 rows × 2 columns, 305 MB unpacked, in .* most of it must be repetition",
    ),
    "one text again and again": (
        lambda f: (parquet(f / "d.parquet", a=REPEATED, y=np.arange(300) % 2), "y"),
        "has text, .* MB unpacked, in .* most of it must be repetition",
    ),
    "no parquet": (lambda f: (text(f / "d.parquet", b"PAR1" + bytes(100)), "y"), "damaged Parquet file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_learnt_is_refused_in_a_sentence(tmp_path: Folder, case: str) -> None:
    make, sentence = REFUSED[case]
    net = NeuralNetwork([2, 1], ["linear"], seed=0)
    before = vector(net)
    with pytest.raises(GlassnetError, match=sentence) as error:
        net.train(*make(tmp_path), blocks=100, **SETTINGS)
    assert "\n" not in str(error.value) and vector(net) == before and net.preparation is None


def test_arguments_that_a_file_does_not_take(tmp_path: Folder, table: pa.Table) -> None:
    path = written(table.drop_columns("label"), tmp_path / "t.csv")
    for options, sentence in (
        ({"blocks": 5}, "too small for batches of 16"),
        ({"blocks": 0}, "at least 1 sample"),
        ({"blocks": [100, 100]}, "blocks have 200 samples"),
        ({"blocks": "many"}, "blocks must be"),
        ({"sample_weight": np.ones(ROWS)}, "sample_weight is for arrays"),
        ({"validation": 1.5}, "fraction between 0 and 1"),
        ({"validation": 0.1, "validation_metric": "rmse"}, "validation_metric needs all outputs"),
    ):
        with pytest.raises((ParameterError, TypeError), match=sentence):
            network("price").train(path, "price", **(SETTINGS | options))


def test_an_array_that_was_cut_off_is_refused(tmp_path: Folder) -> None:
    path = save(tmp_path / "x.npy", np.ones((90, 2)))
    os.truncate(path, os.path.getsize(path) - 8)
    with pytest.raises(DataError, match=r"declares shape \(90, 2\) of float64 \(1,440 bytes\), but holds 1,432 bytes"):
        NeuralNetwork([2, 1], seed=0).train(path, save(tmp_path / "y.npy", np.ones(90)))


# The command line -----------------------------------------------------------------------------------------------------


def command(*arguments: object) -> str:
    """What a command prints."""
    from typer.testing import CliRunner

    from glassnet.cli.app import app

    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_trains_a_table_beyond_the_memory_block_by_block(
    tmp_path: Folder, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glassnet.cli import available_memory

    path, out = written(table.drop_columns("price"), tmp_path / "t.csv"), tmp_path / "m.gnet"
    needed = 8 * os.path.getsize(path)
    monkeypatch.setattr(available_memory, "available_bytes", lambda: 2 * needed - 2)
    printed = command("train", path, "--target", "label", "--out", out, "--epochs", 5, "--hidden", 16, "--lr", 0.005)
    reason = f"the file is read block by block: it would take about {needed / 1e3:,.1f} kB of memory, of which"
    assert f"plain network ({reason}" in printed
    scores = command("evaluate", out, path)
    labels = table["label"].to_pylist()
    frequent = max(set(labels), key=labels.count)
    assert f"always {frequent!r} ({labels.count(frequent) / ROWS:.1%}" in scores
    assert float(scores.split("accuracy")[1].split()[0].rstrip("%")) > 90
    monkeypatch.setattr(available_memory, "available_bytes", lambda: 2 * needed)
    assert available_memory.exceeds_memory(path) == ""


def test_the_command_trains_a_quantity_block_by_block(tmp_path: Folder, table: pa.Table) -> None:
    from glassnet.cli.available_memory import available_bytes

    path, out = written(table.drop_columns("label"), tmp_path / "t.parquet"), tmp_path / "m.gnet"
    options = ("--stream", "--epochs", 10, "--hidden", 16, "--lr", 0.005)
    assert "block by block: as requested" in command("train", path, "--target", "price", "--out", out, *options)
    assert float(command("evaluate", out, path).split("R²")[1].split()[0]) > 0.9
    assert available_bytes() > 0


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", ["classes", "quantities", "bytes"])
def test_the_command_trains_npy_files(tmp_path: Folder, stream: bool, kind: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal([5, 100, -3], [1, 30, 0.1], (900, 3)).astype(np.float32)
    x = rng.integers(0, 256, (900, 3), np.uint8) if kind == "bytes" else x
    y = x[:, :2] @ np.array([[1.0, 2.0], [0.1, 0.0]]) if kind == "quantities" else (x[:, 0] > x[:, 0].mean()) * 2 + 3
    names = save(tmp_path / "x.npy", x), save(tmp_path / "y.npy", y)
    options = ("--epochs", 8, "--hidden", 16, "--lr", 0.01, *(["--stream"] if stream else []))
    printed = command("train", names[0], "--target", names[1], "--out", tmp_path / "m.gnet", *options)
    assert ("block by block" in printed) == stream
    command("predict", tmp_path / "m.gnet", names[0], "--out", tmp_path / "p.csv")
    predicted = pyarrow.csv.read_csv(tmp_path / "p.csv").to_pandas().to_numpy()
    if kind == "quantities":
        assert 1 - ((predicted - y) ** 2).mean() / y.var(axis=0).mean() > 0.95
    else:
        assert (predicted[:, 0] == y).mean() > 0.9
    streamed, whole = streamed_arrays(names[0], names[1]), ArrayPreparation.fit(x, np.arange(900))
    np.testing.assert_allclose(streamed.inputs(x), whole.transform(x, "x"), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "x.npy"])
@pytest.mark.parametrize("out", ["p.csv", "p.parquet"])
def test_predictions_of_a_file_that_is_read_block_by_block_are_the_same_bytes(
    tmp_path: Folder, table: pa.Table, name: str, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glassnet.cli import streamed_predictions
    from glassnet.data import parquet_rows

    monkeypatch.setattr(streamed_predictions, "PIECE_BYTES", 2_000)
    monkeypatch.setattr(parquet_rows, "PASS_BYTES", 2_000)
    model, numbers = tmp_path / "m.gnet", np.random.default_rng(0).normal(size=(ROWS, 7))
    if name == "x.npy":
        path = save(tmp_path / name, numbers)
        target = save(tmp_path / "y.npy", np.where(numbers[:, 0] > 0, 3, 5))
    else:
        path, target = written(table.drop_columns("price"), tmp_path / name), "label"
    options = ["--keep", "size,town,age"] if name == "t.csv" and out == "p.csv" else []
    command("train", path, "--target", target, "--out", model, "--epochs", 2, "--hidden", 4)
    outputs = []
    for stream in ([], ["--stream"]):
        printed = command("predict", model, path, "--out", tmp_path / out, "--proba", *options, *stream)
        assert f"{ROWS:,} predictions for {path} written to" in printed
        outputs.append((tmp_path / out).read_bytes())
    assert outputs[0] == outputs[1] and len(outputs[0]) > 1_000
    monkeypatch.setattr(streamed_predictions, "GROUP_ROWS", 250)
    command("predict", model, path, "--out", tmp_path / out, "--stream")
    if out == "p.parquet":
        metadata = pq.ParquetFile(tmp_path / out).metadata
        assert [metadata.row_group(group).num_rows for group in range(3)] == [250, 250, 100]


def test_predictions_block_by_block_say_what_is_unusual_once_and_write_nothing_of_a_bad_file(
    tmp_path: Folder, table: pa.Table
) -> None:
    from typer.testing import CliRunner

    from glassnet.cli.app import app

    model, out = tmp_path / "m.gnet", tmp_path / "p.csv"
    path = written(table.drop_columns("price"), tmp_path / "t.csv")
    command("train", path, "--target", "label", "--out", model, "--epochs", 1, "--hidden", 4)
    other = table.set_column(2, "town", pa.array(["elsewhere"] * ROWS))
    printed = command("predict", model, written(other, tmp_path / "other.csv"), "--out", out, "--stream")
    assert printed.count("are not in the training data ('elsewhere')") == 1 == printed.count("Warning: town: all ")
    before = out.read_bytes()
    text(tmp_path / "other.csv", (tmp_path / "other.csv").read_bytes() + b"1,2\n")
    result = CliRunner().invoke(
        app, ["predict", str(model), str(tmp_path / "other.csv"), "--out", str(out), "--stream"]
    )
    assert result.exit_code == 2 and "line 602 has 2 cells, but the header has 6" in result.output
    assert out.read_bytes() == before


def test_the_targets_of_an_npy_file_are_given_to_the_commands_that_score(tmp_path: Folder) -> None:
    """The output is that of the same arrays in a .npz file."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 3))
    y = (x[:, 0] > 0) * 2 + 3
    names, model = (save(tmp_path / "x.npy", x), save(tmp_path / "y.npy", y)), tmp_path / "m.gnet"
    np.savez(tmp_path / "both.npz", x=x, y=y)
    command("train", names[0], "--target", names[1], "--out", model, "--epochs", 2, "--hidden", 4)
    for arguments in (["evaluate", model], ["check", model], ["diagnose", model], ["step", model]):
        expected = command(*arguments, tmp_path / "both.npz").replace("both.npz", "x.npy")
        printed = command(*arguments, names[0], "--target", names[1])
        remark = " (the model was trained on a file of this name)"  # where it was
        assert printed.replace(remark, "") == expected


def test_targets_of_a_command_that_scores_are_refused_where_they_do_not_belong(tmp_path: Folder) -> None:
    from typer.testing import CliRunner

    from glassnet.cli.app import app

    x, y = save(tmp_path / "x.npy", np.random.default_rng(0).random((90, 3))), text(tmp_path / "y.csv", GOOD)
    target, model = save(tmp_path / "y.npy", np.arange(90) % 3), str(tmp_path / "m.gnet")
    np.savez(tmp_path / "both.npz", x=np.load(x), y=np.load(target))
    command("train", x, "--target", target, "--out", model, "--epochs", 1, "--hidden", 4)
    cases = {
        (x,): "--target is missing: the .npy file of the targets",
        (x, "--target", y): "which is no .npy file; save the targets",
        (x, "--target", save(tmp_path / "short.npy", np.arange(8))): "x has 90 rows but y has 8",
        (str(tmp_path / "both.npz"), "--target", "price"): "but the model predicts 'y'; leave it out",
    }
    for arguments, sentence in cases.items():
        result = CliRunner().invoke(app, ["evaluate", model, *arguments])
        assert result.exit_code == 2 and sentence in " ".join(result.output.split()), result.output


NPY_FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no target": (lambda f: None, "--target is missing: the .npy file of the targets"),
    "a column": (lambda f: "price", "--target is price, which is no file"),
    "a table": (lambda f: text(f / "y.csv", GOOD), "which is no .npy file; save the targets"),
    "other length": (lambda f: save(f / "y.npy", np.ones(8)), "has 90 rows,? but .* has 8"),
    "text": (lambda f: save(f / "y.npy", np.array(["a"] * 90)), "dtype <U1; it must hold real numbers"),
    "one class": (lambda f: save(f / "y.npy", np.ones(90, int)), "has a single (class|value)"),
    "images": (lambda f: save(f / "y.npy", np.ones((90, 2, 2))), "it needs a class or numbers per row"),
    "NaN": (lambda f: save(f / "y.npy", np.full(90, np.nan)), "is (NaN|missing or infinite) at row 0"),
}


@pytest.mark.parametrize("fault", NPY_FAULTS)
def test_targets_that_do_not_fit_an_npy_file_are_named(tmp_path: Folder, fault: str) -> None:
    from typer.testing import CliRunner

    from glassnet.cli.app import app

    make, sentence = NPY_FAULTS[fault]
    target, x = make(tmp_path), save(tmp_path / "x.npy", np.random.default_rng(0).random((90, 3)))
    arguments = ["train", x, "--out", str(tmp_path / "m.gnet"), *(["--target", target] if target else []), "--stream"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2 and not (tmp_path / "m.gnet").exists()
    assert re.search(sentence, result.output.splitlines()[-1]), result.output


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_the_external_shuffle_moves_every_row_whole(
    tmp_path: Folder, table: pa.Table, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glassnet.data import external_shuffle, row_kinds
    from glassnet.data.external_shuffle import row_keys

    monkeypatch.setattr(external_shuffle, "PART_BYTES", 4_000)
    monkeypatch.setattr(row_kinds, "GROUP_ROWS", 100)
    source, out = written(table, tmp_path / name), tmp_path / f"out{name[1:]}"
    assert f"{ROWS} rows of" in command("shuffle", source, out, "--seed", 5)
    order = np.argsort(row_keys(np.arange(ROWS), 5))
    assert read_table(out).data.equals(read_table(source).data.take(pa.array(order)))
    assert sorted(os.listdir(tmp_path)) == sorted([name, out.name])
    if name == "t.parquet":
        assert {pq.ParquetFile(out).metadata.row_group(group).num_rows for group in range(6)} == {100}


def test_arrays_are_shuffled_alike(tmp_path: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order depends on the seed and the number of rows alone, not on how many parts the file is dealt to."""
    from glassnet.data import external_shuffle

    monkeypatch.setattr(external_shuffle, "PART_BYTES", 1_000)
    x, y = np.arange(3000.0).reshape(1000, 3), np.arange(1000)
    for name, array in (("x", x), ("y", y)):
        np.save(tmp_path / f"{name}.npy", array)
        command("shuffle", tmp_path / f"{name}.npy", tmp_path / f"s{name}.npy")
    shuffled_x, shuffled_y = (np.load(tmp_path / f"s{name}.npy") for name in "xy")
    np.testing.assert_array_equal(shuffled_x, x[shuffled_y])
    places = np.argsort(shuffled_y)
    assert abs(np.corrcoef(places, np.arange(1000))[0, 1]) < 0.1 and set(shuffled_y) == set(y)

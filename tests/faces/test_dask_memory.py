"""What a run on a cluster takes of the memory of its workers and the client, and what happens where that is short."""

import os
import re
import sys
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dask import delayed
from distributed import WorkerPlugin

from glassnet import MLPClassifier, NeuralNetwork
from glassnet.errors import ClusterError
from glassnet.scale import cluster_watch, fit
from tests.faces.dask_cluster import alarm, cluster, digest, network, reviving_cluster, samples, worker_processes

MB = 1 << 20
RESET = Path("/proc/self/clear_refs")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:one process would be faster"),
]


@pytest.fixture(autouse=True)
def no_hang():
    with alarm():
        yield


def peak(pid="self"):
    """The most memory that a process has used, in bytes."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def forget_peak():
    """Let `peak` of this process begin again from what it uses now."""
    RESET.write_text("5")


def wide_network():
    return NeuralNetwork([784, 16, 10], ["relu", "softmax"], cost="categorical_cross_entropy", seed=1)


def reader():
    """A function that makes a block; it goes to a worker as it is, which need not import this file for it."""

    def read(number, nbytes):
        x = np.random.default_rng(number).random((nbytes // (784 * 4), 784), dtype=np.float32)
        return x, x[:, :10].argmax(axis=1)

    return read


@pytest.mark.skipif(not os.access(RESET, os.W_OK), reason="needs /proc/self/clear_refs of Linux")
@pytest.mark.parametrize("kind", ["network", "estimator"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_worker_holds_its_blocks_once_and_the_client_none(kind):
    count, nbytes, read, parameters = 3, 120 * MB, reader(), wide_network().parameters.count

    def train(blocks, **more):
        if kind == "network":
            options = {"epochs": 1, "batch_size": 256, "verbose": 0, "optimizer": "adam"}
            return fit(wide_network(), blocks, client=own.client, lanes=2, **options, **more)
        return fit(MLPClassifier((16,), max_iter=1, batch_size=256), blocks, client=own.client, lanes=2, **more)

    with reviving_cluster(1) as own:
        train([read(n, MB) for n in range(2)])  # loads what it needs
        forget_peak()
        before = psutil.Process().memory_info().rss
        train([delayed(read)(n, nbytes) for n in range(count)], validation=0.1)
        client, (worker,) = peak() - before, map(peak, [process.pid for process in worker_processes()])
        (loaded,) = own.client.run(lambda: set(sys.modules)).values()
    print(f"client {client / MB:.0f} MB, worker {worker / MB:.0f} MB")
    assert not loaded & {"sklearn", "numba", "pandas", "scipy"}
    assert client < nbytes / 2
    assert worker < 1.15 * count * nbytes + 48 * parameters + 200 * MB


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_worker_keeps_of_parquet_files_what_is_trained_on(tmp_path):
    """Reading a block takes several times its bytes; 215 MB are Python with its libraries, pandas among them."""
    rows, x = 600_000, np.random.default_rng(0).random((600_000, 50), dtype=np.float32)
    table = pa.table({f"x{column}": x[:, column] for column in range(50)} | {"y": x[:, :10].argmax(axis=1)})
    pq.write_table(table, tmp_path / "part.parquet", row_group_size=100_000)
    with reviving_cluster(1) as own:
        estimator = MLPClassifier((16,), max_iter=1, batch_size=512)
        fit(estimator, str(tmp_path / "part.parquet"), "y", client=own.client, lanes=2)
        (worker,) = (process.memory_info().rss for process in worker_processes())
    print(f"worker {worker / MB:.0f} MB")
    assert worker < 1.15 * rows * 4 * 52 + 240 * MB


def test_a_block_larger_than_a_worker_ends_the_run_with_a_sentence(monkeypatch):
    # Dask blames all blocks that the worker had to compute, so that the sentence may name another of them
    monkeypatch.setattr(cluster_watch, "START_SECONDS", 20.0)
    read, options = reader(), {"batch_size": 256, "verbose": 0, "timeout": 5}
    blocks = [delayed(read)(number, nbytes) for number, nbytes in enumerate([8 * MB, 8 * MB, 400 * MB])]
    with cluster(1, memory_limit="400MB") as client, pytest.raises(ClusterError) as caught:
        fit(wide_network(), blocks, client=client, **options)
    assert re.search(r"block \d .*(died over it|to compute), the last of them tcp://127.0.0.1:\d+;", str(caught.value))
    assert "larger workers" in str(caught.value)


class Hungry(WorkerPlugin):
    """Takes more memory than a worker may have, before each lane, as long as a file exists."""

    def __init__(self, file):
        self.file = str(file)

    def transition(self, key, start, finish, **options):
        if finish == "executing" and "lane" in key and os.path.exists(self.file):
            self.memory = np.ones(100 * MB)


def test_a_worker_that_its_nanny_kills_again_and_again_ends_the_run_with_its_checkpoint(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster_watch, "START_SECONDS", 20.0)
    monkeypatch.setattr("glassnet.scale.cluster.MAX_ATTEMPTS", 1)  # each takes four workers
    (x, y), path, file = samples(), tmp_path / "run", tmp_path / "hungry"
    options = {"epochs": 3, "batch_size": 20, "verbose": 0, "checkpoint": path, "lanes": 2}

    def begin(report):
        file.touch()

    stopped, alone, resumed = network(), network(), network()
    with cluster(1, memory_limit="600MB") as client:
        client.register_plugin(Hungry(file))
        with pytest.raises(ClusterError, match=r"block \d.*, the last of them tcp://127.0.0.1:\d+; "):
            fit(stopped, x, y, client=client, timeout=5, callbacks=[begin], **options)
    fit(resumed, x, y, client=False, resume=True, **options)
    fit(alone, x, y, client=False, **options | {"checkpoint": None})
    assert digest(resumed) == digest(alone) != digest(stopped)

"""Lanes on a cluster that Dask's own commands started, and what is left when its scheduler is gone."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
from distributed import Client

from glassnet.errors import ClusterError
from glassnet.scale import fit
from tests.faces.dask_cluster import alarm, digest, network, samples, trained

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:one process would be faster"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),  # Dask's, of a lost scheduler
]


@pytest.fixture(autouse=True)
def no_hang():
    with alarm(300):
        yield


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def command(*arguments):
    """A command of Dask that runs meanwhile."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "dask", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def started_by_commands(workers=2):
    """A client, and the process of the scheduler."""
    address = f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        host, _, port = address.partition(":")
        scheduler = stack.enter_context(command("scheduler", "--host", host, "--port", port, "--no-dashboard"))
        for _ in range(workers):
            options = ("--nthreads", "1", "--host", host, "--no-dashboard")
            stack.enter_context(command("worker", f"tcp://{address}", *options))
        client = stack.enter_context(Client(f"tcp://{address}", timeout=120))
        client.wait_for_workers(workers, timeout=120)
        yield client, scheduler


def test_a_cluster_of_dasks_commands_gives_the_same_bits():
    with started_by_commands() as (client, _):
        assert trained(client)[0] == trained(False)[0]


def test_a_lost_scheduler_ends_the_run_with_a_sentence_and_its_checkpoint(tmp_path):
    x, y = samples()
    path, options = tmp_path / "run", {"epochs": 40, "batch_size": 20, "steps_per_round": 5, "verbose": 0}
    alone = network()
    fit(alone, x, y, client=False, **options)
    net = network()
    with started_by_commands() as (client, scheduler):
        begun = threading.Event()
        threading.Thread(target=lambda: (begun.wait(), time.sleep(0.3), scheduler.kill()), daemon=True).start()
        with pytest.raises(ClusterError, match=r"the scheduler tcp://127.0.0.1:\d+ no longer answers"):
            fit(net, x, y, client=client, checkpoint=path, callbacks=[lambda report: begun.set()], **options)
    resumed = network()
    fit(resumed, x, y, client=False, checkpoint=path, resume=True, **options)
    assert digest(resumed) == digest(alone) != digest(net)


def test_a_scheduler_that_freezes_ends_the_run_after_the_timeout(tmp_path):
    x, y = samples()
    options = {"epochs": 400, "batch_size": 20, "steps_per_round": 5, "verbose": 0, "timeout": 12}
    frozen = []

    def freeze(scheduler):
        scheduler.send_signal(signal.SIGSTOP)
        frozen.append(time.monotonic())

    with started_by_commands() as (client, scheduler):
        try:
            with pytest.raises(ClusterError, match=r"the scheduler tcp://127.0.0.1:\d+ no longer answers"):
                callback = lambda report: None if frozen else freeze(scheduler)  # noqa: E731
                fit(network(), x, y, client=client, checkpoint=tmp_path / "run", callbacks=[callback], **options)
            assert 12 <= time.monotonic() - frozen[0] < 58
        finally:
            scheduler.send_signal(signal.SIGCONT)

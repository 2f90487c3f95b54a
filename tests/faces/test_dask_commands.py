"""Lanes on a cluster that Dask's own commands started, and what is left when its scheduler is gone."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from distributed import Client, Security

from glassnet.errors import ClusterError
from glassnet.scale import fit
from tests.faces.dask_cluster import alarm, digest, network, samples, trained

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:one process would be faster"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),  # Dask's, of a lost scheduler
]

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"


@pytest.fixture(autouse=True)
def no_hang():
    with alarm(300):
        yield


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def command(*arguments, folder=None):
    """A command of Dask that runs meanwhile, in a folder."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "dask", *arguments]
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, cwd=folder, **nowhere)
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


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl, to make certificates")
def test_the_commands_of_the_page_encrypt_everything_and_refuse_strangers(tmp_path, monkeypatch):
    """The lines of docs/scale.md about TLS are run as they are, but for the name of the scheduler."""
    monkeypatch.chdir(tmp_path)
    address = f"127.0.0.1:{free_port()}"
    page = PAGE.read_text(encoding="utf-8").replace("scheduler:8786", address)
    lines = re.findall("^openssl .*$", page, re.MULTILINE)
    for line in (*lines, lines[0].replace("ca-key.pem", "own-key.pem").replace("ca.pem", "own.pem")):
        subprocess.run(shlex.split(line), check=True, capture_output=True)
    scheduler, worker = (shlex.split(line)[1:] for line in re.findall("^dask .* --tls-key .*$", page, re.MULTILINE))
    (code,) = re.findall("```python\n(from dask.distributed import Client, Security.*?)```", page, re.DOTALL)
    host, _, port = address.partition(":")
    names = {}
    with ExitStack() as stack:
        stack.enter_context(command(*scheduler, "--host", host, "--port", port, "--no-dashboard", folder=tmp_path))
        stack.enter_context(command(*worker, "--host", host, "--nthreads", "1", "--no-dashboard", folder=tmp_path))
        exec(code, names)
        with names["client"] as client:
            client.wait_for_workers(1, timeout=120)
            assert trained(client)[0] == trained(False)[0]
            addresses = [client.scheduler.address, *client.scheduler_info()["workers"]]
            assert [each.partition("://")[0] for each in addresses] == ["tls", "tls"]
        stranger = Security(tls_ca_file="ca.pem", tls_client_cert="own.pem", tls_client_key="own-key.pem")
        for url, security in (("tcp", None), ("tls", stranger)):
            with pytest.raises(OSError):
                Client(f"{url}://{address}", security=security, timeout=5)


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

"""Clusters of Dask on this machine for tests, the data that they train on, and the processes of their workers."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psutil
from distributed import Client, LocalCluster

from glassnet import NeuralNetwork
from glassnet.scale import fit
from glassnet.scale.own_cluster import OwnCluster

SECONDS = 240  # a test that hangs fails after so long


def samples(rows=1600, features=6):
    """x (rows, features) and three classes, samples as rows."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    return x, x[:, :3].argmax(axis=1)


def network(features=6, hidden=16):
    return NeuralNetwork([features, hidden, 3], ["relu", "softmax"], cost="categorical_cross_entropy", seed=3)


def trained(client, x=None, y=None, *, hidden=16, **options):
    """The sha256 of the parameters of a network that was trained on the samples, and its history."""
    if x is None:
        x, y = samples()
    net = network(6 if isinstance(x, list) else x.shape[1], hidden)
    options = {"epochs": 3, "batch_size": 20, "lr": 0.01, "optimizer": "adam", "verbose": 0} | options
    history = fit(net, x, y, client=client, **options)
    return digest(net), history


def digest(net):
    return hashlib.sha256(net.parameters.vector.tobytes()).hexdigest()


@contextmanager
def cluster(workers, *, processes=True, **options) -> Iterator[Client]:
    """A client of a LocalCluster on 127.0.0.1, as a person may start one."""
    settings = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    settings |= {"host": "127.0.0.1"} if processes else {}  # threads need no sockets
    with LocalCluster(n_workers=workers, processes=processes, **settings | options) as local, Client(local) as client:
        yield client


@contextmanager
def reviving_cluster(workers):
    """The cluster that a fit starts itself, kept over several fits."""
    with OwnCluster(workers) as own:
        yield own


def worker_processes():
    """The processes of the workers that this process has started."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if any("spawn_main" in argument for argument in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


@contextmanager
def alarm(seconds=SECONDS):
    """Raise where something hangs: a run that never ends is what these tests are about."""

    def ring(number, frame):
        raise AssertionError(f"nothing has ended within {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def isolated(script, *arguments, seconds=SECONDS):
    """What a script prints that runs in a network of its own with loopback alone, where the machine has `unshare`."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    if shutil.which("unshare") and subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0:
        command = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout

"""What a program that uses glassnet does to the outside: no socket, no program, no file but those it was asked for."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import zoneinfo
from pathlib import Path

import glassnet

PROGRAM = """
import json, os, sys
events = []
FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "urllib.", "pickle.")
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree")

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        # a mode that is None is os.open, whose flags tell
        writes = bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if isinstance(arguments[2], int) else False
        events.append(["write" if writes else "read", os.path.abspath(os.fsdecode(arguments[0]))])
    elif event.startswith(FORBIDDEN):
        events.append([event, repr(arguments)[:200]])
    elif event in CHANGES:
        events.append(["write", os.path.abspath(os.fsdecode(arguments[0]))])

sys.addaudithook(watch)
import numpy as np
import glassnet
folder = sys.argv[1]
x = np.random.default_rng(0).random((3, 50)).astype(np.float32)
net = glassnet.NeuralNetwork([3, 4, 1], seed=0)
net.train(x, x[:1], epochs=3, lr=0.1, checkpoint=folder + "/run.ckpt", record=folder + "/run.glassrec")
net.predict(x)
net.save(folder + "/net")
glassnet.load(folder + "/net")
net.train(x, x[:1], epochs=3, lr=0.1, verbose=0)
glassnet.Recording(folder + "/run.glassrec")
import warnings
warnings.simplefilter("ignore")
model = glassnet.MLPClassifier((4,), max_iter=3, random_state=0).fit(x.T, x[0] > 0.5)
model.save(folder + "/classifier")
glassnet.load(folder + "/classifier").predict(x.T)
with open(folder + "/events", "w") as file:
    json.dump(events, file)
"""


def test_no_socket_and_no_file_but_those_that_were_named(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    events = json.loads((tmp_path / "events").read_text())
    ours, cache = [str(tmp_path)], [os.environ["GLASSNET_CACHE"]]
    python = [
        *site.getsitepackages(),
        sys.prefix,
        sys.base_prefix,
        *zoneinfo.TZPATH,
        str(Path(glassnet.__file__).parent),
    ]
    readable = [*ours, *cache, *python, "/proc", "/sys"]
    unexpected = [event for event in events if not allowed(*event, [*ours, *cache], readable)]
    assert not unexpected, unexpected[:10]
    assert ["read", str(tmp_path / "net")] in events and any(kind == "write" for kind, _ in events)


def allowed(kind: str, path: str, writable: list[str], readable: list[str]) -> bool:
    """Whether a file may be read, or written; bytecode of modules is a cache of Python's own."""
    if kind == "write":
        return path.startswith(tuple(writable)) or "__pycache__" in path or path == "/dev/null"
    return kind == "read" and path.startswith(tuple(readable))

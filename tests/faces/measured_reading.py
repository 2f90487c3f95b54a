"""Reads files in a process of its own, one after the other, and measures what each refusal takes: seconds and memory.

A reader may die of a file, or never return; then the process that runs the test is not affected.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

TIMEOUT = 120  # seconds, for all files
PROGRAM = """
import gc, json, sys, time
import pyarrow as pa
import glassnet
from glassnet.data.arrays import read_arrays
from glassnet.data.idx import read_idx
from glassnet.data.table import read_table
from glassnet.errors import GlassnetError

def status(name):
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(name))

readers = {"table": read_table, "arrays": read_arrays, "idx": read_idx, "model": glassnet.load}
for number, (kind, path) in enumerate(json.loads(sys.stdin.read())):
    if number == 1:
        gc.freeze()  # what the libraries keep is not looked at again
    gc.collect()
    pa.default_memory_pool().release_unused()
    before = status("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    start = time.process_time()
    try:
        readers[kind](path)
        answer = "", ""
    except Exception as error:
        answer = "ours" if isinstance(error, GlassnetError) else type(error).__name__, str(error)
    print(json.dumps([*answer, time.process_time() - start, status("VmHWM") - before]), flush=True)
"""


class Reading(NamedTuple):
    """What came of a file: "ours" for a GlassnetError, the name of another error, or empty where it was read."""

    error: str
    message: str
    seconds: float
    bytes: int


def read_measured(files: Sequence[tuple[str, Path]]) -> list[Reading]:
    """Read files, each as a "table", "arrays", "idx" or a "model"; the first is read twice, to warm the process up."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps([(kind, str(path)) for kind, path in [files[0], *files]]),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, f"{done.returncode} after {len(done.stdout.splitlines())} files: {done.stderr}"
    return [Reading(*json.loads(line)) for line in done.stdout.splitlines()[1:]]

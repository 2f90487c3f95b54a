"""Python processes that tests start: with kernels of their own, for another processor, or to be ended by the system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 300  # seconds
RUNNABLE = ("haswell", "generic")  # whose code every processor with fused multiply-add runs
ZEN4 = "+avx2,+fma,+avx512f,+avx512vl,+avx512bw,+avx512dq,+avx512bf16"
# What NUMBA_CPU_FEATURES adds to the processor of that name.
TARGETS = {"haswell": "+avx2,+fma", "generic": "+sse2", "znver4": ZEN4}


def run_python(source: str, target: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script that can import the tests; `target` is the processor to compile for, "" for this one."""
    variables = dict(os.environ)
    if target is not None:
        variables = {name: value for name, value in variables.items() if not name.startswith("NUMBA_CPU")}
    if target:
        variables |= {"NUMBA_CPU_NAME": target, "NUMBA_CPU_FEATURES": TARGETS[target]}
    variables |= {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **environment}
    command = [sys.executable, "-c", source]
    return subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT)


def output(source: str, target: str | None = None, **environment: str) -> str:
    """What a script prints; it must end well."""
    process = run_python(source, target, **environment)
    assert process.returncode == 0, process.stderr
    return process.stdout

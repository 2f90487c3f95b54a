"""Processor time of a new process up to the end of its first training, with an empty and with a filled kernel cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

PROGRAM = """
import json, sys, time
import numpy as np
from glassnet import NeuralNetwork
net = NeuralNetwork([784, 128, 10], ["relu", "softmax"], cost="categorical_cross_entropy", seed=0)
rng = np.random.default_rng(0)
x, y = rng.standard_normal((640, 784), np.float32), rng.integers(0, 10, 640)
net.train(x.T, y, batch_size=64, epochs=1, optimizer="adam", verbose=0)
print(json.dumps({"cpu": time.process_time(), "numba": "numba" in sys.modules}))
"""


def report() -> str:
    """Processor seconds of a warm start, the best of five, and what a cold start adds."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"GLASSNET_CACHE": folder}
        cold, *warm = (run_process(environment) for _ in range(6))
    best = min(warm, key=lambda answer: answer["cpu"])
    compilation = cold["cpu"] - best["cpu"]
    numba = "with" if best["numba"] else "without"
    return (
        f"784-128-10, from the start of the process to the end of ten steps: {best['cpu']:.2f} s of processor time "
        f"{numba} loading Numba, and {compilation:.2f} s more for the first training on a machine"
    )


def run_process(environment: dict[str, str]) -> dict[str, float]:
    """Run the program in a new process and return what it measured."""
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(process.stdout)

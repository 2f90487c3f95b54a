"""What a process pays before its first step: with an empty cache of compiled kernels, and with a filled one."""

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
    """Processor seconds of whole processes."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"GLASSNET_CACHE": folder}
        cold, *warm = (process(environment) for _ in range(6))
    best = min(warm, key=lambda answer: answer["cpu"])
    more = cold["cpu"] - best["cpu"]
    loaded = "with" if best["numba"] else "without"
    return (
        f"784-128-10, from start to the end of ten steps: {best['cpu']:.2f} s of processor time {loaded} Numba, "
        f"{more:.2f} s more the first time on a machine"
    )


def process(environment: dict[str, str]) -> dict[str, float]:
    """What one process says of itself."""
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(found.stdout)

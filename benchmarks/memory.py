"""The peak memory of a training, above that of an idle process with the same data and kernels.

The bound: one float32 copy of x where x cannot be read in place, 32 bytes per parameter (with Adam its value, gradient
and two states, and three of these again in a snapshot), and 64 MB. Needs Linux, which reports a peak and can reset it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

MB = 1 << 20
BYTES_PER_PARAMETER, FIXED_BYTES = 32, 64 * MB
PROGRAM = """
import gc, json, sys
import numpy as np
from glassnet import NeuralNetwork
layers, samples, dtype, layout, batch_size, epochs = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
shape = (samples, layers[0]) if layout == "rows" else (layers[0], samples)
x = np.empty(shape, dtype)
for part in np.array_split(x, 100):
    part[...] = rng.integers(0, 256, part.shape, np.uint8) if dtype == "uint8" else rng.standard_normal(part.shape)
if layout == "rows":
    x = x.T

def status(name):
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(name))

def train(layers, x):
    activations = ["relu"] * (len(layers) - 2) + ["softmax"]
    net = NeuralNetwork(layers, activations, cost="categorical_cross_entropy", seed=0)
    y = np.arange(x.shape[1]) % layers[-1]
    net.train(x, y, batch_size, epochs, 1e-4, optimizer="adam", verbose=0, time_limit=60)
    return net

train([layers[0]] + [8] * (len(layers) - 2) + [layers[-1]], x[:, :200])
gc.collect()
before = status("VmRSS")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
net = train(layers, x)
print(json.dumps([status("VmHWM") - before, net.parameters.vector.size]))
"""


class Case(NamedTuple):
    """One training. layout is "rows" if the transpose of x lies row by row in memory, else "columns"."""

    layers: list[int]
    samples: int
    dtype: str
    layout: str
    batch_size: int
    epochs: int

    def __str__(self) -> str:
        order = "transpose row by row" if self.layout == "rows" else "row by row"
        return f"{'-'.join(map(str, self.layers))}, Adam, x {self.dtype} ({order})"

    @property
    def copied_bytes(self) -> int:
        """Bytes of the float32 copy of x, if one is needed."""
        return 0 if self.layout == "rows" else 4 * self.samples * self.layers[0]


SMALL, LARGE = [784, 128, 10], [1024, 2048, 2048, 1000]
CASES = (
    *(Case(SMALL, 60_000, dtype, "rows", 64, 2) for dtype in ("float32", "float64", "uint8")),
    *(Case(SMALL, 60_000, dtype, "columns", 64, 2) for dtype in ("float32", "float64", "uint8")),
    Case(LARGE, 4096, "float32", "rows", 512, 3),
)


def report() -> str:
    """A list of the cases with their peaks and bounds."""
    return "\n".join(f"- {line(case)}" for case in CASES)


def line(case: Case) -> str:
    """Describe the peak and the bound of one case."""
    peak, bound = measure(case)
    return f"{case}: {peak / MB:.0f} MB at the peak, bound {bound / MB:.0f} MB"


def measure(case: Case) -> tuple[int, int]:
    """Return the peak in bytes above the idle process, and its bound."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(case)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout
    peak, parameters = json.loads(output)
    return peak, case.copied_bytes + BYTES_PER_PARAMETER * parameters + FIXED_BYTES

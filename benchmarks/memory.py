"""How much memory training takes at its peak, above what an idle process with the same data and kernels holds.

The bound: one float32 copy of x where x cannot be read in place, 32 bytes a parameter (with Adam its value, gradient
and two states, and three of these again in a snapshot), and 64 MB. Linux alone tells a peak and lets it begin anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

MB = 1 << 20
A_PARAMETER, BESIDE = 32, 64 * MB
PROGRAM = """
import gc, json, sys
import numpy as np
from glassnet import NeuralNetwork
layers, samples, dtype, form, batch_size, epochs = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
shape = (samples, layers[0]) if form == "rows" else (layers[0], samples)
x = np.empty(shape, dtype)
for part in np.array_split(x, 100):
    part[...] = rng.integers(0, 256, part.shape, np.uint8) if dtype == "uint8" else rng.standard_normal(part.shape)
if form == "rows":
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
    """One training: how its x lies in memory ("rows": its transpose row by row), and whether it must be copied."""

    layers: list[int]
    samples: int
    dtype: str
    form: str
    batch_size: int
    epochs: int

    def __str__(self) -> str:
        lies = "transpose row by row" if self.form == "rows" else "row by row"
        return f"{'-'.join(map(str, self.layers))}, Adam, x {self.dtype} ({lies})"

    @property
    def copied(self) -> int:
        """Bytes of a float32 copy of x, where there must be one."""
        return 0 if self.form == "rows" else 4 * self.samples * self.layers[0]


SMALL, LARGE = [784, 128, 10], [1024, 2048, 2048, 1000]
CASES = (
    *(Case(SMALL, 60_000, dtype, "rows", 64, 2) for dtype in ("float32", "float64", "uint8")),
    *(Case(SMALL, 60_000, dtype, "columns", 64, 2) for dtype in ("float32", "float64", "uint8")),
    Case(LARGE, 4096, "float32", "rows", 512, 3),
)


def report() -> str:
    """The peak of each case beside its bound."""
    return "\n".join(f"- {line(case)}" for case in CASES)


def line(case: Case) -> str:
    """One case in words."""
    peak, bound = measured(case)
    return f"{case}: {peak / MB:.0f} MB at the peak, bound {bound / MB:.0f} MB"


def measured(case: Case) -> tuple[int, int]:
    """Bytes above the idle process at the peak, and how many there may be."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(case)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout
    peak, parameters = json.loads(found)
    return peak, case.copied + A_PARAMETER * parameters + BESIDE

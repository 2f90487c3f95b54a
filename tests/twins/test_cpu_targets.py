"""The engine compiled for older processors: the same bits with AVX2 as with AVX-512, nearly the same with SSE2.

Every kernel runs there on rows of several sizes, and networks are trained.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from glassnet import Adam, BatchNorm, Dropout, LayerNorm, NeuralNetwork
from tests.twins.kernel_cases import ROWS
from tests.twins.machine_code import has_fma
from tests.twins.programs import Array
from tests.twins.subprocesses import output
from tests.twins.test_memory_bounds import run

SIZES = ((1, 1), (3, 17), (40, 10), (19, 70), (33, 130))


def rows() -> Iterator[tuple[str, list[Array]]]:
    """The operands of every row of every kind after it was run."""
    for kind, builder in ROWS.items():
        for dtype in ("float32", "float64"):
            for m, n in SIZES:
                for number, case in enumerate(builder(dtype, m, n)):
                    yield f"{kind} {dtype} {m} {n} {number}", run(case, np.copy, 1)


def networks() -> Iterator[tuple[str, list[Array]]]:
    """The weights of networks after some steps."""
    x, y = np.random.default_rng(0).normal(size=(2, 20, 300))
    for dtype in ("float32", "float64"):
        layers = [20, 33, LayerNorm(), 17, Dropout(0.3), BatchNorm(), 20]
        net = NeuralNetwork(layers, ["gelu", "tanh", "linear"], dtype=dtype, seed=0)
        net.train(x, y, 32, 5, 0.01, optimizer=Adam(), clip_norm=1.0, threads=2)
        yield f"regression {dtype}", [net.parameters.vector, net.predict(x)]
        labels = np.abs(x[:4]).argmax(0)
        net = NeuralNetwork([20, 64, 40], ["relu", "softmax"], cost="categorical_cross_entropy", dtype=dtype, seed=0)
        net.train(x, labels, 64, 5, 0.1)
        yield f"classes {dtype}", [net.parameters.vector, net.predict(x)]


def save(path: str) -> None:
    """Write all arrays that are compared."""
    results = {name: arrays for source in (rows(), networks()) for name, arrays in source}
    pairs = ((f"{name} {index}", array) for name, arrays in results.items() for index, array in enumerate(arrays))
    np.savez(path, **dict(pairs))


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Array]:
    return computed("", tmp_path_factory.mktemp("native"))


def computed(target: str, folder: Path) -> dict[str, Array]:
    """What a process whose kernels are compiled for `target` computes; "" is this processor."""
    source = f"from tests.twins.test_cpu_targets import save; save({str(folder / 'results.npz')!r})"
    output(source, target, GLASSNET_CACHE=str(folder / "cache"))
    with np.load(folder / "results.npz") as file:
        return dict(file)


@pytest.mark.parametrize("target", ["", "haswell", "generic"])
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="these targets are x86")
def test_fused_multiply_add_is_known_without_numba(target: str) -> None:
    """As the compiler would choose; only for another processor has it to be asked."""
    source = "import sys; from glassnet.engine.cache import has_fma; fma, loaded = has_fma(), 'numba' in sys.modules"
    source += "; from glassnet.engine.cpu_target import cpu_target; print(fma, cpu_target().fma, loaded)"
    known, compiled, loaded = output(source, target).split()
    assert known == compiled
    assert loaded == str(target != "")


@pytest.mark.slow
@pytest.mark.skipif(not has_fma(), reason="not an x86 processor with fused multiply-add")
def test_avx2_has_the_bits_of_this_processor(native: dict[str, Array], tmp_path: Path) -> None:
    results = computed("haswell", tmp_path)
    assert results.keys() == native.keys() and len(results) > 500
    assert [name for name in native if results[name].tobytes() != native[name].tobytes()] == []


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="this target is x86")
def test_sse2_is_close(native: dict[str, Array], tmp_path: Path) -> None:
    """Without fused multiply-add, products are rounded twice per term."""
    results = computed("generic", tmp_path)
    for name, truth in native.items():
        known = ~np.isnan(truth)
        assert (known == ~np.isnan(results[name])).all(), name
        size, differences = np.abs(truth[known]).max(initial=0), np.abs(results[name][known] - truth[known])
        assert differences.max(initial=0) <= (1e-5 if "float32" in name else 1e-13) * size, name

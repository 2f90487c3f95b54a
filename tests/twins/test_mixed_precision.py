"""Mixed precision, compiled and by NumPy: the same rounding bit for bit, products within the order of additions."""

from __future__ import annotations

import math
import platform
import struct
from fractions import Fraction
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest

from glassnet import Dropout, LayerNorm, NeuralNetwork
from glassnet.engine import address, cache
from glassnet.engine.cpu_target import dots_pairs
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.execution.model import Model
from glassnet.program.bfloat16_pairs import Pairing, packed, unpacked, words_shape
from glassnet.program.builder import build
from glassnet.program.precision import EMULATE, rounded_name, unrounded_name
from glassnet.program.program import Row
from glassnet.program.updates import StepOptions
from glassnet.tables.bfloat16 import bfloat16
from glassnet.tables.optimizers import Adam
from tests.mixed_precision import MIXED, mixed
from tests.twins.kernel_calls import call_kernel
from tests.twins.subprocesses import output

__all__ = ["mixed"]
Array = np.ndarray[Any, Any]
ZEN_4_CODE = """
from glassnet.engine import KernelSpec
from glassnet.engine.kernels import KERNELS
from tests.twins.machine_code import instructions_of
for kind in ("gemm", "mixed_gemm", "mixed_affine"):
    code = instructions_of(KERNELS[kind](KernelSpec(kind, "float32")))
    print(kind, code.count("vdpbf16ps"))
"""
PRODUCTS = ("affine", "propagate", "bp4")
LAYERS = (40, 37, LayerNorm(), 21, Dropout(0.3), 1, 6)
ACTIVATIONS = ("relu", "tanh", "linear", "softmax")


# ---- the rounding


def hard_numbers() -> Array:
    """Ties and their neighbours in all binades, subnormal ones too, random bits, the ends, infinity and NaN."""
    rng = np.random.default_rng(0)
    halves = rng.integers(0, 0x7F80, 400, np.uint32)[:, np.newaxis] << np.uint32(16)
    ties = (halves + np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)).ravel()
    ends = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0x18000, 0x7F7F7FFF, 0x7F7F8000, 0x7F7FFFFF, 0x7F800000], np.uint32)
    nans = np.array([0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0xFF800001, 0xFFFFFFFF], np.uint32)
    positive = np.concatenate([ties, ends, rng.integers(0, 0x7F800000, 1000, np.uint32)])
    return np.concatenate([positive, positive | np.uint32(1 << 31), nans]).view(np.float32)


def as_float(upper: int) -> float:
    """The float32 whose upper 16 bits are these."""
    number: float = struct.unpack("<f", struct.pack("<I", upper << 16))[0]
    return number


def nearest(number: float) -> int:
    """The upper 16 bits of the nearest bfloat16, found by comparing exact distances; of two as near the even one.

    Beyond the largest bfloat16 the next one would be 2^128: what is as near to it is infinite. A subnormal number is 0.
    """
    sign = 0x8000 if math.copysign(1, number) < 0 else 0
    if math.isinf(number):
        return sign | 0x7F80
    if abs(number) < 2.0**-126:
        return sign
    low = struct.unpack("<I", struct.pack("<f", abs(number)))[0] >> 16
    exact = [Fraction(2) ** 128 if upper == 0x7F80 else Fraction(as_float(upper)) for upper in (low, low + 1)]
    below, above = (abs(Fraction(abs(number)) - each) for each in exact)
    return sign | (low if below < above or (below == above and low % 2 == 0) else low + 1)


def rounded_by_engine(numbers: Array, pairing: Pairing = "columns") -> Array:
    """The same by the kernel, as a matrix of three columns whose words are paired in this way."""
    x = np.concatenate([numbers, np.zeros(-len(numbers) % 3, np.float32)]).reshape(-1, 3)
    words = np.zeros(words_shape(x.shape, pairing), np.float32)
    addresses = [words.ctypes.data if pairing == each else 0 for each in ("columns", "rows")]
    call_kernel(address("bfloat16", "float32"), (0, 0, len(x), 3, x.ctypes.data, *addresses), threads=2)
    return unpacked(words, x.shape, pairing).ravel()[: len(numbers)]


def rounded_in_pairs_of_rows(numbers: Array) -> Array:
    """The same with rows that are paired."""
    return rounded_by_engine(numbers, "rows")


def packed_and_unpacked(numbers: Array) -> Array:
    """The same by NumPy's words."""
    x = numbers[: len(numbers) // 5 * 5].reshape(-1, 5)
    rows, columns = (unpacked(packed(x, pairing), x.shape, pairing).ravel() for pairing in ("rows", "columns"))
    assert rows.tobytes() == columns.tobytes()
    return np.concatenate([rows, bfloat16(numbers[len(rows) :])])


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("rounded", [rounded_by_engine, rounded_in_pairs_of_rows, packed_and_unpacked])
def test_all_ways_of_rounding_have_the_same_bits(rounded: Any) -> None:
    numbers = hard_numbers()
    assert rounded(numbers).tobytes() == bfloat16(numbers).tobytes()


def test_rounding_is_to_the_nearest_and_to_even_between_two() -> None:
    numbers = hard_numbers()
    bits = bfloat16(numbers).view(np.uint32)
    assert not (bits & 0xFFFF).any()
    is_nan = np.isnan(numbers)
    assert (bits[~is_nan] >> 16).tolist() == [nearest(float(number)) for number in numbers[~is_nan]]
    assert np.isnan(bits[is_nan].view(np.float32)).all()
    assert (np.signbit(bits.view(np.float32)) == np.signbit(numbers)).all()


# ---- the products


def network(engine: str) -> NeuralNetwork:
    cost = "categorical_cross_entropy"
    return NeuralNetwork(LAYERS, ACTIVATIONS, cost, seed=3, engine=engine, precision=MIXED)


def executor(model: Model, m: int) -> Any:
    """An executor of forward, cost and gradients on random x and y."""
    rng = np.random.default_rng(1)
    result = model.executor(build(model.architecture, training=True), m)
    result.set("a0", rng.normal(size=(40, m)))
    result.set("y", np.eye(6)[rng.integers(0, 6, m)].T)
    return result


def product(row: Row, operands: list[Array]) -> tuple[Array, Array]:
    """A product of rounded operands in float64, and the same of their absolute values."""
    first, second, *bias = (operand.astype(np.float64) for operand in operands)
    left, right = {"affine": (second, first), "propagate": (second.T, first), "bp4": (first, second.T)}[row.kind]
    divisor = second.shape[1] if row.kind == "bp4" else 1
    start = bias[0] if bias else np.zeros(())
    return left @ right / divisor + start, abs(left) @ abs(right) / divisor + abs(start)


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
@pytest.mark.parametrize("m", [1, 33])
def test_products_are_those_of_rounded_operands_within_the_order_of_additions(engine: str, m: int, mixed: None) -> None:
    """A sum of k numbers in float32, in any order, is within k·2⁻²⁴·Σ|number| of the exact one; + 2 for b and m."""
    run = executor(network(engine).model, m)
    run.run()
    rows = [row for row in run.program.rows if row.kind in PRODUCTS]
    assert len(rows) == 3 * 4 - 1
    for row in rows:
        assert all(name == rounded_name(unrounded_name(name)) for name in row.reads[:2])
        operands = [bfloat16(run.columns(unrounded_name(name))) for name in row.reads[:2]]
        exact, size = product(row, [*operands, *(run.columns(name) for name in row.reads[2:])])
        terms = {"affine": operands[0].shape[0], "propagate": operands[0].shape[0], "bp4": m}[row.kind]
        assert (abs(run.columns(row.writes[0]) - exact) <= (terms + 2) * 2.0**-24 * size).all(), row.text


def test_the_tolerance_would_see_an_operand_that_is_not_rounded(mixed: None) -> None:
    """Without the rounding of one operand, the products of both engines would be outside it by far."""
    run = executor(network("compiled").model, 33)
    run.run()
    row = next(row for row in run.program.rows if row.kind == "bp4")
    delta, a = (run.columns(unrounded_name(name)) for name in row.reads)
    exact, size = product(row, [bfloat16(delta), a])
    assert (abs(run.columns(row.writes[0]) - exact) > 100 * 2.0**-24 * size).mean() > 0.5


def layer(fan_in: int, fan_out: int) -> NeuralNetwork:
    """A network of one layer, compiled."""
    return NeuralNetwork([fan_in, fan_out], ["linear"], seed=4, precision=MIXED)


def test_of_each_two_terms_the_second_is_added_first(mixed: None) -> None:
    """As the instruction does it; the last of an odd number is added by itself. float64 has room for all digits."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(7, 3)) * 2.0 ** rng.integers(-8, 9, (7, 3))
    net = layer(7, 20)
    a, w = bfloat16(x.astype(np.float32)), bfloat16(net.weights[0])
    total = np.zeros((20, 3), np.float32)
    for k in (1, 0, 3, 2, 5, 4, 6):
        total = (total + np.outer(w[:, k], a[k]).astype(np.float64)).astype(np.float32)
    assert net.feedforward(x)[0][0].tobytes() == total.tobytes()


def test_a_row_has_the_same_bits_in_any_batch_and_any_part_of_a_long_sum(mixed: None) -> None:
    """A sum of 1,537 terms over packed panels has four parts, each of an even number of terms."""
    x = np.random.default_rng(0).normal(size=(1537, 40))
    net = layer(1537, 300)
    whole = net.feedforward(x)[0][0]
    for m in (1, 2, 7, 31, 39):
        assert net.feedforward(x[:, :m])[0][0].tobytes() == whole[:, :m].tobytes()


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="this target is x86")
def test_kernels_for_zen_4_multiply_pairs_in_one_instruction() -> None:
    """What runs there is compiled here; the tiles around the instruction are those that all other tests run."""
    code = output(ZEN_4_CODE, "znver4")
    counts = dict(line.split() for line in code.splitlines())
    assert {name for name, count in counts.items() if int(count)} == {"mixed_gemm", "mixed_affine"}


def test_training_by_numpy_and_compiled_stays_close(mixed: None) -> None:
    """Sums in another order may move a number to the next bfloat16, so both runs drift by parts of a percent."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 200)), rng.integers(0, 6, 200)
    nets = [network(engine) for engine in ("compiled", "numpy")]
    costs = [net.train(x, y, 32, 2, 0.01, optimizer="adam", verbose=0)[-1].cost for net in nets]
    assert costs[0] == pytest.approx(costs[1], rel=1e-3)
    first = network("numpy").parameters.vector
    change, gap = nets[1].parameters.vector - first, nets[0].parameters.vector - nets[1].parameters.vector
    assert np.linalg.norm(gap) < 0.02 * np.linalg.norm(change)


def test_a_float32_program_has_no_rounding() -> None:
    """The default must not pay: the equations of a step in float32 are those that they were."""
    described = NeuralNetwork([4, 3, 2]).architecture
    plain = build(described, StepOptions(Adam()))
    mixed = build(described._replace(precision=MIXED), StepOptions(Adam()))
    assert not plain.is_rounded
    assert mixed.is_rounded
    assert len(mixed.rows) == len(plain.rows) + 6  # x, a1, both W and both δ
    others = [
        [row._replace(text="") for row in program.rows if row.role != "rounding" and row.kind not in PRODUCTS]
        for program in (plain, mixed)
    ]
    assert others[0] == others[1]


def test_the_engine_promises_the_instructions_where_llvm_selects_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The LLVM of Numba 0.61 does not: the products would be emulated without a word."""
    has_instructions = cache.has_bfloat16_products.__wrapped__
    assert has_instructions() == dots_pairs()
    monkeypatch.setattr(llvm, "llvm_version_info", (15, 0, 7))
    assert not has_instructions()


def test_an_emulated_kernel_is_another_one_than_that_with_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    for setting in ("0", "1"):
        monkeypatch.setenv(EMULATE, setting)
        spec = KernelSpec("mixed_gemm", "float32")
        names.append({spec.text, spec.symbol, cache.key(spec)})
        assert KernelSpec("gemm", "float32").symbol == "glassnet_gemm_float32"
    assert not names[0] & names[1]

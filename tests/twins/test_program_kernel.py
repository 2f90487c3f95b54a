"""The kernel of a whole program gives the bits of its equations one by one, and comes when a run is long enough."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
import warnings
from typing import Any

import numpy as np
import pytest

from glassnet import NeuralNetwork, train_many
from glassnet.engine import program_kernel
from glassnet.engine.compiler_thread import run_in_background
from glassnet.engine.executor import Compiled
from glassnet.engine.program_kernel import Loaded, ProgramKernel
from glassnet.errors import EngineUnavailable
from glassnet.program.lowering import fused
from tests.mixed_precision import emulated as emulated
from tests.twins.kernel_calls import KERNEL_TYPE
from tests.twins.programs import NAMED, TABLE, Case, after_steps, bits

QUICK = [("adam, strict", "float32")]
SLOW = ["nadam", "batch_norm before", "layer_norm", "some columns", "groups", "mixed precision", "labels"]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 205)), RNG.normal(size=(1, 205))


def compiled(executor: Compiled) -> ProgramKernel:
    """The kernel of an executor's program, compiled on this thread."""
    kernel = executor.program_kernel
    kernel.key = program_kernel.program_key(kernel.rows, kernel.samples)
    if kernel.key not in program_kernel._loaded:
        kernel._read()
    if kernel.key not in program_kernel._loaded:
        program_kernel._compile_into_loaded(kernel.key, kernel.rows, kernel.samples)
    return kernel


def program_address() -> int:
    """The address of the only kernel that is loaded."""
    (loaded,) = program_kernel._loaded.values()
    return loaded.address


class Whole(Compiled):
    """An executor that runs its whole program as one kernel from its first step on."""

    def steps(self, *arguments: Any) -> int:
        compiled(self).seconds = np.inf
        result = super().steps(*arguments)
        assert self.program_kernel.is_proven and self.timed_program
        return result


def assert_same_bits(case: Case) -> None:
    program = fused(case.program())
    costs, lasting = after_steps(Compiled, program, case, 7)
    other_costs, others = after_steps(Whole, program, case, 7)
    assert bits(costs) == bits(other_costs)
    assert [name for name in lasting if bits(lasting[name]) != bits(others[name])] == []


@pytest.mark.parametrize(("name", "dtype"), QUICK)
def test_a_whole_program_gives_the_bits_of_its_equations(name: str, dtype: str) -> None:
    """Every third batch is smaller than the one it was compiled for."""
    assert (name, dtype) in NAMED
    assert_same_bits(TABLE[name]._replace(dtype=dtype))


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_more_programs_give_the_bits_of_their_equations(name: str, emulated: None) -> None:
    assert_same_bits(TABLE[name]._replace(dtype="float32"))


@pytest.mark.slow
@pytest.mark.parametrize("m", [1, 64])
@pytest.mark.parametrize("layers", [(4, 4, 1), (20, 64, 64, 1), (784, 128, 10)])
def test_sizes_that_people_choose(layers: tuple[int, ...], m: int) -> None:
    activations = ("relu",) * (len(layers) - 2) + ("sigmoid",)
    assert_same_bits(Case(layers, activations, "binary_cross_entropy", "adam", "float32", m))


# When it comes --------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked for and wanted from the first steps on; nothing is loaded, and nothing is compiled."""
    monkeypatch.setattr(program_kernel, "LOOKUP_SECONDS", 0.0)
    monkeypatch.setattr(program_kernel, "COMPILE_SECONDS", 0.0)
    monkeypatch.setattr(program_kernel, "_loaded", {})
    monkeypatch.setattr(program_kernel, "run_in_background", lambda function: True)


def network() -> NeuralNetwork:
    return NeuralNetwork([3, 5, 1], ["tanh", "linear"], seed=0)


def train(net: NeuralNetwork, **options: Any) -> str:
    settings = {"batch_size": 10, "epochs": 4, "lr": 0.01, "verbose": 0, "threads": 1, "optimizer": "adam"}
    net.train(X, Y, **(settings | options))
    return net.parameters.vector.tobytes().hex()


def test_a_run_goes_on_while_it_is_compiled_and_keeps_its_bits(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, begun = train(network(), epochs=3), time.monotonic()
    program_kernel._loaded.clear()
    monkeypatch.setattr(program_kernel, "run_in_background", run_in_background)
    monkeypatch.setattr(ProgramKernel, "_read", lambda self: None)  # another run of this test may have stored it
    assert train(network(), epochs=3) == expected
    (key,) = program_kernel._loaded
    while not program_kernel._loaded[key].address and time.monotonic() - begun < 120:
        time.sleep(0.05)
    again = network()
    assert program_kernel._loaded[key].code and train(again, epochs=3) == expected
    assert not program_kernel._loaded[key].code  # it was proven by these steps, and stored


def test_two_runs_that_prove_it_at_once_store_it_once(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[bytes] = []
    monkeypatch.setattr("glassnet.engine.cache.store", lambda key, symbol, code: stored.append(code))
    kernels = [ProgramKernel(((0,),), 1, 1) for _ in range(2)]
    program_kernel._loaded["key"] = Loaded(1, "symbol", b"code")
    for kernel in kernels:
        kernel.key, kernel.seconds = "key", np.inf
        assert kernel.find(may_compile=False) == 1 and not kernel.is_proven
    for kernel in kernels:
        kernel.accept()
    assert stored == [b"code"] and all(kernel.is_proven for kernel in kernels)


def test_a_stored_kernel_that_cannot_be_loaded_is_not_used(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(key: str) -> int:
        raise EngineUnavailable("LLVM cannot load it")

    expected = train(network())
    monkeypatch.setattr("glassnet.engine.cache.stored_address", failing)
    program_kernel._loaded.clear()
    assert train(network()) == expected


def wrong(row: Any, context: Any) -> None:
    """A kernel that computes nothing."""


def test_a_kernel_that_gives_other_bits_is_refused(at_once: None) -> None:
    expected, kernel = train(network()), KERNEL_TYPE(wrong)
    (key,) = program_kernel._loaded
    program_kernel._loaded[key] = Loaded(ctypes.cast(kernel, ctypes.c_void_p).value or 0, "wrong", b"code")
    net = network()
    with pytest.warns(RuntimeWarning, match="gives other numbers than its equations one by one"):
        assert train(net) == expected
    assert net.history is not None and "other numbers than its equations" in "".join(net.history.warnings)
    assert program_kernel._loaded[key] == Loaded(0)
    assert train(network()) == expected  # without a second warning


def test_a_run_whose_memory_is_bounded_compiles_nothing(at_once: None, tmp_path: Any) -> None:
    np.save(tmp_path / "x.npy", np.ascontiguousarray(X.T))
    np.save(tmp_path / "y.npy", np.ascontiguousarray(Y.T))
    network().train(str(tmp_path / "x.npy"), str(tmp_path / "y.npy"), batch_size=10, epochs=2, verbose=0)
    assert program_kernel._loaded == {}


def test_short_runs_do_not_look_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_kernel, "_loaded", {})
    monkeypatch.setattr(program_kernel.ProgramKernel, "_read", lambda self: pytest.fail("it was looked for"))
    monkeypatch.setattr(program_kernel, "LOOKUP_SECONDS", 60.0)
    train(network())
    assert program_kernel._loaded == {}


@pytest.mark.parametrize(("layers", "m"), [([3, *[4] * 30, 1], 5), ([6000, 6000, 1], 10)])
def test_large_and_deep_programs_have_none(layers: list[int], m: int) -> None:
    kernel = ProgramKernel(((0,),) * (3 * len(layers)), m, sum(np.multiply(layers[1:], layers[:-1])))
    kernel.seconds = np.inf
    assert kernel.find(may_compile=True) == 0 and not kernel.is_worthwhile


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_forgets_what_its_parent_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_kernel, "_loaded", {"pending": Loaded(0), "there": Loaded(1)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        os._exit(list(program_kernel._loaded) != ["there"])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


PROCESS = """
import sys, numpy as np
from glassnet import NeuralNetwork
from glassnet.engine import program_kernel
program_kernel.LOOKUP_SECONDS = 0.0
rng = np.random.default_rng(0)
x, y = rng.normal(size=(3, 205)), rng.normal(size=(1, 205))
net = NeuralNetwork([3, 5, 1], ["tanh", "linear"], seed=0)
net.train(x, y, batch_size=10, epochs=4, lr=0.01, verbose=0, threads=1, optimizer="adam")
print(net.parameters.vector.tobytes().hex(), [loaded.address > 0 for loaded in program_kernel._loaded.values()])
assert "numba" not in sys.modules
"""


def test_a_later_process_loads_it_without_numba(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, steps = train(network()), Compiled.steps

    def compiling_steps(self: Compiled, *arguments: Any) -> int:
        compiled(self)
        return steps(self, *arguments)

    monkeypatch.setattr(Compiled, "steps", compiling_steps)
    program_kernel._loaded.clear()
    assert train(network()) == expected
    done = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == [expected, "[True]"]


def test_networks_trained_side_by_side_share_it(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [train(NeuralNetwork([3, 5, 1], ["tanh", "linear"], seed=seed)) for seed in range(3)]
    executors, steps = set[Compiled](), Compiled.steps

    def compiling_steps(self: Compiled, *arguments: Any) -> int:
        compiled(self)
        executors.add(self)
        return steps(self, *arguments)

    monkeypatch.setattr(Compiled, "steps", compiling_steps)
    networks = [NeuralNetwork([3, 5, 1], ["tanh", "linear"], seed=seed) for seed in range(3)]
    train_many(networks, X, Y, batch_size=10, epochs=4, lr=0.01, verbose=0, optimizer="adam")
    assert [net.parameters.vector.tobytes().hex() for net in networks] == expected
    assert len(executors) == 3 and {executor.timed_program for executor in executors} == {program_address()}

"""Stores compiled kernels as object code on disk and loads them without Numba: all of llvmlite.binding is here.

A file is one JSON line (symbol, key, SHA-256) followed by the object code; it contains no pickle. A file that is
damaged, of another key, or in a directory that others can write is ignored, and the kernel is compiled again. Files
that have not been read for 90 days are removed.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any

from glassnet.engine.cache_folder import cache_folder, is_private, warn_unused
from glassnet.engine.compiler_thread import run_uninterrupted
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.self_test import self_test
from glassnet.engine.signals import defer_signals
from glassnet.engine.starved import check_executable_memory, check_free_memory
from glassnet.errors import EngineUnavailable

NUMBA_SETTINGS = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT", "NUMBA_LOOP_VECTORIZE", "NUMBA_SLP_VECTORIZE")
TESTED_NUMBA = (0, 68)  # the newest tested version; pyproject.toml has the same bound
MIN_BFLOAT16_LLVM = 20  # that of Numba 0.62; that of 0.61, LLVM 15, does not select the instructions of AVX512_BF16
MATH_FUNCTIONS = ("fma", "sin", "cos")
SYMBOLS = (*MATH_FUNCTIONS, *(name + "f" for name in MATH_FUNCTIONS), "memcpy", "memmove", "memset", "sched_yield")
LIBRARIES = ("ucrtbase", "vcruntime140") if os.name == "nt" else (None, "libm.so.6", "libSystem.dylib")
SUFFIX = ".kernel"
DAY = 86400.0  # seconds
MAX_AGE = {SUFFIX: 90 * DAY, ".part": DAY}  # of a file that has neither been read nor written
CACHE_FILE = re.compile(r"[0-9a-f]{64}\.kernel|[0-9a-f]{16}\w+\.part")  # the directory may hold other files too
SELF_TESTED = ("gemm", "sparse_gemm", "mixed_gemm")  # kinds of kernels that are tested when they are compiled


def kernel_address(spec: KernelSpec, callee_address: int = 0) -> int:
    """The address of a kernel: loaded from the cache, else compiled, stored and loaded."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        raise EngineUnavailable("the compiled engine is switched off by NUMBA_DISABLE_JIT")
    check_executable_memory()
    check_free_memory("llvmlite.binding", "loading the compiled engine")
    name = key(spec)
    if callee_address and spec.callee is not None:
        add_symbol(spec.callee.symbol, callee_address)
    if stored := stored_address(name):
        return stored
    check_free_memory("numba", "compiling the engine")
    symbol, code = compile_kernel(spec)
    loaded = load(code, symbol)
    if spec.kind in SELF_TESTED:
        self_test(spec, loaded)
    if reason := store(name, symbol, code):
        warn_unused(reason)
    return loaded


def stored_address(name: str) -> int:
    """The address of a kernel by its key, loaded from the cache; 0 where it is not stored."""
    folder, _ = cache_folder()
    cached = read(folder / (name + SUFFIX), name) if folder else None
    return 0 if cached is None else load(cached[1], cached[0])


def store(name: str, symbol: str, code: bytes) -> str:
    """Store a kernel in the cache under its key; return why that is impossible, "" where it is done."""
    folder, reason = cache_folder()
    if folder:
        reason = write(folder / (name + SUFFIX), name, symbol, code)
        remove_old_files(folder)
    return reason


def add_symbol(symbol: str, address: int) -> None:
    """Make a kernel available by name to kernels that call it, when they are compiled and when they are loaded."""
    import llvmlite.binding as llvm

    llvm.add_symbol(symbol, address)


@cache
def announce() -> None:
    """Print once per process, on a terminal, why the first training takes longer."""
    if sys.stderr is not None and sys.stderr.isatty():
        print("glassnet: compiling the engine for this CPU, once", file=sys.stderr, flush=True)


@cache
def check_numba_version() -> None:
    """Warn once per process of a Numba that is newer than the tested ones."""
    version = metadata.version("numba")
    number = re.match(r"(\d+)\.(\d+)", version)
    if number is not None and (int(number[1]), int(number[2])) > TESTED_NUMBA:
        newest = ".".join(map(str, TESTED_NUMBA))
        message = f"Numba {version} is newer than the versions tested with glassnet (up to {newest})"
        advice = "install an older one if the engine fails to compile or results look wrong."
        warnings.warn(f"{message}; {advice}", RuntimeWarning, stacklevel=2)


def compile_kernel(spec: KernelSpec) -> tuple[str, bytes]:
    """Compile a kernel with Numba: the name of its symbol and its object code."""
    announce()
    check_numba_version()
    return run_uninterrupted(partial(build, spec))


def build(spec: KernelSpec) -> tuple[str, bytes]:
    """Import Numba, if this is the first kernel to be compiled, and compile the kernel.

    Whatever Numba raises becomes EngineUnavailable: another version may lack a name that the engine uses.
    """
    try:
        from glassnet.engine import kernels
    except Exception as error:
        reason = f"the compiled engine needs Numba, which cannot be imported here ({first_line(error)})"
        raise EngineUnavailable(reason) from error
    if spec.kind not in kernels.KERNELS:
        raise EngineUnavailable(f"the compiled engine has no kernel of kind {spec.kind!r}")
    try:
        return kernels.build(spec)
    except Exception as error:
        raise EngineUnavailable(f"the kernel {spec.kind!r} cannot be compiled: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its class where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def key(spec: KernelSpec) -> str:
    """SHA-256 of everything that the kernel's machine code depends on."""
    return hashlib.sha256(f"{environment()}\n{spec.text}".encode()).hexdigest()


@cache
@defer_signals()
def environment() -> str:
    """Everything but the specification that a kernel's machine code depends on."""
    try:
        import llvmlite.binding as llvm

        versions = [metadata.version(package) for package in ("numba", "llvmlite")]
    except Exception as error:
        reason = f"the compiled engine needs Numba, which is not installed or does not work ({first_line(error)})"
        raise EngineUnavailable(reason) from error
    processor = (llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
    settings = [os.environ.get(name, "") for name in NUMBA_SETTINGS]
    return json.dumps([source_hash(), versions, processor, settings])


@cache
def has_free_masks() -> bool:
    """Whether masked vector instructions cost nothing (AVX-512); elsewhere skipping zeros does not pay off."""
    return "+avx512f" in environment()


@cache
def has_fma() -> bool:
    """Whether kernels use fused multiply-add: known from the processor, unless a setting of Numba names another."""
    known = json.loads(environment())[2]  # raises where Numba is missing
    if any(os.environ.get(name) for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")):
        from glassnet.engine.cpu_target import vector_target

        return vector_target().fma
    triple, _, features = known
    return triple.startswith(("aarch64", "arm64")) or "+fma" in features.split(",")


@cache
def has_bfloat16_products() -> bool:
    """Whether products of mixed precision get their instructions (AVX512_BF16), from the processor and from LLVM."""
    if "+avx512bf16" not in environment():
        return False
    import llvmlite.binding as llvm

    return bool(llvm.llvm_version_info[0] >= MIN_BFLOAT16_LLVM)


def source_hash() -> str:
    """SHA-256 of the sources that the kernels are built from, each with its path inside the package."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    tables = (package / "tables" / name for name in ("formula.py", "bfloat16.py"))
    for path in (*sorted((package / "engine").rglob("*.py")), *tables):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(package).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def checksum(symbol: str, name: str, code: bytes) -> str:
    """SHA-256 of a file's contents."""
    return hashlib.sha256(f"{symbol}\n{name}\n{len(code)}\n".encode() + code).hexdigest()


def read(path: Path, name: str) -> tuple[str, bytes] | None:
    """Symbol and object code of a file, or None where it is missing, damaged, or not private."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not is_private(status):
                return None
            header, code = json.loads(file.readline()), file.read()
        if header["key"] != name or header["sha256"] != checksum(header["symbol"], name, code):
            return None
        mark_used(path, status)
        return header["symbol"], code
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write(path: Path, name: str, symbol: str, code: bytes) -> str:
    """Store a kernel: write a temporary file and move it, so that no reader sees half a file; return why it failed."""
    header = json.dumps({"symbol": symbol, "key": name, "sha256": checksum(symbol, name, code)})
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=name[:16], suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(header.encode() + b"\n" + code)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            if temporary is not None:
                os.unlink(temporary)
        return f"{path.parent} cannot be written ({error.strerror or error})"
    return ""


def mark_used(path: Path, status: os.stat_result) -> None:
    """Set a file's time to now, at most once a day, to show that it is in use."""
    if time.time() - status.st_mtime > DAY:
        with suppress(OSError):
            os.utime(path)


@cache
def remove_old_files(folder: Path) -> None:
    """Remove, once per process, kernels that have not been read for long and files of killed processes."""
    with suppress(OSError):
        for path in folder.iterdir():
            if CACHE_FILE.fullmatch(path.name):
                remove_if_old(path)


def remove_if_old(path: Path) -> None:
    """Remove a file of the cache that is older than files of its kind may be."""
    with suppress(OSError):
        if time.time() - path.lstat().st_mtime > MAX_AGE[path.suffix]:
            path.unlink()


@cache
def initialize_llvm() -> None:
    """Prepare LLVM for this processor and register the C functions that kernels call."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for symbol in SYMBOLS:
        llvm.add_symbol(symbol, c_function(symbol))


@cache
def c_libraries() -> tuple[ctypes.CDLL, ...]:
    """The C libraries of this system that can be opened."""
    opened = []
    for name in LIBRARIES:
        with suppress(OSError):
            opened.append(ctypes.CDLL(name))
    return tuple(opened)


def c_function(symbol: str) -> int:
    """The address of a function of the C library."""
    for library in c_libraries():
        function = getattr(library, symbol, None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value or 0
    raise EngineUnavailable(f"the compiled engine cannot find the C function {symbol!r} on this system")


_engines: list[Any] = []  # loaded code lives as long as its engine


@defer_signals()
def load(object_code: bytes, symbol: str) -> int:
    """Load object code into this process and return the address of its symbol."""
    initialize_llvm()
    import llvmlite.binding as llvm

    try:
        # An engine that fails destroys its target machine, so each engine gets its own.
        target = llvm.Target.from_default_triple().create_target_machine(jit=True)
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
        engine.add_object_file(llvm.ObjectFileRef.from_data(object_code))
        engine.finalize_object()
        loaded = engine.get_function_address(symbol)
    except RuntimeError as error:
        raise EngineUnavailable(f"LLVM cannot load the compiled engine: {error}") from error
    if not loaded:
        raise EngineUnavailable(f"the kernel {symbol!r} is not in its own object code")
    _engines.append(engine)
    return int(loaded)

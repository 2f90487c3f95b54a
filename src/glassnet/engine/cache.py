"""Keeps compiled kernels as plain object code on disk and loads them without Numba: all of llvmlite.binding is here.

A file is one JSON line (symbol, key, SHA-256) and the object code behind it; there is no pickle in it. A file that is
damaged, of another key, or in a directory that others can write is ignored, and the kernel is compiled anew. Files
that nothing has read for a season are removed.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import stat
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any

from glassnet.engine import EngineUnavailable, address
from glassnet.engine.identity import Identity
from glassnet.engine.interruption import signals_wait, undisturbed
from glassnet.engine.proof import prove

SETTINGS = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT", "NUMBA_LOOP_VECTORIZE", "NUMBA_SLP_VECTORIZE")
FUNCTIONS = ("fma", "sin", "cos")
SYMBOLS = (*FUNCTIONS, *(name + "f" for name in FUNCTIONS), "memcpy", "memmove", "memset", "sched_yield")
LIBRARIES = ("ucrtbase", "vcruntime140") if os.name == "nt" else (None, "libm.so.6", "libSystem.dylib")
SUFFIX = ".kernel"
DAY = 86400.0  # seconds
KEPT = {SUFFIX: 90 * DAY, ".part": DAY}  # how long a file stays that nothing reads or writes
OURS = re.compile(r"[0-9a-f]{64}\.kernel|[0-9a-f]{16}\w+\.part")  # the directory may be one that holds other files
PROVED = ("product", "skipping")  # kinds of kernels that prove themselves when they are compiled


def kernel(identity: Identity) -> int:
    """The address of a kernel: loaded from the cache, else compiled, kept and loaded."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        raise EngineUnavailable("the compiled engine is switched off by NUMBA_DISABLE_JIT")
    name = key(identity)
    if identity.called is not None:
        make_known(identity.called)
    folder = directory()
    code = read(folder / (name + SUFFIX), name) if folder else None
    if code is not None:
        return load(code[1], code[0])
    code = compiled(identity)
    place = load(code[1], code[0])
    if identity.kind in PROVED:
        prove(identity, place)
    if folder:
        write(folder / (name + SUFFIX), name, *code)
        sweep(folder)
    return place


def make_known(identity: Identity) -> None:
    """Let kernels that call this one find it by its name, when they are compiled and when they are loaded."""
    import llvmlite.binding as llvm

    llvm.add_symbol(identity.symbol, address(identity.kind, identity.dtype))


@cache
def announce() -> None:
    """Say once a process, on a terminal, why the first training takes its time."""
    if sys.stderr is not None and sys.stderr.isatty():
        print("glassnet: compiling the engine for this CPU, once", file=sys.stderr, flush=True)


def compiled(identity: Identity) -> tuple[str, bytes]:
    """Compile a kernel with Numba: the name of its symbol and its object code."""
    announce()
    return undisturbed(partial(build, identity))


def build(identity: Identity) -> tuple[str, bytes]:
    """Import Numba, if this is the first kernel that is missing, and compile a kernel."""
    try:
        from glassnet.engine import kernels
    except ImportError as error:
        raise EngineUnavailable(f"the compiled engine needs Numba, which cannot be imported ({error})") from error
    if identity.kind not in kernels.KERNELS:
        raise EngineUnavailable(f"the compiled engine has no kernel of kind {identity.kind!r}")
    try:
        return kernels.build(identity)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EngineUnavailable(f"the kernel {identity.kind!r} cannot be compiled: {reason}") from error


def key(identity: Identity) -> str:
    """What the kernel's machine code depends on, as one SHA-256."""
    return hashlib.sha256(f"{surroundings()}\n{identity.text}".encode()).hexdigest()


@cache
@signals_wait()
def surroundings() -> str:
    """Everything but the identity that a kernel's machine code depends on."""
    try:
        import llvmlite.binding as llvm

        versions = [metadata.version(package) for package in ("numba", "llvmlite")]
    except ImportError as error:
        raise EngineUnavailable(f"the compiled engine needs Numba, which is not installed ({error})") from error
    processor = (llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
    settings = [os.environ.get(name, "") for name in SETTINGS]
    return json.dumps([sources(), versions, processor, settings])


@cache
def has_masks() -> bool:
    """Whether masks of vectors cost nothing (AVX-512); elsewhere leaving out zeros is not worth its kernels."""
    return "+avx512f" in surroundings()


def sources() -> str:
    """SHA-256 of the sources that the kernels come from."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in (*sorted(here.glob("*.py")), here.parent / "tables" / "formula.py"):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def directory() -> Path | None:
    """The cache's directory, made where it is missing; None where there is none that only this user can write."""
    chosen = os.environ.get("GLASSNET_CACHE")
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = os.environ.get("HOME") or os.environ.get("USERPROFILE")
    if not chosen and not os.path.isabs(base):
        base = os.path.join(home, ".cache") if home else ""
    if not chosen and not base:
        return None
    folder = Path(chosen or os.path.join(base, "glassnet"))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder if is_ours(folder.stat()) else None
    except OSError:
        return None


def is_ours(status: os.stat_result) -> bool:
    """Whether a file or directory belongs to this user and no one else can write it."""
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def seal(symbol: str, name: str, code: bytes) -> str:
    """SHA-256 of everything that a file says."""
    return hashlib.sha256(f"{symbol}\n{name}\n{len(code)}\n".encode() + code).hexdigest()


def read(path: Path, name: str) -> tuple[str, bytes] | None:
    """Symbol and object code of a file, or None where it is missing, damaged, or not ours."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not is_ours(status):
                return None
            head, code = json.loads(file.readline()), file.read()
        if head["key"] != name or head["sha256"] != seal(head["symbol"], name, code):
            return None
        touch(path, status)
        return head["symbol"], code
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: Path, name: str, symbol: str, code: bytes) -> None:
    """Keep a kernel: written beside its place and moved there, so that no reader meets half a file."""
    head = json.dumps({"symbol": symbol, "key": name, "sha256": seal(symbol, name, code)})
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=name[:16], suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(head.encode() + b"\n" + code)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            if temporary is not None:
                os.unlink(temporary)


def touch(path: Path, status: os.stat_result) -> None:
    """Note by its time, at most once a day, that a file is read."""
    if time.time() - status.st_mtime > DAY:
        with suppress(OSError):
            os.utime(path)


@cache
def sweep(folder: Path) -> None:
    """Remove, once a process, kernels that nothing has read for long and what a killed process left half-written."""
    with suppress(OSError):
        for path in folder.iterdir():
            if OURS.fullmatch(path.name):
                remove_old(path)


def remove_old(path: Path) -> None:
    """Remove a file of the cache if it is older than its kind is kept."""
    with suppress(OSError):
        if time.time() - path.lstat().st_mtime > KEPT[path.suffix]:
            path.unlink()


@cache
def make_ready() -> None:
    """Make LLVM ready for this processor, with the C functions that kernels call made known to it."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for symbol in SYMBOLS:
        llvm.add_symbol(symbol, c_function(symbol))


@cache
def libraries() -> tuple[ctypes.CDLL, ...]:
    """The C libraries of this system that can be opened."""
    opened = []
    for name in LIBRARIES:
        try:
            opened.append(ctypes.CDLL(name))
        except OSError:
            continue
    return tuple(opened)


def c_function(symbol: str) -> int:
    """The address of a function of the C library."""
    for library in libraries():
        function = getattr(library, symbol, None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value or 0
    raise EngineUnavailable(f"the compiled engine cannot find the C function {symbol!r} on this system")


_engines: list[Any] = []  # loaded code lives as long as its engine


@signals_wait()
def load(object_code: bytes, symbol: str) -> int:
    """Load object code into this process and return the address of its symbol."""
    make_ready()
    import llvmlite.binding as llvm

    try:
        # An engine that fails takes its target machine with it: no other may use the same.
        target = llvm.Target.from_default_triple().create_target_machine(jit=True)
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
        engine.add_object_file(llvm.ObjectFileRef.from_data(object_code))
        engine.finalize_object()
        address = engine.get_function_address(symbol)
    except RuntimeError as error:
        raise EngineUnavailable(f"LLVM cannot load the compiled engine: {error}") from error
    if not address:
        raise EngineUnavailable(f"the kernel {symbol!r} is not in its own object code")
    _engines.append(engine)
    return int(address)

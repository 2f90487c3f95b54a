"""The cache of compiled kernels: whatever happens to its files or its directory, the right kernel runs.

And what happens where the engine cannot be built.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet.engine import EngineUnavailable, KernelSpec, cache, cache_folder

ROOT = Path(__file__).resolve().parents[2]
SPEC = KernelSpec("one_hot", "float32")
WARM = """
import sys, ctypes, numpy as np
from glassnet.engine import address
kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(address("one_hot", "float32"))
labels, order, t = np.array([2, 0]), np.array([1, 0]), np.full((2, 3), 7, np.float32)
row = np.array([0, 0, 0, 3, labels.ctypes.data, t.ctypes.data])
context = np.array([0, 1, 2, 0, 0, 0, order.ctypes.data, 0, 0, 0, 0])
kernel(row.ctypes.data, context.ctypes.data)
assert t.tolist() == [[1, 0, 0], [0, 0, 1]], t
print("numba" in sys.modules)
"""


@pytest.fixture(scope="module")
def compiled() -> tuple[str, bytes]:
    return cache.compile_kernel(SPEC)


class Compiler:
    """Replaces the compiler and counts its calls."""

    def __init__(self, code: tuple[str, bytes]) -> None:
        self.code, self.calls = code, 0

    def __call__(self, spec: KernelSpec) -> tuple[str, bytes]:
        self.calls += 1
        return self.code


@pytest.fixture
def compiler(compiled: tuple[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compiler:
    """An empty cache directory, and a compiler that counts its calls."""
    counted = Compiler(compiled)
    monkeypatch.setattr(cache, "compile_kernel", counted)
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path / "cache"))
    return counted


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def start(
    tmp_path: Path, source: str = WARM, errors: int = subprocess.PIPE, **environment: str
) -> subprocess.Popen[str]:
    """Start a process; by default it needs one kernel and prints whether it imported Numba."""
    package = str(Path(glassnet.__file__).parents[1])
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT")}
    environment = {**inherited, "PYTHONPATH": package, **environment}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": errors, "text": True}
    return subprocess.Popen([sys.executable, "-c", source], env=environment, cwd=tmp_path, **pipes)


def finish(process: subprocess.Popen[str], unused: str = "") -> str:
    """What a process prints; `unused` is what it warns of once: why it does not store its kernels."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert unused in errors and errors.count("RuntimeWarning: ") == bool(unused)
    assert bool(errors) == bool(unused) == ("are not stored, because" in errors)
    return output.strip()


def address_unstored(reason: str) -> int:
    """The address of a kernel that is compiled and not stored, for a reason that is said once."""
    cache_folder.warn_unused.cache_clear()
    with pytest.warns(RuntimeWarning, match=f"compiled kernels are not stored, because .*{reason}") as caught:
        addresses = [cache.kernel_address(SPEC) for _ in range(2)]
    assert len(caught) == 1
    return addresses[0]


def test_a_kernel_is_compiled_once(compiler: Compiler, tmp_path: Path) -> None:
    for _ in range(3):
        assert cache.kernel_address(SPEC) > 0
    assert compiler.calls == 1
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700
    assert only_file(tmp_path / "cache").suffix == ".kernel"


@pytest.mark.parametrize("damage", range(200))
def test_a_kernel_with_a_damaged_file_is_compiled_again(compiler: Compiler, tmp_path: Path, damage: int) -> None:
    cache.kernel_address(SPEC)
    path, rng = only_file(tmp_path / "cache"), np.random.default_rng(damage)
    content = bytearray(path.read_bytes())
    if damage % 3:
        index = int(rng.integers(len(content) if damage % 3 == 1 else 250))
        content[index] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
    else:
        path.write_bytes(content[: int(rng.integers(len(content)))])
    assert cache.read(path, path.stem) is None or cache.read(path, path.stem) == compiler.code
    assert cache.kernel_address(SPEC) > 0
    assert cache.read(path, path.stem) == compiler.code


def test_a_file_of_deeply_nested_json_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.kernel"
    path.write_bytes(b'{"key": ' + b"[" * 100_000 + b"\n")
    path.chmod(0o600)
    assert cache.read(path, "a") is None


def test_a_file_of_another_key_is_ignored(compiler: Compiler, tmp_path: Path) -> None:
    cache.kernel_address(SPEC)
    path = only_file(tmp_path / "cache")
    other = cache.key(SPEC._replace(dtype="float64"))
    path.rename(path.with_name(other + ".kernel"))
    assert cache.read(path.with_name(other + ".kernel"), other) is None


def test_the_key_depends_on_everything_that_the_code_does(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {cache.key(SPEC), cache.key(KernelSpec("bp3", "float32")), cache.key(KernelSpec("bp3", "float64"))}
    for name, value in (("NUMBA_CPU_NAME", "generic"), ("NUMBA_CPU_FEATURES", "+sse2"), ("NUMBA_OPT", "1")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            cache.environment.cache_clear()
            keys.add(cache.key(SPEC))
    with monkeypatch.context() as patch:
        patch.setattr(cache, "source_hash", lambda: "edited")
        cache.environment.cache_clear()
        keys.add(cache.key(SPEC))
    cache.environment.cache_clear()
    assert len(keys) == 7
    assert cache.key(SPEC) in keys


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no file modes here")
@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_directory_that_others_can_write_is_ignored(compiler: Compiler, tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(mode)
    assert cache.cache_folder().path is None
    assert address_unstored(r"others can write to .*cache \(chmod go-w it\)") > 0
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no file modes here")
def test_a_file_or_directory_of_another_user_is_ignored(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.kernel_address(SPEC)
    path = only_file(tmp_path / "cache")
    path.chmod(0o666)
    assert cache.read(path, path.stem) is None
    path.chmod(0o600)
    assert cache.read(path, path.stem) is not None
    monkeypatch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
    assert cache.read(path, path.stem) is None
    assert cache.cache_folder() == (None, f"{path.parent} belongs to another user")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owners here")
def test_a_directory_of_another_owner_is_ignored(tmp_path: Path) -> None:
    folder = Path("/usr")  # root's; where we are root, one that is not
    if os.getuid() == 0:
        folder = tmp_path / "cache"
        folder.mkdir(mode=0o700)
        os.chown(folder, 65534, 65534)
    before = set(folder.iterdir())
    for _ in range(2):
        assert finish(start(tmp_path, GLASSNET_CACHE=str(folder)), f"{folder} belongs to another user") == "True"
    assert set(folder.iterdir()) == before


def test_an_installation_that_cannot_be_written(tmp_path: Path) -> None:
    """Without a home directory either, nothing is stored, the kernel runs, and no file is created."""
    package = tmp_path / "site" / "glassnet"
    shutil.copytree(Path(glassnet.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*package.rglob("*"), package, package.parent):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = set(tmp_path.rglob("*"))
    environment = {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    source = f"import glassnet; assert glassnet.__file__.startswith({str(package)!r})\n{WARM}"
    assert finish(start(tmp_path, source, **environment), "this user has no home folder") == "True"
    assert set(tmp_path.rglob("*")) == before
    for path in (package.parent, package, *package.rglob("*")):
        path.chmod(0o755)  # so that it can be removed


def test_a_kernel_runs_with_a_read_only_directory(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> Any:
        raise OSError(errno.EROFS, "read-only file system")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert address_unstored(r"cache cannot be written \(read-only file system\)") > 0
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_kernel_runs_with_a_directory_that_cannot_be_created(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path / "file" / "cache"))
    assert cache.cache_folder().path is None
    assert address_unstored(r"cannot be used \(Not a directory\)") > 0


def test_a_failed_write_leaves_nothing_behind(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "replace", full)
    assert address_unstored(r"cannot be written \(no space left\)") > 0
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_location_of_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSNET_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_folder().path == tmp_path / "xdg" / "glassnet"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.cache_folder().path == tmp_path / "home" / ".cache" / "glassnet"
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path / "own"))
    assert cache.cache_folder().path == tmp_path / "own"


def test_processes_that_start_at_once_and_a_warm_one_after_them(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    cold = [start(tmp_path, GLASSNET_CACHE=str(folder)) for _ in range(8)]
    assert [finish(process) for process in cold] == ["True"] * 8
    assert only_file(folder).suffix == ".kernel"
    assert finish(start(tmp_path, GLASSNET_CACHE=str(folder))) == "False"


TWO_KERNELS = """
from glassnet.engine import address
address("one_hot", "float32"), address("one_hot", "float64")
"""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals here")
def test_a_compilation_is_announced_once_on_a_terminal(tmp_path: Path) -> None:
    outputs = []
    for _ in range(2):  # cold, warm
        reader, terminal = os.openpty()
        process = start(tmp_path, TWO_KERNELS, terminal, GLASSNET_CACHE=str(tmp_path / "cache"))
        assert process.communicate(timeout=120)[0] == "" and process.returncode == 0
        os.write(terminal, b"end\n")
        text = ""
        while not text.endswith("end\r\n"):
            text += os.read(reader, 1000).decode()
        outputs.append(text.split("\r\n"))
        os.close(terminal)
        os.close(reader)
    assert outputs == [["glassnet: compiling the engine for this CPU, once", "end", ""], ["end", ""]]


FAILED_LOAD = """
from glassnet.engine import EngineUnavailable, KernelSpec, cache
symbol, code = cache.compile_kernel(KernelSpec("one_hot", "float32"))
for _ in range(5):
    try:
        cache.load(code, "absent")
    except EngineUnavailable as error:
        assert "absent" in str(error)
    assert cache.load(code, symbol) > 0
"""


def test_a_kernel_that_cannot_be_loaded_leaves_others_intact(tmp_path: Path) -> None:
    assert finish(start(tmp_path, FAILED_LOAD)) == ""


def test_a_file_that_cannot_be_written_is_removed_if_it_can_be(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory was removed, or became read-only, in between."""

    def gone(temporary: str, path: Path) -> None:
        os.unlink(temporary)
        raise OSError(errno.EROFS, "read-only file system")

    monkeypatch.setattr(os, "replace", gone)
    monkeypatch.setattr(os.path, "exists", lambda path: True)
    assert address_unstored("cannot be written") > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no limits of files here")
def test_a_kernel_runs_with_a_full_disk(tmp_path: Path) -> None:
    """A limit on the size of files interrupts a write, as a full disk does."""
    limited = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n" + WARM
    folder = tmp_path / "cache"
    assert finish(start(tmp_path, limited, GLASSNET_CACHE=str(folder)), "cannot be written (File too large)") == "True"
    assert list(folder.iterdir()) == []


def test_without_a_home_there_is_no_cache(tmp_path: Path) -> None:
    assert finish(start(tmp_path), "this user has no home folder") == "True"
    assert list(tmp_path.iterdir()) == []


def test_a_disabled_numba_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    with pytest.raises(EngineUnavailable, match="NUMBA_DISABLE_JIT"):
        cache.kernel_address(SPEC)


@pytest.mark.parametrize("error", [cache.metadata.PackageNotFoundError("numba"), OSError("no shared library")])
def test_a_missing_numba_is_named(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def missing(package: str) -> str:
        raise error

    monkeypatch.setattr(cache.metadata, "version", missing)
    cache.environment.cache_clear()
    with pytest.raises(EngineUnavailable, match="needs Numba, which is not installed"):
        cache.kernel_address(SPEC)
    cache.environment.cache_clear()


def test_the_announcement_needs_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    cache.announce.cache_clear()
    cache.announce()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    cache.announce.cache_clear()
    cache.announce()
    cache.announce()
    assert capsys.readouterr().err == "glassnet: compiling the engine for this CPU, once\n"


# Where the engine cannot be built -------------------------------------------------------------------------------------

RENAMED_PASS = """
import warnings
import numba.core.typed_passes
import numpy as np
from glassnet import NeuralNetwork
from glassnet.engine import EngineUnavailable, KernelSpec, cache

del numba.core.typed_passes.PreLowerStripPhis
x, y = np.random.default_rng(0).normal(size=(2, 3, 20))

def trained(engine):
    network = NeuralNetwork([3, 4, 3], seed=0, engine=engine)
    network.train(x, y, epochs=2, verbose=0)
    return network.parameters.vector.tobytes()

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("default")
    assert trained("compiled") == trained("numpy")
(warning,) = caught
print(warning.category.__name__, warning.message)
"""


def test_numpy_runs_where_numba_lacks_a_name(tmp_path: Path) -> None:
    """A later version may rename what the engine imports, which raises AttributeError, not ImportError."""
    message = finish(start(tmp_path, RENAMED_PASS))
    assert message.startswith("RuntimeWarning the compiled engine cannot run here") and "PreLowerStripPhis" in message


def failing_import(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the import of the kernels raise an error."""

    class Finder:
        @staticmethod
        def find_spec(name: str, *_: Any) -> None:
            if name == "glassnet.engine.kernels":
                raise error

    import glassnet.engine

    monkeypatch.delitem(sys.modules, "glassnet.engine.kernels", raising=False)
    monkeypatch.delattr(glassnet.engine, "kernels", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])


@pytest.mark.parametrize("error", [ImportError("lost"), AttributeError("lost"), TypeError("lost"), OSError("lost")])
def test_any_exception_of_the_import_makes_the_engine_unavailable(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failing_import(monkeypatch, error)
    with pytest.raises(EngineUnavailable, match=r"cannot be imported here \(lost\)"):
        cache.build(SPEC)


def test_ctrl_c_during_the_import_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    failing_import(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        cache.build(SPEC)


def numba_version(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(cache.metadata, "version", lambda package: version)
    cache.check_numba_version.cache_clear()


def test_a_newer_numba_is_warned_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    numba_version(monkeypatch, "999.1rc1")
    with pytest.warns(RuntimeWarning, match="Numba 999.1rc1 is newer than the versions tested with glassnet") as caught:
        for _ in range(2):
            assert cache.compile_kernel(SPEC)[1]
    assert len(caught) == 1


@pytest.mark.parametrize("version", ["0.61.0", ".".join(map(str, cache.TESTED_NUMBA)) + ".7", "unknown"])
def test_a_tested_numba_is_not_warned_of(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    numba_version(monkeypatch, version)
    cache.check_numba_version()


def test_the_newest_tested_numba_is_the_upper_bound_of_the_dependency() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    major, minor = cache.TESTED_NUMBA
    (numba,) = (each for each in pyproject["project"]["dependencies"] if each.startswith("numba"))
    assert numba.endswith(f",<{major}.{minor + 1}")


def test_sources_are_hashed_by_their_path_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files that swap their contents, of the same name in two folders, are other sources."""
    hashes = set()
    for first, second in (("a = 1", "a = 2"), ("a = 2", "a = 1")):
        sources = {"engine/cache.py": "", "engine/formula.py": first, "tables/formula.py": second}
        for path, content in (sources | {"tables/bfloat16.py": ""}).items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(content)
        monkeypatch.setattr(cache, "__file__", str(tmp_path / "engine" / "cache.py"))
        hashes.add(cache.source_hash())
    assert len(hashes) == 2


@pytest.mark.parametrize("name", ["formula.py", "bfloat16.py"])
def test_the_sources_of_formulas_are_hashed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "glassnet"
    shutil.copytree(Path(glassnet.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "__file__", str(package / "engine" / "cache.py"))
    before = cache.source_hash()
    with (package / "tables" / name).open("a") as file:
        file.write("# edited")
    assert cache.source_hash() != before

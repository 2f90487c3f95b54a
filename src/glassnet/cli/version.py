"""`glassnet --version`, and with `--verbose` what a report of a fault needs to say about this machine."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from pathlib import Path

from glassnet.cli.printing import print_line, print_text

SETTINGS = (
    "GLASSNET_THREADS",
    "GLASSNET_CACHE",
    "GLASSNET_EMULATE_BF16",
    "NUMBA_DISABLE_JIT",
    "NUMBA_CPU_NAME",
    "OMP_NUM_THREADS",
)
NAME = re.compile(r"[\w.-]+")  # of a package, at the beginning of a requirement
EXTRA = re.compile(r"extra == ['\"](\w+)['\"]")
NOT_FOR_USERS = {"dev", "bench", "fuzz", "docs", "all"}


def print_version(*, verbose: bool) -> None:
    """Print the version; with `verbose` those of all packages, the processor, the threads and the stored kernels."""
    from glassnet import __version__

    print_text(f"glassnet {__version__}")
    if verbose:
        print_line("Python", f"{platform.python_version()} ({platform.python_implementation()}), {platform.platform()}")
        _print_engine()
        _print_packages()
        settings = [f"{name}={os.environ[name]}" for name in SETTINGS if name in os.environ]
        print_line("Settings", ", ".join(settings) or "none of the environment")


def _print_engine() -> None:
    from glassnet.engine.processors import available_threads
    from glassnet.engine.status import engine_status

    status = engine_status()
    print_line("Processor", f"{status.processor or platform.machine()}: {', '.join(status.features) or 'unknown'}")
    print_line("Threads", f"{available_threads()} of {os.cpu_count()} processors")
    if status.folder is not None:
        size = f"{status.kernels:,} stored, {status.kernel_bytes / 1e6:.1f} MB"
        print_line("Kernels", f"{size}, in {without_home(status.folder)}")
    if status.problem:
        print_line("Engine", status.problem)


def _print_packages() -> None:
    """The packages that glassnet requires, then those of its extras that are there."""
    required, optional = packages()
    print_line("Packages", ", ".join(f"{name} {installed_version(name) or 'missing'}" for name in required))
    versions = {name: installed_version(name) for name in optional}
    present = [f"{name} {version}" for name, version in versions.items() if version]
    print_line("Optional", ", ".join(present) or "none")
    if missing := [name for name, version in versions.items() if not version]:
        print_line("Missing", f"{', '.join(missing)} (optional)")


def packages() -> tuple[list[str], list[str]]:
    """The names of the packages that an installation requires, and those of the extras for users."""
    required, optional = ["llvmlite"], []
    for requirement in metadata.requires("glassnet") or []:
        name, extra = NAME.match(requirement), EXTRA.search(requirement)
        if name is None or name[0] == "glassnet":
            continue
        if extra is None:
            required.append(name[0])
        elif extra[1] not in NOT_FOR_USERS:
            optional.append(name[0])
    return sorted(set(required)), sorted(set(optional))


def installed_version(name: str) -> str:
    """The version of an installed package; empty where it is missing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def without_home(path: Path) -> str:
    """A path, with ~ for the home folder, which may name a person."""
    home = os.path.expanduser("~")
    return f"~{str(path).removeprefix(home)}" if home != "~" and str(path).startswith(home + os.sep) else str(path)

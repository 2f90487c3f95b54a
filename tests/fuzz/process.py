"""The process that fuzzes one target: `python -m tests.fuzz.process TARGET SECONDS SEED FOLDER any|ours`.

The input that is read lies in FOLDER/input, where it is found if the process does not come to its end.
"""

from __future__ import annotations

import importlib.util
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from .mutation import mutated

MAX_MEMORY = 6 << 30  # bytes of addresses; more is an error, as on a small machine

if "any" in sys.argv[5:] and importlib.util.find_spec("atheris"):
    import atheris

    with atheris.instrument_imports(
        include=["glassnet.data", "glassnet.files", "glassnet.tabular", "glassnet.loading"]
    ):
        from .targets import TARGETS, Target, check, seeds
else:
    atheris = None
    from .targets import TARGETS, Target, check, seeds


def main() -> None:
    name, seconds, seed, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    target, file = TARGETS[name], folder / "input"
    if atheris is None:
        count = fuzz(name, target, file, seconds, np.random.default_rng(seed))
        print(f"{name}: {count:,} inputs in {seconds} s, no crash (our own changes).")
    else:
        fuzz_with_atheris(name, target, file, seconds, seed)


def fuzz(name: str, target: Target, file: Path, seconds: float, rng: np.random.Generator) -> int:
    """Read changed files of the corpus for some seconds; return how many there were."""
    originals = [path.read_bytes() for path in seeds(name)]
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        content = originals[rng.integers(len(originals))]
        file.write_bytes(changed(content, originals, target, file, rng))
        check(target, file)
        count += 1
    return count


def changed(content: bytes, originals: list[bytes], target: Target, file: Path, rng: np.random.Generator) -> bytes:
    """A change of the structure, where the target has one, or else of bytes."""
    if target.mutate is not None and rng.random() < 0.7:
        file.write_bytes(content)
        if (result := target.mutate(file, rng)) is not None:
            return result
    return mutated(content, originals, target.tokens, rng)


def fuzz_with_atheris(name: str, target: Target, file: Path, seconds: int, seed: int) -> None:
    """Let Atheris choose the inputs, from a copy of the corpus; it ends the process."""
    found = file.parent / "found"
    shutil.copytree(seeds(name)[0].parent, found)
    originals = [path.read_bytes() for path in seeds(name)]

    def read(content: bytes) -> None:
        file.write_bytes(content)
        check(target, file)

    def mutate(content: bytes, max_size: int, number: int) -> bytes:
        result = changed(content, originals, target, file.with_name("mutant"), np.random.default_rng(number))
        return atheris.Mutate(content, max_size) if number % 2 or len(result) > max_size else result

    options: list[Any] = [f"-max_total_time={seconds}", f"-seed={seed + 1}", "-timeout=20", "-rss_limit_mb=4096"]
    quiet = ["-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={file.parent}/", "-max_len=65536"]
    atheris.Setup([sys.argv[0], *options, *quiet, str(found)], read, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

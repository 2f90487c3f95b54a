"""Fuzz one target: `python -m tests.fuzz csv --seconds 60`. A crash becomes a file in tests/corpus/csv.

Atheris, which sees which code an input reaches, is used where it is installed, and changes of our own otherwise. The
target runs in a process of its own, because a reader may end it.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from .targets import CORPUS, TARGETS

GRACE = 180  # seconds for the start, and for the last input


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS, help="what is read")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the changes")
    parser.add_argument("--ours", action="store_true", help="do not use Atheris")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return run(arguments, Path(folder))


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """Run the target in a process of its own; return 1, and keep the input, if it does not come to its end."""
    options = [arguments.target, str(arguments.seconds), str(arguments.seed), str(folder)]
    command = [sys.executable, "-m", "tests.fuzz.process", *options, "ours" if arguments.ours else "any"]
    try:
        code = subprocess.run(command, timeout=arguments.seconds + GRACE).returncode
    except subprocess.TimeoutExpired:
        code = -1
    if code == 0:
        return 0
    content = (folder / "input").read_bytes()
    name = CORPUS / arguments.target / f"crash-{hashlib.sha256(content).hexdigest()[:12]}"
    name.write_bytes(content)
    print(f"{arguments.target}: exit code {code}; the input is {name}, which tests/properties/test_corpus.py reads.")
    return 1


if __name__ == "__main__":
    sys.exit(main())

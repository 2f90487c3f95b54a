"""Report how large files and functions are, and name the outliers.

Code lines of a function are the lines on which a part of its body begins: no blanks, comments or docstring. With
--strict, a file or function that is too long and not on the list below ends in exit code 1.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FILE_LINES, FUNCTION_LINES, ARGUMENTS = 350, 30, 8
# "path" or "path name" of what may be longer, each with its reason in a comment.
ALLOWED: frozenset[str] = frozenset(
    # The engine compiles a kernel as one body: what would be a function of its own costs a compilation of its own.
    {"src/glassnet/engine/gemm.py gemm", "src/glassnet/engine/sparse_gemm.py sparse_gemm"}
)

Definition = ast.FunctionDef | ast.AsyncFunctionDef


class Function(NamedTuple):
    """One function: where it stands and what was measured."""

    path: str
    line: int
    name: str
    lines: int
    arguments: int


def code_lines(function: Definition) -> int:
    """Count the lines on which a part of the body begins."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return len({node.lineno for part in body for node in ast.walk(part) if hasattr(node, "lineno")})


def arguments(function: Definition) -> int:
    """Count the arguments, without self and cls."""
    positional = function.args.posonlyargs + function.args.args
    bound = bool(positional) and positional[0].arg in ("self", "cls")
    return len(positional) + len(function.args.kwonlyargs) - bound


def functions(path: Path) -> Iterator[Function]:
    """Measure every function of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Definition):
            yield Function(path.as_posix(), node.lineno, node.name, code_lines(node), arguments(node))


def show(title: str, rows: list[str]) -> None:
    """Print one list of outliers, or nothing where there is none."""
    if rows:
        print(f"\n{title} ({len(rows)})", *rows, sep="\n  ")


def main() -> int:
    """Print the report; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[Path("src"), Path("tools")])
    parser.add_argument("--strict", action="store_true", help="exit 1 where a file or function is too long")
    options = parser.parse_args()
    paths = sorted(path for folder in options.folders for path in folder.rglob("*.py"))
    lengths = {path.as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    found = [function for path in paths for function in functions(path)]
    summary(lengths, found)
    too_long = outliers(lengths, found)
    return int(options.strict and too_long)


def summary(lengths: dict[str, int], found: list[Function]) -> None:
    """Print the sums: files, lines, and the median, 90 % and longest function."""
    lines = sorted(function.lines for function in found) or [0]
    middle, most = statistics.median(lines), lines[int(0.9 * (len(lines) - 1))]
    print(f"{len(lengths)} files, {sum(lengths.values())} lines, the longest {max(lengths.values(), default=0)}")
    print(f"{len(found)} functions, code lines: median {middle:g}, 90 % {most}, longest {lines[-1]}")


def outliers(lengths: dict[str, int], found: list[Function]) -> bool:
    """Print the outliers; return whether a file or function is too long."""
    files = [f"{path} {n}" for path, n in lengths.items() if n > FILE_LINES and path not in ALLOWED]
    long = [f for f in found if f.lines > FUNCTION_LINES and f"{f.path} {f.name}" not in ALLOWED]
    wide = [f for f in found if f.arguments > ARGUMENTS and f.name != "__init__"]
    show(f"Files over {FILE_LINES} lines", files)
    show(f"Functions over {FUNCTION_LINES} code lines", [f"{f.path}:{f.line} {f.name} {f.lines}" for f in long])
    show(f"Functions of more than {ARGUMENTS} arguments", [f"{f.path}:{f.line} {f.name} {f.arguments}" for f in wide])
    return bool(files or long)


if __name__ == "__main__":
    sys.exit(main())

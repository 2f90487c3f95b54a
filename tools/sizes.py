"""Report the sizes of files and functions, and list the outliers.

The code lines of a function are the lines on which a part of its body begins: no blank lines, comments or docstring.
With --strict the exit code is 1 if a file or function is too long and not on the list below.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_ARGUMENTS = 350, 30, 8
# "path" or "path name" of what may be longer, with the reason in a comment.
ALLOWED: frozenset[str] = frozenset(
    # A kernel is compiled as one body: each further function would be compiled again for every kernel.
    {"src/glassnet/engine/gemm.py gemm", "src/glassnet/engine/sparse_gemm.py sparse_gemm"}
)

Definition = ast.FunctionDef | ast.AsyncFunctionDef


class Function(NamedTuple):
    """One function: its location and measurements."""

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


def print_list(title: str, lines: list[str]) -> None:
    """Print a list of outliers unless it is empty."""
    if lines:
        print(f"\n{title} ({len(lines)})", *lines, sep="\n  ")


def main() -> int:
    """Print the report; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[Path("src"), Path("tools"), Path("docs/ext")])
    parser.add_argument("--strict", action="store_true", help="exit 1 where a file or function is too long")
    options = parser.parse_args()
    paths = sorted(path for folder in options.folders for path in folder.rglob("*.py"))
    lengths = {path.as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    measured = [function for path in paths for function in functions(path)]
    print_summary(lengths, measured)
    too_long = print_outliers(lengths, measured)
    return int(options.strict and too_long)


def print_summary(lengths: dict[str, int], measured: list[Function]) -> None:
    """Print the totals, and the median, 90 % and longest function."""
    lines = sorted(function.lines for function in measured) or [0]
    median, most = statistics.median(lines), lines[int(0.9 * (len(lines) - 1))]
    print(f"{len(lengths)} files, {sum(lengths.values())} lines, the longest {max(lengths.values(), default=0)}")
    print(f"{len(measured)} functions, code lines: median {median:g}, 90 % {most}, longest {lines[-1]}")


def print_outliers(lengths: dict[str, int], measured: list[Function]) -> bool:
    """Print the outliers; return whether a file or function is too long."""
    files = [f"{path} {n}" for path, n in lengths.items() if n > MAX_FILE_LINES and path not in ALLOWED]
    long = [f for f in measured if f.lines > MAX_FUNCTION_LINES and f"{f.path} {f.name}" not in ALLOWED]
    many = [f for f in measured if f.arguments > MAX_ARGUMENTS and f.name != "__init__"]
    print_list(f"Files over {MAX_FILE_LINES} lines", files)
    print_list(
        f"Functions over {MAX_FUNCTION_LINES} code lines", [f"{f.path}:{f.line} {f.name} {f.lines}" for f in long]
    )
    print_list(
        f"Functions of more than {MAX_ARGUMENTS} arguments", [f"{f.path}:{f.line} {f.name} {f.arguments}" for f in many]
    )
    return bool(files or long)


if __name__ == "__main__":
    sys.exit(main())

"""Writes the list of files into CONTRIBUTING.md: per folder, each file with the first sentence of its docstring.

Usage: python tools/house.py [--check]
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, DOCUMENT = ROOT / "src" / "glassnet", ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- written by tools/house.py -->\n", "<!-- end of what tools/house.py writes -->\n"


def first_sentences(path: Path) -> str:
    """The first paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def listed(folder: Path) -> list[str]:
    """A heading and a line for each file of a folder; an `__init__.py` that says nothing is left out."""
    name = "" if folder == PACKAGE else f"{folder.relative_to(PACKAGE).as_posix()}/"
    files = [(path, first_sentences(path)) for path in sorted(folder.glob("*.py"))]
    lines = [f"- `{path.stem}`: {text}" for path, text in files if text and path.stem != "__init__"]
    return [f"\n### `{name or 'src/glassnet/'}`\n", *lines] if lines else []


def folders(document: str) -> list[Path]:
    """The folders in the order of the document's table, the package itself first and any it forgets last."""
    named = [PACKAGE / name for name in re.findall(r"^\| `([\w/]+)/` \|", document, re.MULTILINE)]
    present = [path for path in sorted(PACKAGE.rglob("*/")) if path.is_dir() and list(path.glob("*.py"))]
    return [PACKAGE, *named, *(path for path in present if path not in named)]


def written(document: str) -> str:
    """The document with the list of files as it should be."""
    before, rest = document.split(BEGIN)
    lines = [line for folder in folders(document) for line in listed(folder)]
    return before + BEGIN + "\n".join(lines) + "\n\n" + END + rest.split(END)[1]


def main() -> None:
    """Write the list, or with --check say whether it is up to date."""
    document = DOCUMENT.read_text(encoding="utf-8")
    if "--check" not in sys.argv:
        DOCUMENT.write_text(written(document), encoding="utf-8")
    elif written(document) != document:
        sys.exit("CONTRIBUTING.md does not list the files as they are; run python tools/house.py.")


if __name__ == "__main__":
    main()

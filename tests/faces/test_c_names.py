"""Columns named like keywords and macros become fields that C and C++ compile."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import glassnet
from glassnet.export.c_literals import KEYWORDS, KEYWORDS_OF_C23_AND_CPP, c_field
from glassnet.export.source_writer import identifier

from .quick_tabular import QuickClassifier, classes_of, frame

pytestmark = pytest.mark.compiler
HEADERS = "#include <math.h>\n#include <string.h>\n"


def compiler(*arguments: str, code: str = "") -> str:
    """What the compiler prints; its errors fail the test."""
    result = subprocess.run(["cc", *arguments], input=code, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def macros() -> set[str]:
    """What the compiler and the headers of exported code define as a word that a column may be named."""
    names = [line.split()[1] for line in compiler("-dM", "-E", "-", code=HEADERS).splitlines()]
    return {name for name in names if "(" not in name and not name.startswith("_")}


@pytest.mark.parametrize("language", ["c", "c++"])
def test_no_field_is_a_keyword_or_a_macro(language: str) -> None:
    names = sorted(macros() | KEYWORDS | KEYWORDS_OF_C23_AND_CPP)
    assert {"NAN", "NULL", "class", "int"} <= set(names)
    fields = "\n".join(f"double {c_field(identifier(name))};" for name in names)
    compiler("-x", language, "-fsyntax-only", "-", code=f"{HEADERS}typedef struct {{\n{fields}\n}} Row;\n")


def test_the_code_of_a_model_with_such_columns_runs(tmp_path: Path) -> None:
    table = frame(60)
    renamed = table.rename(columns={"size": "NAN", "colour": "class", "when": "x int", "weight": "int"})
    glassnet.to_source(QuickClassifier(random_state=0).fit(renamed, classes_of(table)), "c", tmp_path / "model.c")
    compiler("-DGLASSNET_TEST", str(tmp_path / "model.c"), "-o", str(tmp_path / "model"), "-lm")
    result = subprocess.run([tmp_path / "model"], capture_output=True, text=True, timeout=60, check=True)
    assert "on 8 rows" in result.stdout

"""The pages in Chinese have the code, the equations and the measured numbers of the English ones, which they follow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/learn/four-equations.md"]
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
NUMBER_CELL = re.compile(r"\|\s*([\d.,]+)\s*(?=\|)")


def both(document: str) -> tuple[str, str]:
    """A page in English and in Chinese."""
    paths = ROOT / document, (ROOT / document).with_suffix(".zh-CN.md")
    return paths[0].read_text(encoding="utf-8"), paths[1].read_text(encoding="utf-8")


@pytest.mark.parametrize("document", PAGES)
def test_code_tables_headings_and_pictures_are_the_same(document: str) -> None:
    english, chinese = both(document)
    assert CODE.findall(chinese) == CODE.findall(english)
    assert NUMBER_CELL.findall(chinese) == NUMBER_CELL.findall(english)
    for pattern in (r"^#+ ", r"^\|", r"^!\[.*\]\(.*\)$", r"^- "):
        assert len(re.findall(pattern, chinese, re.MULTILINE)) == len(re.findall(pattern, english, re.MULTILINE)), (
            pattern
        )


@pytest.mark.parametrize("document", PAGES)
def test_numbers_and_names_in_the_text_are_the_same(document: str) -> None:
    english, chinese = (" ".join(CODE.sub("", text).split()) for text in both(document))
    names = [set(re.findall(r"`([^`]+)`", text)) for text in (english, chinese)]
    assert names[0] - names[1] <= {"train --plots FOLDER"}
    numbers = [sorted(re.findall(r"\d+\.\d+", text)) for text in (english, chinese)]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("document", PAGES)
def test_a_page_links_to_its_translation(document: str) -> None:
    english, chinese = both(document)
    assert f"[English]({Path(document).name})" in chinese
    assert f"]({Path(document).with_suffix('.zh-CN.md').name})" in english

"""The page of a step in Chromium: it fits a telephone, reads in light and dark, and has the step's numbers."""

from __future__ import annotations

import html
import json
import re
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import MLPClassifier
from glassnet.estimators.pictures import curve_html
from glassnet.see.explain import Explanation
from glassnet.see.stage import LabelledArray
from glassnet.see.trace import number

from .test_step import NETWORKS, explained
from .test_trace import lesson

pytestmark = pytest.mark.browser
READER = Path(__file__).with_name("reading.js").read_text()
CHROMIUM = [
    *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"),
    *("--disable-background-networking", "--disable-component-update", "--no-first-run", "--enable-logging=stderr"),
    *("--virtual-time-budget=10000", "--host-resolver-rules=MAP * ~NOTFOUND"),
]
CELL = "<body style='background:{};color:{}'><div class='jp-RenderedHTMLCommon'>{}</div></body>"


def read(page: str, folder: Path, width: int, dark: bool = False) -> dict[str, Any]:
    """What a browser makes of a page in a window `width` pixels wide."""
    script = READER.replace("PAGE", json.dumps(page).replace("</", "<\\/"))
    frame = f"<iframe style='width:{width}px;height:900px;border:0'></iframe>"
    file = folder / "frame.html"
    file.write_text(f"<!doctype html><meta charset='utf-8'><body>{frame}<script>{script}</script></body>")
    words = [f"--user-data-dir={folder}", f"--blink-settings=preferredColorScheme={0 if dark else 1}", file.as_uri()]
    done = subprocess.run([*CHROMIUM, *words], capture_output=True, text=True, timeout=60)
    found = re.search(r"<pre id=\"answer\">(.*?)</pre>", done.stdout, re.DOTALL)
    assert found, done.stderr
    assert "CONSOLE" not in done.stderr, done.stderr
    return json.loads(html.unescape(found[1]))


def expected(found: Explanation) -> list[list[Any]]:
    """Every array of every equation as the page should show it: its name, and the numbers that were picked."""
    tables: list[list[Any]] = []
    for term in (term for stage in found.stages for term in stage.terms if isinstance(term, LabelledArray)):
        rows, columns = (
            [k for k in found.picks.get(axis, range(size)) if k < size]
            for axis, size in zip(term.axes, term.values.shape, strict=True)
        )
        whole = (len(rows), len(columns)) == term.values.shape
        name = f"{term.symbol} {term.values.shape!s}{'' if whole else ' in part'}"
        tables.append([name, [[number(float(term.values[i, j])) for j in columns] for i in rows]])
    return tables


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["lesson", "wide", "before"])
def test_the_page_can_be_read_on_a_telephone(name: str, dark: bool, tmp_path: Path) -> None:
    assert name == "lesson" or name in NETWORKS
    net, x, y = lesson()
    found = net.explain_step(x, y) if name == "lesson" else explained(name, notation="rows" if dark else "columns")
    seen = read(found.html(), tmp_path, 400, dark)
    assert seen["width"] <= 400 and seen["dark"] is dark
    assert seen["contrast"] >= 4.5 and seen["words"] > 40
    assert seen["tables"] == expected(found)


@pytest.mark.parametrize(("ground", "ink"), [("white", "rgba(0,0,0,.87)"), ("#111111", "white")])
def test_a_cell_of_a_notebook_keeps_its_colours(ground: str, ink: str, tmp_path: Path) -> None:
    net, x, y = lesson()
    for shown in (net.explain_step(x, y), net.trace(x, y)):
        seen = read(CELL.format(ground, ink, shown._repr_html_()), tmp_path, 700)
        assert seen["width"] <= 700 and seen["contrast"] >= 4.5 and seen["words"] > 20


def test_the_curve_of_an_estimator_fits_a_narrow_cell(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPClassifier(max_iter=5, random_state=0).fit(x, y)
    assert read(CELL.format("white", "black", curve_html(model)), tmp_path, 400)["width"] <= 400

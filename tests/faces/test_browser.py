"""The page of a step in Chromium: it fits a phone, is legible in light and dark, and has the step's numbers."""

from __future__ import annotations

import html
import json
import re
import subprocess
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import MLPClassifier
from glassnet.estimators.loss_curve import curve_html
from glassnet.see.explain import Explanation
from glassnet.see.stage import LabelledArray
from glassnet.see.trace import number

from .test_step import NETWORKS, explained
from .test_trace import lesson

pytestmark = pytest.mark.browser
SCRIPT = Path(__file__).with_name("measure_page.js").read_text()
CHROMIUM = [
    *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"),
    *("--disable-background-networking", "--disable-component-update", "--no-first-run", "--enable-logging=stderr"),
    *("--virtual-time-budget=10000", "--host-resolver-rules=MAP * ~NOTFOUND"),
]
CELL = "<body style='background:{};color:{}'><div class='jp-RenderedHTMLCommon'>{}</div></body>"


def measure(page: str, folder: Path, width: int, dark: bool = False) -> dict[str, Any]:
    """Measure a page in a browser window `width` pixels wide: measure_page.js says what."""
    script = SCRIPT.replace("PAGE", json.dumps(page).replace("</", "<\\/"))
    frame = f"<iframe style='width:{width}px;height:900px;border:0'></iframe>"
    file = folder / "frame.html"
    file.write_text(f"<!doctype html><meta charset='utf-8'><body>{frame}<script>{script}</script></body>")
    options = [f"--user-data-dir={folder}", f"--blink-settings=preferredColorScheme={0 if dark else 1}", file.as_uri()]
    done = subprocess.run([*CHROMIUM, *options], capture_output=True, text=True, timeout=60)
    answer = re.search(r"<pre id=\"answer\">(.*?)</pre>", done.stdout, re.DOTALL)
    assert answer, done.stderr
    assert "CONSOLE" not in done.stderr, done.stderr
    return json.loads(html.unescape(answer[1]))


def expected(explanation: Explanation) -> list[list[Any]]:
    """Return every array of every equation as the page should show it: its name, and the numbers that were picked."""
    tables: list[list[Any]] = []
    for term in (term for stage in explanation.stages for term in stage.terms if isinstance(term, LabelledArray)):
        rows, columns = (
            [k for k in explanation.picks.get(axis, range(size)) if k < size]
            for axis, size in zip(term.axes, term.values.shape, strict=True)
        )
        whole = (len(rows), len(columns)) == term.values.shape
        name = f"{term.symbol} {term.values.shape!s}{'' if whole else ' in part'}"
        tables.append([name, [[number(float(term.values[i, j])) for j in columns] for i in rows]])
    return tables


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["lesson", "wide", "before"])
def test_the_plain_page_is_legible_on_a_phone(name: str, dark: bool, tmp_path: Path) -> None:
    assert name == "lesson" or name in NETWORKS
    net, x, y = lesson()
    explanation = (
        net.explain_step(x, y) if name == "lesson" else explained(name, notation="rows" if dark else "columns")
    )
    measured = measure(replace(explanation, page=None).html(), tmp_path, 400, dark)
    assert measured["width"] <= 400 and measured["dark"] is dark
    assert measured["contrast"] >= 4.5 and measured["texts"] > 40
    assert measured["tables"] == expected(explanation)


@pytest.mark.parametrize(("background", "colour"), [("white", "rgba(0,0,0,.87)"), ("#111111", "white")])
def test_a_notebook_cell_keeps_its_colours(background: str, colour: str, tmp_path: Path) -> None:
    net, x, y = lesson()
    for output in (net.explain_step(x, y), net.trace(x, y)):
        measured = measure(CELL.format(background, colour, output._repr_html_()), tmp_path, 700)
        assert measured["width"] <= 700 and measured["contrast"] >= 4.5 and measured["texts"] > 20


def test_the_curve_of_an_estimator_fits_a_narrow_cell(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPClassifier(max_iter=5, random_state=0).fit(x, y)
    assert measure(CELL.format("white", "black", curve_html(model)), tmp_path, 400)["width"] <= 400

"""The built site: no warning, every link leads somewhere, and it works from the disk, without a server or a network."""

from __future__ import annotations

import fcntl
import html
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import glassnet
import glassnet.scale

ROOT = Path(__file__).resolve().parents[2]
WAIT = 15_000  # ms
pytestmark = [pytest.mark.docs, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew as `make docs` builds it (a warning fails it), once for all workers of a run."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = base / "site"
    with (base / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "index.html").exists():
            build(folder)
    return folder


def build(folder: Path) -> None:
    """Build the site; a build that fails leaves nothing behind."""
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fresh-env", "--fail-on-warning", "--keep-going"]
    done = subprocess.run([*command, ROOT / "docs", folder], capture_output=True, text=True, timeout=900, cwd=ROOT)
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.fail(done.stderr)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, str]:
    """The text of every page by its name."""
    return {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}


def test_every_link_leads_somewhere_and_nothing_comes_from_outside(site: Path) -> None:
    faults = runpy.run_path(str(ROOT / "tools" / "site_links.py"))["faults"]
    assert list(faults(site)) == []


def test_every_public_name_is_in_reference(pages: dict[str, str]) -> None:
    reference = "".join(text for name, text in pages.items() if name.startswith("reference/"))
    ids = set(re.findall(r'id="(glassnet\.[\w.]+)"', reference))
    assert {f"glassnet.{name}" for name in glassnet.__all__} <= ids
    assert {f"glassnet.scale.{name}" for name in glassnet.scale.__all__} <= ids
    assert {"glassnet.NeuralNetwork.train", "glassnet.Trace.to_json", "glassnet.MLPClassifier.fit"} <= ids
    assert "math display" in pages["reference/activations.html"]


def test_signatures_have_names_of_types_and_values_of_constants(pages: dict[str, str]) -> None:
    reference = {name: re.sub(r"<[^>]+>", "", text) for name, text in pages.items() if name.startswith("reference/")}
    assert not [name for name, text in reference.items() if "ForwardRef" in text or "_NestedSequence" in text]
    assert "sample_weight: ArrayLike | None = None" in reference["reference/NeuralNetwork.html"]
    assert "lanes: int = 8" in reference["reference/scale.fit.html"]


def test_names_in_pages_lead_to_reference(pages: dict[str, str]) -> None:
    assert 'href="reference/check_backprop.html#glassnet.check_backprop"' in pages["check.html"]
    assert 'href="reference/command-train.html"' in pages["command.html"]


def test_every_document_is_a_page_of_the_site(site: Path) -> None:
    documents = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    missing = [path for path in documents if not (site / path.with_suffix(".html")).exists()]
    assert [path.as_posix() for path in missing] == ["data/README.md"]


def test_the_front_names_a_page_for_each_reader(site: Path, pages: dict[str, str]) -> None:
    cards = re.search(r'<div class="readers">(.*?)<section', pages["index.html"], re.DOTALL)
    assert cards
    text = html.unescape(re.sub(r"<[^>]+>", " ", cards[1]))
    assert all(reader in text for reader in ("understand backpropagation", "You have a table", "You ship it"))
    assert len(re.findall(r'href="[\w/-]+\.html"', cards[1])) == 12


@pytest.fixture
def page(site: Path) -> Iterator[Any]:
    """A page of Chromium that fails the test for a request that leaves the disk and for an error in the console."""
    from playwright.sync_api import sync_playwright

    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:", "blob:")) else faults.append(request.url),
        )
        yield page
        browser.close()
    assert faults == []


SEARCHES = {
    "my network does not learn": "diagnosis",
    "vanishing gradient": "learn/vanishing",
    "resume after crash": "resume",
    "csv with dates": "tables",
    "replace scikit-learn": "sklearn",
    "export onnx": "export",
    "larger than memory": "large_files",
    "wrong labels": "gallery/plot_wrong_labels",
    "confidence interval": "tabular",
    "custom activation": "reference/custom_activation",
    "NeuralNetwork.train": "reference/NeuralNetwork",
}


@pytest.mark.browser
def test_search_understands_a_persons_own_words_from_the_disk(site: Path, page: Any) -> None:
    """The page that answers is the first or the second result."""
    for query, answer in SEARCHES.items():
        page.goto(f"{(site / 'search.html').as_uri()}?q={query}")
        results = page.locator("#search-results ul.search > li > a")
        results.nth(1).wait_for(timeout=WAIT)
        pages = [results.nth(number).get_attribute("href").partition(".html")[0] for number in range(2)]
        assert any(found.endswith(answer) for found in pages), (query, pages)


def test_every_page_that_search_words_name_exists(site: Path) -> None:
    words = (ROOT / "docs" / "static" / "search_words.js").read_text(encoding="utf-8")
    pages = re.findall(r'^  "?([\w./-]+)"?: "', words, re.MULTILINE)
    assert len(pages) > 30
    assert [page for page in pages if not (site / f"{page}.html").exists()] == []


@pytest.mark.browser
def test_what_is_wider_than_a_telephone_scrolls_and_shows_it(site: Path, page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("index", "sklearn", "why/comparison", "reference/NeuralNetwork", "reference/activations"):
        page.goto((site / f"{name}.html").as_uri())
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") == 390, f"{name} is wider than the screen"
        assert page.evaluate(UNMARKED) == [], f"{name} is cut without a sign"


UNMARKED = """[...document.querySelectorAll(".bd-article :is(pre, table, .formula)")]
    .filter((element) => element.scrollWidth > element.clientWidth + 2)
    .filter((element) => !element.classList.contains("more-after") || getComputedStyle(element).overflowX !== "auto")
    .map((element) => element.textContent.slice(0, 40))"""


@pytest.mark.browser
def test_the_recorded_run_plays_on_its_page_from_the_disk(site: Path, page: Any) -> None:
    page.goto((site / "learn" / "watch.html").as_uri())
    page.locator("iframe.player").scroll_into_view_if_needed()
    player = page.frame_locator("iframe.player")
    player.get_by_text("Two quadrants").first.wait_for(timeout=WAIT)
    first = player.get_by_role("slider").first
    first.press("Home")
    player.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1500)
    assert first.input_value() != "0"


def test_every_example_is_short_and_has_its_picture(site: Path) -> None:
    scripts = sorted((ROOT / "examples").glob("plot_*.py"))
    assert len(scripts) >= 15
    for script in scripts:
        assert len(script.read_text(encoding="utf-8").splitlines()) <= 60, script.name
        assert (site / "_images" / f"sphx_glr_{script.stem}_001.png").exists(), script.name

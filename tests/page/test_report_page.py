"""A report opens from a file, without any network, and walks through the very numbers of the run."""

from __future__ import annotations

import re

import numpy as np
import pytest

import glassnet

from .reading import QUANTITY, cells, wait_for_stage

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A file made by a run, and the network that made it as it was before each step."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(2, 60))
    y = np.eye(2)[(x[0] * x[1] > 0).astype(int)].T
    network = glassnet.NeuralNetwork([2, 5, 2], seed=3, dtype="float64")
    history = network.train(x, y, epochs=12, batch_size=20, lr=0.3, verbose=0)
    path = tmp_path_factory.mktemp("report") / "run.html"
    history.report(path)
    return path


def test_the_report_opens_alone_and_walks_three_steps(opened, report):
    assert report.stat().st_size < 1_500_000
    page = opened("", url=report.as_uri())
    page.locator("[data-testid=connection]", has_text="recorded").wait_for()
    first, last = page.get_by_test_id("strip").locator(".ends").inner_text().split("\n")
    assert first == "step 0" and last == "36"  # all frames of the recording
    page.get_by_role("button", name="One step", exact=True).click()
    walks = page.get_by_test_id("recorded-walks").get_by_role("button")
    assert walks.count() == 3
    for i in range(3):
        walks.nth(i).click()
        t = int(re.sub(r"\D", "", walks.nth(i).inner_text()))
        page.locator("[data-testid=stage-count]", has_text=f"step {t}").wait_for()
        page.locator("[data-stage^=forward]").first.click()
        wait_for_stage(page, "forward.1")
        z, product = {}, {}
        for name, value, step, _ in cells(page):
            assert step == t
            (z if name.startswith("z/") else product)[name] = value
        assert z and product
        check_sample_of_the_network(page, i)
    assert page.get_by_test_id("play").is_enabled()
    assert page.locator("[data-testid=nudge], [data-testid=exercise]").count() == 0


def check_sample_of_the_network(page, column: int) -> None:
    """The drawing and the number above it are of the sample whose tables are shown."""
    picker = page.get_by_test_id("sample-picker")
    assert picker.locator("option").count() == 12  # of the 20 of the batch
    picker.select_option(index=column)
    sample = re.search(r"sample (\d+)", picker.locator("option").nth(column).inner_text())[1]
    page.wait_for_function("number => document.querySelector('.sample input').value === number", arg=sample)
    read = (
        "all => Object.fromEntries(all.map(one => [one.dataset.q.split('/').slice(0, 3).join('/'), one.dataset.value]))"
    )
    drawn = page.locator(".network [data-q^='a/0/']").evaluate_all(read)
    assert drawn and drawn == page.locator("[data-table=a0] td[data-q]").evaluate_all(read)


def test_the_numbers_of_the_report_are_those_of_the_weights_it_shows(opened, report):
    page = opened("", url=report.as_uri())
    page.get_by_role("button", name="One step", exact=True).click()
    page.get_by_test_id("recorded-walks").get_by_role("button").nth(1).click()
    page.get_by_role("button", name="Whole batch").click()
    page.locator("[data-stage='forward.1']").click()
    wait_for_stage(page, "forward.1")
    shown: dict[str, dict[tuple[int, int], float]] = {}
    for name, value, _, _ in cells(page):
        if match := QUANTITY.match(name):
            shown.setdefault(match[1] + match[2], {})[int(match[3]), int(match[4] or 0)] = value
    w, a, b, z = (shown[name] for name in ("w1", "a0", "b1", "z1"))
    for (row, column), value in z.items():
        assert value == pytest.approx(sum(w[row, k] * a[k, column] for k in range(2)) + b[row, 0], rel=1e-12)
    assert len(z) == 5 * 12

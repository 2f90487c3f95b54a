"""What the page says beside its frames: a long way to a step, how a target is read, samples behind a count, ∂c/∂x."""

from __future__ import annotations

import re

import numpy as np
import pytest

from .reading import MOONS, cells, python_run
from .test_own_data import give

pytestmark = pytest.mark.browser
BUSY = "seconds => { const end = performance.now() + 1000 * seconds; while (performance.now() < end); }"


def test_a_long_way_to_a_step_is_said_until_it_is_there(opened):
    page = opened(MOONS + "&t=600000&view=watch")
    said = page.get_by_test_id("progress")
    said.filter(has_text=re.compile(r"Running [\d,]+ steps to step 600,000: at step [\d,]+\.")).wait_for()
    assert said.get_attribute("aria-live") == "polite"
    page.get_by_test_id("t").filter(has_text=re.compile(r"600\D000")).wait_for()
    page.wait_for_function("() => document.querySelector('[data-testid=progress]').textContent === ''")


def test_the_target_of_a_file_is_read_as_it_is_asked_for(opened):
    rows = b"a,b,grade\n" + b"".join(b"%.2f,%d,%d\n" % (i / 7, i * i % 11, i % 3) for i in range(60))
    page = opened("#view=data")
    for task, found in (("classification", "Confusion matrix"), ("regression", "Predicted and true values")):
        give(page, rows)
        page.get_by_test_id("csv-target").select_option("grade")
        page.get_by_label("How the target is read").select_option(task)
        page.get_by_test_id("csv-train").click()
        page.locator("[data-panel=prediction] summary", has_text=found).first.wait_for()
        page.get_by_role("button", name="Own data", exact=True).click()


def test_a_point_of_the_cost_curve_that_is_a_mean_of_steps_is_called_one(opened):
    page = opened(MOONS + "&view=watch")
    cost = page.locator("[data-panel=cost]")
    cost.get_by_text("each step’s own batch").wait_for()
    page.get_by_role("combobox", name="Speed").select_option("0")
    page.get_by_test_id("play").click()
    means = cost.get_by_text(re.compile(r"the mean of [\d\s]+ steps"))
    for seconds in (1, 2, 4, 8, 16):  # that the page is busy, until more costs wait for it than are sent one by one
        page.evaluate(BUSY, seconds)
        page.wait_for_timeout(1000)
        if means.count():
            break
    page.get_by_test_id("play").click()
    means.wait_for()


def test_the_page_names_the_kinds_of_files_that_it_reads(opened):
    page = opened("#view=data")
    page.get_by_role("heading", name="A CSV, Parquet or .npz file").wait_for()
    page.get_by_role("group", name="Drop a file here").wait_for()


def test_the_samples_behind_a_count_are_listed_and_can_be_followed(opened):
    page = opened("#v=1&data=digits&seed=3&t=30&view=watch")
    page.get_by_test_id("t").filter(has_text="30").wait_for()
    panel = page.locator("[data-panel=prediction]")
    box = panel.locator(".scroll").first
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")  # ten classes side by side
    cell = panel.locator("td button").first
    cell.focus()
    cell.press("Enter")
    samples = page.get_by_test_id("cell-samples").get_by_role("button")
    samples.first.wait_for()
    count = int(cell.inner_text())
    assert cell.get_attribute("aria-label").endswith(f": {count}")
    assert samples.count() == min(count, 100)
    number = int(re.search(r"sample (\d+)", samples.last.inner_text())[1])
    samples.last.click()
    page.wait_for_function(
        "n => document.querySelector('[data-testid=followed]').textContent === String(n)", arg=number
    )


def test_the_error_at_the_inputs_is_a_list_or_a_picture(opened):
    page = opened(MOONS + "&t=40&view=inspect")
    page.get_by_test_id("t").filter(has_text="40").wait_for()
    panel = page.locator("[data-panel=input-gradient]")
    panel.locator("[data-q='dx/0'][data-t='40']").wait_for()
    shown = {name: value for name, value, *_ in cells(page, "[data-panel=input-gradient]")}
    run = python_run(MOONS)
    run.go(40)
    trace = run.network.trace(run.x[:, :1], run.y[:, :1])
    wanted = np.asarray(trace["w1"]).T @ np.asarray(trace["delta1"])
    assert [shown["dx/0"], shown["dx/1"]] == pytest.approx(wanted[:, 0].tolist(), rel=1e-12)
    digits = opened("#v=1&data=digits&seed=3&t=3&view=inspect")
    picture = digits.locator("[data-panel=input-gradient] svg[role=img]")
    picture.wait_for()
    assert picture.get_attribute("aria-label").startswith("∂c/∂x of each pixel")
    assert picture.locator("[style*=negative]").count() and picture.locator("[style*=positive]").count()


def test_the_activation_and_its_slope_are_drawn_over_the_histogram_of_z(opened):
    page = opened(MOONS + "&t=40&view=watch")
    panel = page.locator("[data-panel=saturation]")
    layers = panel.locator("li")
    layers.first.wait_for()
    assert layers.count() == 3
    for i in range(3):
        for line in (".line.main", ".line.second"):
            drawn = layers.nth(i).locator(line).get_attribute("d")
            heights = [float(point.split()[1]) for point in re.split("[ML]", drawn)[1:]]
            assert len(heights) == 25
            assert min(heights) >= 0 and max(heights) <= 30
            if line == ".line.main":  # tanh and sigmoid rise: on the screen, y falls
                assert heights == sorted(heights, reverse=True) and heights[0] > heights[-1]
    assert panel.locator("p").first.inner_text().split() == ["f(z)", "f′(z)"]

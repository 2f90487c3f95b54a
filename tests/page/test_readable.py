"""What a newcomer reads: whole names, one name for one thing, scales with their values, where a branch left."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from glassnet.play.lesson_list import lessons

from .conftest import Server
from .reading import LESSON, MOONS, scrub, wait_for_step

pytestmark = pytest.mark.browser
TARGET = "price in thousand euros"
HEAD = ["living area in square metres", "sold on", "energy class of the building", TARGET]
ROWS = [
    [f"{40 + i % 37}", f"2020-{1 + i % 12:02d}-{1 + i % 28:02d}", "ABC"[i % 3], f"{100 + 7 * (i % 29)}"]
    for i in range(60)
]
CUT = """all => all.flatMap(one => {
  const drawing = one.closest('.network').getBoundingClientRect();
  const box = one.getBoundingClientRect();
  return box.left < drawing.left - 1 || box.right > drawing.right + 1 ? [one.textContent] : [];
})"""


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """A server with a table of long column names and a date."""
    path = tmp_path_factory.mktemp("houses") / "houses.csv"
    path.write_text("\n".join(map(",".join, [HEAD, *ROWS])))
    running = Server(str(path), "--target", TARGET)
    yield running.url
    running.close()


def screen(page: Any, name: str) -> None:
    page.get_by_role("navigation", name="Screens").get_by_role("button", name=name, exact=True).click()


def labels(page: Any) -> list[str]:
    """The names beside the inputs, their lines joined."""
    groups = page.locator(".network g.left").all()
    return [" ".join(group.locator("text:not(.value)").all_text_contents()) for group in groups]


def test_names_of_inputs_are_whole_or_keep_their_ends_and_screens_are_in_sight(opened, houses):
    page = opened(url=houses)
    page.locator("[data-testid=hash][data-hash]").wait_for()
    screen(page, "Watch")
    page.locator(".network g.left").first.wait_for()
    titles = page.locator(".network g.left title").all_text_contents()
    assert HEAD[0] in titles and labels(page) == titles
    for width in (390, 360):
        page.set_viewport_size({"width": width, "height": 740})
        page.wait_for_function("wide => document.querySelector('.network svg').clientWidth < wide", arg=width)
        assert page.locator(".network text").evaluate_all(CUT) == []
        drawn = labels(page)
        assert len(set(drawn)) == len(drawn)
        assert {label[-1] for label in drawn[-3:]} == {"A", "B", "C"}
        buttons = page.get_by_role("navigation", name="Screens").get_by_role("button").all()
        boxes = [button.bounding_box() for button in buttons]
        assert len(boxes) == 8
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_stage_has_one_name_in_its_list_and_its_heading(opened):
    page = opened(LESSON + "&view=step")
    page.locator("[data-stage]").first.wait_for()
    buttons = page.locator("[data-stage]").all()
    names = [button.inner_text() for button in buttons]
    assert len(set(names)) == len(names)
    assert "BP1 ∂c/∂a2" in names and "BP1 δ2" in names and "BP2 ∂c/∂a1" in names and "BP2 δ1" in names
    for button, name in zip(buttons, names, strict=True):
        button.click()
        page.locator(f"[data-stage-shown='{button.get_attribute('data-stage')}']").wait_for()
        assert page.locator("article h2").inner_text().startswith(name)


def test_lessons_count_neurons_from_0_as_the_page_does():
    for text in re.findall(r'"(?:text|hint)": "([^"]*)"', json.dumps(lessons(), ensure_ascii=False)):
        assert not re.search(r"(first|second) (hidden )?(neuron|one|weight)\b|Show BP[12]\.", text), text


def test_a_target_is_said_in_one_way(opened):
    page = opened(LESSON + "&view=step")
    page.get_by_test_id("target").filter(has_text="y = 1 (yes)").wait_for()
    assert page.locator(".network g.right text").first.text_content() == "y = 1 (yes)"
    page = opened(MOONS + "&view=watch")
    page.get_by_test_id("target").filter(has_text=re.compile(r"^y = [01]$")).wait_for()
    panel = page.locator("[data-panel=prediction]")
    assert [panel.locator(f"li:has([data-class='{i}'])").inner_text() for i in (0, 1)] == ["y = 0", "y = 1"]


def test_the_strip_of_the_flow_has_a_scale_steps_and_values(opened):
    page = opened(MOONS + "&view=watch")
    wait_for_step(page, 0)
    for t in range(1, 4):
        page.get_by_test_id("step-on").click()
        wait_for_step(page, t)
    strip = page.get_by_test_id("strip")
    assert re.search("10⁻.+ 1$", strip.locator(".scale").inner_text())
    assert strip.locator(".ends").inner_text().split("\n") == ["step 0", "3"]
    box = strip.locator("canvas").bounding_box()
    strip.locator("canvas").hover(position={"x": box["width"] - 2, "y": 2})
    value = strip.locator(".reading").filter(has_text="layer 1 at step 3: ").inner_text().split(": ")[1]
    size = page.locator("[data-panel=flow] [data-q='delta_size/1/3']").first.get_attribute("data-value")
    assert float(value.replace("·10", "e")) == pytest.approx(float(size), rel=5e-3)
    screen(page, "Export")
    screen(page, "Watch")
    assert strip.locator(".ends").inner_text().split("\n") == ["step 0", "3"]  # also after another screen


def test_the_branches_say_where_they_left_and_a_short_one_is_not_lost_beside_a_long_one(opened):
    page = opened(MOONS + "&t=900&view=watch", viewport={"width": 390, "height": 844})
    wait_for_step(page, 900)
    scrub(page, 20)
    page.get_by_test_id("lr").fill("0.05")
    page.get_by_test_id("lr").press("Enter")
    listed = page.get_by_test_id("branch-list").get_by_role("button")
    text = "lr 0.3 → 0.05, from step 20 of “first run” · to step 20, shown now"
    listed.nth(1).filter(has_text=text).wait_for()
    assert listed.nth(1).get_attribute("aria-current") == "true"
    assert listed.nth(0).inner_text() == "first run · to step 900"
    ticks = page.locator("[data-panel=cost] text.tick[text-anchor=middle]").all_text_contents()
    assert len(ticks) > 1 and max(map(int, ticks)) <= 40
    listed.nth(0).click()
    listed.nth(0).filter(has_text="shown now").wait_for()


def test_the_axis_of_a_date_has_dates_and_the_names_of_a_scrolled_table_stay(opened, houses):
    page = opened(url=houses, viewport={"width": 760, "height": 900})
    page.locator("[data-testid=hash][data-hash]").wait_for()
    screen(page, "Watch")
    for axis in (0, 1):
        page.get_by_test_id("slice").locator("select").nth(axis).select_option(label="sold on days")
        check_dates(page, axis)
    screen(page, "One step")
    check_names_of_a_scrolled_table(page)


def check_dates(page: Any, axis: int) -> None:
    side = f"text.tick[text-anchor={('middle', 'end')[axis]}]"
    page.locator(f".field {side}", has_text=re.compile(r"^20\d\d-\d\d-\d\d$")).first.wait_for()
    dates = [text for text in page.locator(f".field {side}").all_text_contents() if re.match(r"\d{4}-", text)]
    assert len(dates) == 3 and dates in (sorted(dates), sorted(dates, reverse=True))
    assert all("2019-11" <= date <= "2021-02" for date in dates)
    name = f"{'→' if axis == 0 else '↑'}"
    assert page.locator(".field text.tick", has_text=name).text_content().strip("→↑ ") == "sold on"
    outside = page.locator(".field text").evaluate_all(CUT.replace(".network", ".field"))
    assert outside == []


def test_a_spelled_sum_says_that_its_numbers_are_rounded(opened):
    page = opened(MOONS + "&view=step&s=forward.2")
    page.locator("[data-stage-shown='forward.2']").wait_for()
    page.locator("[data-table=z2] [data-q]").first.hover()
    page.get_by_test_id("spelled").filter(has_text="shown rounded").wait_for()


def check_names_of_a_scrolled_table(page: Any) -> None:
    page.locator("[data-stage='forward.1']").click()
    table = page.locator("[data-table=w1]")
    table.wait_for()
    table.evaluate("one => one.parentElement.scrollTo(160, 60)")
    boxes = table.evaluate("""one => {
      const frame = one.parentElement.getBoundingClientRect();
      const at = box => [Math.round(box.left - frame.left), Math.round(box.top - frame.top)];
      return { corner: at(one.querySelector('thead td').getBoundingClientRect()),
               column: at(one.querySelector('thead th').getBoundingClientRect())[1],
               rows: [...one.querySelectorAll('tbody th')].map(cell => at(cell.getBoundingClientRect())) };
    }""")
    lefts = {left for left, _ in boxes["rows"]}
    tops = [top for _, top in boxes["rows"]]
    assert max(lefts) <= 3 and boxes["column"] <= 3 and max(boxes["corner"]) <= 3
    assert all(after > before for before, after in itertools.pairwise(tops))  # not one upon the other


def test_the_sources_change_no_object_in_a_state_in_place():
    """The build leaves out Svelte's proxies, without which such a change would not be seen."""
    for path in (Path(__file__).resolve().parents[2] / "web/src").rglob("*"):
        if path.suffix in (".svelte", ".ts"):
            assert not re.search(r"\$state(<[^(]*>)?\(\s*[\[{]", path.read_text()), path

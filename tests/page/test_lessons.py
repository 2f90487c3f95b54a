"""The lessons in the page: cards are ticked by what was seen and done, and what they speak of can be seen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from glassnet.play.lesson_list import lessons

from .reading import cells, python_run, show_stage, wait_for_stage, wait_for_step

pytestmark = pytest.mark.browser
LINKS = {lesson["key"]: lesson["link"] for lesson in lessons()}
DONE = "() => document.querySelector('[data-testid=check]').dataset.done === 'true'"


def open_lesson(opened, number: int):
    page = opened()
    page.get_by_test_id(f"lesson-{number}").click()
    page.get_by_role("region", name=re.compile(f"^Lesson {number}:")).wait_for()
    return page


def next_card(page) -> None:
    page.wait_for_function(DONE)
    page.get_by_test_id("next-card").click()


def set_from_start(page) -> None:
    page.get_by_test_id("from-start").check()


def test_the_first_lesson_from_the_first_card_to_the_last(opened):
    page = open_lesson(opened, 1)
    wait_for_stage(page, "batch")
    for stage in ("forward.1", "forward.1.a", "cost", "bp1", "bp4.1"):
        assert page.get_by_test_id("check").get_attribute("data-done") == "false"
        show_stage(page, stage)
        next_card(page)
    assert page.get_by_test_id("check").get_attribute("data-done") == "false"
    page.get_by_test_id("step-on").click()
    next_card(page)
    page.get_by_role("combobox", name="Speed").select_option("0")
    page.get_by_test_id("play").click()
    page.wait_for_function(DONE)
    page.get_by_test_id("play").click()
    page.get_by_test_id("next-lesson").click()
    page.get_by_role("region", name=re.compile("^Lesson 2:")).wait_for()


def test_an_experiment_and_an_exercise_tick_their_cards(opened):
    page = open_lesson(opened, 2)
    wait_for_stage(page, "batch")
    page.get_by_role("button", name="Card 3").click()
    assert page.get_by_test_id("check").get_attribute("data-done") == "false"
    show_stage(page, "forward.1")
    page.locator("[data-testid=terms] [data-q^='z/1/0']").first.click()
    page.locator("[data-nudge]").click()
    page.wait_for_function(DONE)
    page.get_by_role("button", name="Card 6").click()
    show_stage(page, "bp2.1.gate")
    page.get_by_test_id("exercise").click()
    form = page.get_by_test_id("exercise-form")
    for field, value in zip(form.get_by_role("textbox").all(), ("-0.02668", "0.001163"), strict=True):
        field.fill(value)
    form.get_by_role("button", name=re.compile("check", re.IGNORECASE)).first.click()
    page.wait_for_function(DONE)


def test_the_vanishing_error_is_shown_in_scientific_notation_and_relu_lifts_it(opened):
    page = open_lesson(opened, 5)
    page.locator("[data-panel=flow] [data-q='delta_size/11/3']").first.wait_for(state="attached")
    page.locator("[data-panel=flow] summary").click()

    def sizes() -> dict[str, tuple[float, str]]:
        rows = cells(page, "[data-panel=flow] table")
        return {name: (value, text) for name, value, _, text in rows}

    first = sizes()["delta_size/1/3"]
    last = sizes()["delta_size/11/3"]
    assert first[0] < 1e-6 < last[0]
    assert re.search(r"\u00b710\u207b", first[1])
    trace = python_run("#" + page.evaluate("location.hash")[1:]).network
    assert len(trace.weights) == 11
    heights = page.locator("[data-panel=flow] line.middle[data-q$='/3']").evaluate_all(
        "all => all.filter(one => one.dataset.q.startsWith('delta')).map(one => Number(one.getAttribute('y1')))"
    )
    assert heights == sorted(heights, reverse=True)
    page.locator("[data-panel=flow] g[role=button]").first.click()
    page.wait_for_function(DONE)
    page.get_by_role("button", name="Card 4").click()
    page.get_by_test_id("act").select_option("relu")
    page.wait_for_function(DONE)
    page.wait_for_function(
        "() => Number(document.querySelector(\"[data-panel=flow] [data-q='delta_size/1/3']\").dataset.value) > 1e-4"
    )


def test_the_saturated_neuron_has_a_lock_and_cross_entropy_opens_it_in_compare(opened):
    page = open_lesson(opened, 4)
    wait_for_stage(page, "batch")
    name = page.locator("[data-neuron]").last.get_attribute("aria-label")
    assert "gate 0.009853" in name and "saturated" in name
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_test_id("compare-open").click()
    page.get_by_test_id("side-B").wait_for()
    page.get_by_test_id("compare-fifty").click()
    for side in "AB":
        page.wait_for_function(f"() => document.querySelector('[data-testid=step-{side}]').textContent === '50'")

    def answer(side: str) -> float:
        return next(value for name, value, *_ in cells(page, f"[data-testid=side-{side}]") if name == "cost")

    quadratic, entropy = answer("A"), answer("B")
    assert quadratic > 0.48  # from 0.4901: nearly flat
    assert entropy < 0.03  # from 4.610
    page.get_by_role("button", name="Card 6").click()
    page.get_by_test_id("compare-open").click()
    page.get_by_test_id("compare-fifty").click()
    page.wait_for_function(DONE)


def test_twin_neurons_have_the_same_error_and_the_card_says_why(opened):
    page = open_lesson(opened, 7)
    page.get_by_role("button", name="Card 3").click()
    for t in range(1, 11):
        page.get_by_test_id("step-on").click()
        wait_for_step(page, t)
    page.wait_for_function(DONE)
    show_stage(page, "bp2.1.gate")
    rows: dict[str, list[float]] = {}
    for name, value, *_ in cells(page):
        if name.startswith("delta/1/"):
            rows.setdefault(name.split("/")[2], []).append(value)
    assert len(rows) == 3
    assert rows["0"] == rows["1"] == rows["2"] and any(rows["0"])
    assert "twins" in page.get_by_test_id("card").inner_text()


def test_a_rate_of_100_in_its_lesson_stops_and_ticks_the_card(opened):
    page = open_lesson(opened, 8)
    page.get_by_role("button", name="Card 4").click()
    rate = page.get_by_test_id("lr")
    rate.fill("100")
    rate.press("Enter")
    page.wait_for_function(DONE)
    page.get_by_test_id("next-card").click()
    page.get_by_role("combobox", name="Speed").select_option("0")
    page.get_by_test_id("play").click()
    page.locator("[data-testid=notice][data-kind=diverged]").wait_for()
    page.wait_for_function(DONE)


def test_the_start_screen_leaves_a_lesson_alone_and_the_next_lesson_begins_unticked(opened):
    page = open_lesson(opened, 1)
    wait_for_stage(page, "batch")
    page.get_by_role("button", name="Card 6").click()
    page.get_by_test_id("step-on").click()
    page.wait_for_function(DONE)
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("It stands still").wait_for()
    page.wait_for_timeout(300)
    assert page.get_by_test_id("t").inner_text() == "1"
    page.get_by_test_id("lesson-3").click()
    wait_for_stage(page, "batch")
    assert page.get_by_role("button", name="Card 6").get_attribute("aria-label") == "Card 6"  # and not "Card 6, done"
    assert page.get_by_role("button", name="Card 1", exact=False).first.get_attribute("aria-current") == "step"


@pytest.mark.parametrize("number", range(1, 10))
def test_no_first_card_ticks_itself(opened, number):
    page = open_lesson(opened, number)
    wait_for_step(page, 0)
    if page.locator(".glassnet").get_attribute("data-view") == "step":
        wait_for_stage(page, "batch")
    page.wait_for_timeout(300)
    assert page.get_by_test_id("check").get_attribute("data-done") == "false"


def test_a_link_to_a_later_card_leaves_it_open_and_the_ticks_outlast_other_screens(opened):
    link = f"#{LINKS['neuron']}&t=3&card=5"
    page = opened(link)
    wait_for_step(page, 3)
    page.wait_for_timeout(300)
    assert page.get_by_role("button", name="Card 6").get_attribute("aria-current") == "step"
    assert page.get_by_test_id("check").get_attribute("data-done") == "false"
    page.get_by_test_id("step-on").click()
    page.wait_for_function(DONE)
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("heading", name="Take it with you").wait_for()
    page.get_by_role("button", name="One step", exact=True).click()
    page.wait_for_function(DONE)


def test_back_goes_to_the_screen_before_and_keeps_the_run(opened):
    page = opened("#v=1&data=moons&shape=2-4-1&view=watch")
    page.get_by_test_id("step-on").click()
    wait_for_step(page, 1)
    page.set_viewport_size({"width": 390, "height": 700})
    page.evaluate("scrollTo(0, 600)")
    page.get_by_role("button", name="One step", exact=True).click()
    page.get_by_test_id("one-step").wait_for()
    assert page.evaluate("scrollY") == 0
    state = page.get_by_test_id("hash").get_attribute("data-hash")
    page.wait_for_function("() => location.hash.includes('view=step')")
    page.go_back()
    page.wait_for_function("() => document.querySelector('.glassnet').dataset.view === 'watch'")
    assert page.get_by_test_id("hash").get_attribute("data-hash") == state
    page.go_forward()
    page.get_by_test_id("one-step").wait_for()


def test_a_card_that_asks_for_a_nudge_brings_it_onto_the_screen(opened):
    page = open_lesson(opened, 2)
    wait_for_stage(page, "batch")
    page.get_by_test_id("next-card").click()
    move = page.get_by_role("button", name="Move it by h")
    page.get_by_role("button", name="Show it").click()
    expect(move).to_be_focused()
    expect(move).to_be_in_viewport()
    page.evaluate("window.scrollTo(0, 0)")
    page.locator("[data-neuron='2/0']").click()  # as the card says
    expect(move).to_be_in_viewport()
    move.click()
    page.wait_for_function(DONE)
    costs = {name: page.locator(f"[data-q='nudge.{name}']").inner_text() for name in ("down", "up")}
    slope = page.locator("[data-q='nudge.slope']").inner_text().replace("\N{MINUS SIGN}", "-")
    assert (float(costs["up"]) - float(costs["down"])) / 2e-5 == pytest.approx(float(slope), rel=1e-7)

"""The settings of Watch, the page without a mouse, colours without their hue, two tabs, and what is taken along."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from .reading import LESSON, MOONS, cells, hash_of, python_run, step_of, wait_for_stage, wait_for_step

pytestmark = pytest.mark.browser
HASH = "hash => document.querySelector('[data-testid=hash]').dataset.hash === hash"
FOCUS = """() => {
    const one = document.activeElement, style = getComputedStyle(one);
    const drawn = [one, ...one.querySelectorAll('*')].some(part => getComputedStyle(part).outlineStyle !== 'none'
        || (part !== one && getComputedStyle(part).stroke !== 'none'));
    const name = one.dataset.testid ?? one.getAttribute('aria-label') ?? one.textContent.trim().slice(0, 30);
    return one === document.body ? '' : (drawn ? 'seen ' : 'lost ') + name;
}"""


def tab_to(page: Any, wanted: str, most: int = 60) -> None:
    """Press Tab until `wanted` has the focus; on the way every focus can be seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        where = page.evaluate(FOCUS)
        assert not where.startswith("lost"), where
        if re.fullmatch(f"seen {wanted}", where):
            return
    raise AssertionError(f"{wanted} was not reached; the focus is on {where!r}")


def drawn_neurons(page: Any) -> int:
    return page.locator("[data-neuron]").count()


def test_plus_and_minus_change_layers_and_neurons(opened):
    page = opened(MOONS + "&view=watch")
    wait_for_step(page, 0)
    assert drawn_neurons(page) == 19
    page.get_by_test_id("layer-plus").click()
    page.wait_for_function("() => document.querySelectorAll('[data-neuron]').length === 27")
    page.get_by_test_id("neuron-minus-3").click()
    page.wait_for_function("() => document.querySelectorAll('[data-neuron]').length === 26")
    page.get_by_test_id("layer-minus").click()
    page.wait_for_function("() => document.querySelectorAll('[data-neuron]').length === 19")
    page.wait_for_function(HASH, arg=python_run(MOONS).hash)


def test_a_new_data_set_brings_its_inputs_and_its_picture(opened):
    page = opened(MOONS + "&view=watch")
    wait_for_step(page, 0)
    page.get_by_test_id("data").select_option("curve")
    page.get_by_role("img", name=re.compile("over x, with 100 samples")).wait_for()
    page.locator("[data-panel=prediction]").filter(has_text="R²").wait_for()


def test_an_activation_changes_from_this_step_on_or_from_the_start(opened):
    page = opened(MOONS + "&t=30&view=watch")
    wait_for_step(page, 30)
    page.get_by_test_id("act").select_option("relu")
    page.get_by_test_id("branches").wait_for()
    assert step_of(page) == 30
    expect(page.locator("[data-panel=cost] figure path.faint")).to_have_count(1)
    page.get_by_test_id("from-start").check()
    page.get_by_test_id("act").select_option("sigmoid")
    wait_for_step(page, 0)
    run = python_run(MOONS.replace("tanh-tanh-sigmoid", "sigmoid-sigmoid-sigmoid"))
    page.wait_for_function(HASH, arg=run.hash)


def test_what_cannot_be_a_setting_is_refused_in_place(opened):
    page = opened(MOONS + "&view=watch")
    wait_for_step(page, 0)
    before = hash_of(page)
    for text in ("0", "-3", "much", "1e9"):
        page.get_by_test_id("lr").fill(text)
        page.get_by_test_id("lr").press("Enter")
        expect(page.get_by_role("alert").filter(has_text="rate"), text).to_have_count(1)
    assert hash_of(page) == before


def test_everything_by_keyboard_from_the_start_to_a_shared_link(opened):
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_test_id("lesson-3").wait_for()
    tab_to(page, "lesson-3")
    page.keyboard.press("Enter")
    wait_for_stage(page, "batch")
    page.evaluate("document.activeElement.blur()")
    stages = page.locator("[data-stage]").evaluate_all("all => all.map(one => one.dataset.stage)")
    for stage in stages[1:]:
        page.keyboard.press("ArrowRight")
        wait_for_stage(page, stage)
    tab_to(page, "input 0 .*")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.activeElement.dataset.neuron?.startsWith('1/')")
    page.keyboard.press("Enter")
    page.keyboard.press("n")
    page.wait_for_function("() => document.activeElement.matches('button[data-nudge]')")
    page.keyboard.press("Enter")
    page.get_by_test_id("nudge-sentence").wait_for()
    page.keyboard.press("e")
    page.get_by_test_id("link").wait_for()
    page.evaluate("document.activeElement.blur()")
    tab_to(page, "copy-link")
    page.keyboard.press("Enter")
    page.get_by_text("Copied.").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith("#v=1&") and "data=one" in link and "token" not in link


def test_single_keys_can_be_switched_off(opened):
    page = opened(LESSON + "&view=watch")
    wait_for_step(page, 0)
    page.keyboard.press("i")
    page.get_by_role("heading", name="One number through time").wait_for()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Help").get_by_role("checkbox").uncheck()
    page.get_by_role("searchbox").fill("dead")
    assert page.get_by_role("dialog", name="Help").locator("dl > div").count() >= 1
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.wait_for_timeout(200)
    assert page.get_by_role("heading", name="One number through time").is_visible()


def rgb(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in re.findall(r"[\d.]+", text)[:3])


def test_signs_differ_without_their_hue_and_in_forced_colours(opened):
    page = opened(MOONS + "&view=watch")
    wait_for_step(page, 0)
    # two classes, trained on and held out
    expect(page.locator("[data-panel=prediction] path.samples")).to_have_count(4)
    edges = page.locator(".edges line").evaluate_all(
        "all => all.map(one => [Number(one.dataset.value), getComputedStyle(one).strokeDasharray])"
    )
    assert {dash == "none" for value, dash in edges if value > 0} == {True}
    assert {dash == "none" for value, dash in edges if value < 0} == {False}
    samples = page.locator("[data-panel=prediction] path.samples").evaluate_all(
        "all => all.map(one => one.getAttribute('d').slice(0, 400))"
    )
    assert len({"a" in path for path in samples}) == 2  # circles have arcs, squares have none
    session = page.context.new_cdp_session(page)
    for deficiency in ("deuteranopia", "protanopia", "tritanopia", "achromatopsia"):
        session.send("Emulation.setEmulatedVisionDeficiency", {"type": deficiency})
        positive, negative = (pixel_of(page, f"[data-panel=prediction] svg[data-class='{i}']") for i in (1, 0))
        assert sum((a - b) ** 2 for a, b in zip(positive, negative, strict=True)) ** 0.5 > 40, deficiency
    session.send("Emulation.setEmulatedVisionDeficiency", {"type": "none"})
    page.emulate_media(forced_colors="active")
    dashes = page.locator(".edges line").evaluate_all(
        "all => new Set(all.map(one => getComputedStyle(one).strokeDasharray)).size"
    )
    assert dashes == 2


def pixel_of(page: Any, selector: str) -> tuple[int, ...]:
    """The colour in the middle of an element, as it is painted."""
    from io import BytesIO

    from PIL import Image

    picture = Image.open(BytesIO(page.locator(selector).first.screenshot())).convert("RGB")
    return picture.getpixel((picture.width // 2, picture.height // 2))


def test_two_tabs_are_two_runs(opened):
    first, second = opened(MOONS + "&view=watch"), opened(LESSON + "&view=watch")
    wait_for_step(first, 0)
    wait_for_step(second, 0)
    first.get_by_test_id("step-on").click()
    wait_for_step(first, 1)
    assert step_of(second) == 0
    second.close()
    first.get_by_test_id("step-on").click()
    wait_for_step(first, 2)
    assert first.locator("[data-testid=connection]", has_text="live").count() == 1


def test_one_number_through_time_is_that_of_python(opened):
    page = opened(MOONS + "&t=12&view=inspect&sel=w1.3.1")
    wait_for_step(page, 12)
    page.locator("[data-panel=series]").wait_for()
    page.locator("[data-panel=series] summary").click()
    page.locator('[data-panel=series] table [data-q="w/1/3/1"]').first.wait_for()
    shown = {t: value for name, value, t, _ in cells(page, "[data-panel=series] table") if name == "w/1/3/1"}
    assert set(shown) >= {0, 12}
    run = python_run(MOONS)
    for t, value in shown.items():
        run.go(t)
        assert value == run.network.weights[0][3, 1]


@pytest.mark.parametrize(("button", "name"), [("save-report", "run.html"), ("save-model", "")])
def test_a_file_is_taken_along(opened, button, name, tmp_path):
    page = opened(MOONS + "&t=5&view=export")
    wait_for_step(page, 5)
    with page.expect_download() as download:
        page.get_by_test_id(button).click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    if name:
        assert path.name == name and b"__glassnet" in path.read_bytes()
    else:
        import glassnet

        run = python_run(MOONS)
        run.go(5)
        assert (glassnet.load(path).weights[0] == run.network.weights[0]).all()

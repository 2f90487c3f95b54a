"""By keyboard alone, by a screen reader, without colours, on a small screen, and without motion for who wants none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .reading import LESSON, MOONS, hash_of, wait_for_stage, wait_for_step

pytestmark = pytest.mark.browser
SCREENS = ("start", "watch", "step", "inspect", "compare", "data", "digits", "export")
SERIOUS = """async () => {
  const result = await axe.run(document, { resultTypes: ['violations'] });
  return result.violations.filter(one => ['serious', 'critical'].includes(one.impact))
    .map(one => `${one.id}: ` + one.nodes.map(node => `${node.target} ${node.failureSummary}`).join('; '));
}"""
FOCUS = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const drawn = style.outlineStyle !== 'none' || element.closest('svg, [tabindex="-1"]') !== null;
  return { name: element.getAttribute('aria-label') ?? element.textContent, seen: box.width > 0 && drawn };
}"""


@pytest.fixture
def axe(web_packages: Path) -> str:
    """The checker's source."""
    return (web_packages / "axe-core/axe.min.js").read_text()


@pytest.mark.node
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_screen_has_a_serious_violation(opened, axe, scheme):
    page = opened(MOONS + "&t=5&view=watch", color_scheme=scheme, reduced_motion="reduce")
    wait_for_step(page, 5)
    page.evaluate(axe)
    found = []
    for view in SCREENS:
        page.locator(f"nav button:nth-child({SCREENS.index(view) + 1})").first.click()
        page.wait_for_timeout(400)
        found += [f"{view}: {text}" for text in page.evaluate(SERIOUS)]
    assert not found, "\n".join(found)


def test_a_neuron_is_named_with_layer_activation_delta_and_gate(opened):
    page = opened(LESSON + "&view=watch")
    wait_for_step(page, 0)
    names = [cell.get_attribute("aria-label") for cell in page.get_by_role("gridcell").all()]
    assert "layer 1 neuron 1, activation 0.9933, delta 0.001163, gate 0.006648, saturated" in names
    assert page.locator("[data-lock='1/1']").count() == 1
    assert page.locator("[data-lock='1/0']").count() == 0


def press_until(page: Any, key: str, reached: str, most: int = 80) -> None:
    """Press a key until the focused element matches; every element on the way shows its focus."""
    for _ in range(most):
        page.keyboard.press(key)
        focus = page.evaluate(FOCUS)
        assert focus["seen"], focus
        if page.evaluate("selector => document.activeElement.matches(selector)", reached):
            return
    raise AssertionError(f"{reached} was not reached")


def test_lesson_walk_and_nudge_by_keyboard_alone(opened):
    page = opened()
    page.locator("[data-testid=hash][data-hash]").wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.textContent.includes('How the error is shared out')"):
            break
    page.keyboard.press("Enter")
    wait_for_stage(page, "batch")
    page.evaluate("() => document.activeElement.blur()")
    stages = page.locator("[data-stage]").evaluate_all("all => all.map(one => one.dataset.stage)")
    for stage in stages[1 : stages.index("update.b2") + 1]:
        page.keyboard.press("ArrowRight")
        wait_for_stage(page, stage)
    page.keyboard.press("/")
    page.wait_for_function("() => document.activeElement.id === 'finder'")
    page.keyboard.type("w1[1,0]")
    page.keyboard.press("Enter")
    page.keyboard.press("n")
    page.wait_for_function("() => document.activeElement.hasAttribute('data-nudge')")
    page.keyboard.press("Enter")
    page.get_by_test_id("nudge-sentence").wait_for()
    press_until(page, "Tab", "footer button")
    assert "sel=w1.1.0" in page.evaluate("location.hash")


def test_arrow_keys_move_in_the_network_and_single_keys_can_be_switched_off(opened):
    page = opened(MOONS + "&view=watch")
    wait_for_step(page, 0)
    page.locator("[data-neuron][tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => document.activeElement.dataset.neuron === '1/1'")
    page.keyboard.press("Enter")
    assert "z1[1]" in page.get_by_test_id("picked").inner_text()
    page.keyboard.press("2")
    page.locator(".edges line[data-q^='dw/']").first.wait_for(state="attached")
    page.keyboard.press("?")
    page.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.wait_for_timeout(200)
    assert page.locator(".edges line[data-q^='w/']").count() == 0


@pytest.mark.parametrize("deficiency", ["none", "deuteranopia", "protanopia", "tritanopia"])
def test_signs_differ_in_colour_and_dash(opened, deficiency):
    from io import BytesIO

    from PIL import Image

    page = opened(MOONS + "&view=watch")
    wait_for_step(page, 0)
    page.context.new_cdp_session(page).send("Emulation.setEmulatedVisionDeficiency", {"type": deficiency})
    image = Image.open(BytesIO(page.locator("svg.pair").screenshot())).convert("RGB")
    negative, positive = image.getpixel((4, 7)), image.getpixel((46, 7))
    assert sum((a - b) ** 2 for a, b in zip(negative, positive, strict=True)) ** 0.5 > 90
    dashes = [
        page.locator(f"[data-legend={sign}]").evaluate("one => getComputedStyle(one).strokeDasharray")
        for sign in ("negative", "positive")
    ]
    assert dashes[0] != "none" and dashes[1] == "none"
    lines = page.locator(".edges line").evaluate_all(
        "all => all.map(one => [Number(one.dataset.value) < 0, one.getAttribute('stroke-dasharray') !== 'none'])"
    )
    assert lines and all(below == dashed for below, dashed in lines)


def test_forced_colors_still_show_the_sign(opened):
    page = opened(MOONS + "&view=watch", forced_colors="active")
    wait_for_step(page, 0)
    lines = page.locator(".edges line").evaluate_all(
        "all => all.map(one => [Number(one.dataset.value) < 0, one.getAttribute('stroke-dasharray') !== 'none'])"
    )
    assert {below for below, _ in lines} == {True, False}
    assert all(below == dashed for below, dashed in lines)


def test_reduced_motion_has_no_animation_and_numbered_arrows(opened):
    page = opened(LESSON + "&view=step&s=bp2.1.arrives", reduced_motion="reduce")
    wait_for_stage(page, "bp2.1.arrives")
    assert (
        page.evaluate(
            "() => document.getAnimations().filter(one => one.effect.getComputedTiming().duration > 0).length"
        )
        == 0
    )
    assert page.locator("svg.marks text").text_content() == "stage 9"


def test_motion_shows_the_direction_otherwise(opened):
    page = opened(LESSON + "&view=step&s=bp2.1.arrives")
    wait_for_stage(page, "bp2.1.arrives")
    assert page.evaluate("() => document.getAnimations().length") > 0


@pytest.mark.parametrize("view", ["watch", "step"])
def test_360_pixels_are_enough(opened, view):
    page = opened(MOONS + f"&t=3&view={view}&s=bp4.1", viewport={"width": 360, "height": 740})
    wait_for_step(page, 3)
    page.wait_for_timeout(500)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    small = page.locator("button:visible, select:visible, input:visible").evaluate_all(
        "all => all.filter(one => Math.min(one.offsetWidth, one.offsetHeight) < 17.5).map(one => one.outerHTML)"
    )
    assert not small
    before = hash_of(page)
    page.get_by_test_id("step-on").click()
    wait_for_step(page, 4)
    assert hash_of(page) != before
    assert re.fullmatch(r"[0-9a-f]{64}", before)

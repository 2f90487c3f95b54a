"""What the page shows, read back as numbers; every shown number of the engine carries all of its digits."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

import glassnet

WAIT = 60_000  # ms; only a page that never answers fails, not a slow machine
expect.set_options(timeout=WAIT)

LESSON = (
    "#v=1&data=one&n=1&noise=0&test=0&shape=2-2-1&act=sigmoid-sigmoid&cost=quadratic&opt=sgd&lr=0.1&batch=1&init=auto"
    "&seed=1&w=0.5,-0.4,3,1,0.1,2,0.8,-1.2,0.2"
)
MOONS = (
    "#v=1&data=moons&n=200&noise=0.1&test=0.2&shape=2-8-8-1&act=tanh-tanh-sigmoid"
    "&cost=binary_cross_entropy&opt=sgd&lr=0.3&batch=10&init=auto&seed=7"
)
QUANTITY = re.compile(r"^(w|b|z|a|delta|dw|db)/(\d+)/(\d+)(?:/(\d+))?$")

CELLS = "cells => cells.map(cell => [cell.dataset.q, cell.dataset.value, cell.dataset.t, cell.textContent.trim()])"


def python_run(fragment: str) -> Any:
    """The run of a link, without the keys that are the page's own."""
    own = ("view=", "s=", "ex=", "sel=", "card=", "edges=")
    return glassnet.from_link("#" + "&".join(part for part in fragment[1:].split("&") if not part.startswith(own)))


def cells(page: Any, selector: str = "[data-testid=terms]") -> list[tuple[str, float, int, str]]:
    """Name, value, step and text of every number inside `selector`."""
    found = page.locator(f"{selector} [data-q]").evaluate_all(CELLS)
    return [(name, float(value), int(t), text) for name, value, t, text in found]


def step_of(page: Any) -> int:
    return int(re.sub(r"\D", "", page.get_by_test_id("t").inner_text()))


def hash_of(page: Any) -> str:
    return page.get_by_test_id("hash").get_attribute("data-hash")


AT_STEP = """t => document.querySelector('.glassnet[data-view]')
    && document.querySelector('[data-testid=t]')?.textContent.replace(/\\D/g, '') === String(t)"""


def wait_for_step(page: Any, t: int) -> None:
    """Until the page shows a step, and no longer opens the place of a link."""
    page.wait_for_function(AT_STEP, arg=t)


def wait_for_stage(page: Any, key: str) -> None:
    page.locator(f"[data-stage-shown='{key}']").wait_for()


def show_stage(page: Any, key: str) -> None:
    page.locator(f"[data-stage='{key}']").click()
    wait_for_stage(page, key)


def scrub(page: Any, t: int) -> None:
    """Move the slider to a step, as a drag does."""
    page.wait_for_function(
        "t => Number(document.querySelector('[type=range][aria-label=\"Training step\"]').max) >= t", arg=t
    )
    page.get_by_label("Training step").evaluate(
        "(slider, t) => { slider.value = t; slider.dispatchEvent(new Event('input', { bubbles: true })); }", t
    )
    wait_for_step(page, t)

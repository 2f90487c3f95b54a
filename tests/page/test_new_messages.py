"""What the page says beside its frames: a long way to a step, how a target is read, samples behind a count, ∂c/∂x."""

from __future__ import annotations

import re

import pytest

from .reading import MOONS

pytestmark = pytest.mark.browser


def test_a_long_way_to_a_step_is_said_until_it_is_there(opened):
    page = opened(MOONS + "&t=600000&view=watch")
    said = page.get_by_test_id("progress")
    said.filter(has_text=re.compile(r"Running [\d,]+ steps to step 600,000: at step [\d,]+\.")).wait_for()
    assert said.get_attribute("aria-live") == "polite"
    page.get_by_test_id("t").filter(has_text=re.compile(r"600\D000")).wait_for()
    page.wait_for_function("() => document.querySelector('[data-testid=progress]').textContent === ''")

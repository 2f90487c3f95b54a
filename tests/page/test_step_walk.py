"""One step: every number of the walk is that of a trace in Python, bit by bit, and what is asked about it adds up."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from .reading import LESSON, MOONS, QUANTITY, cells, python_run, show_stage, wait_for_stage

pytestmark = pytest.mark.browser

STAGES = [
    *("batch", "forward.1", "forward.1.a", "forward.2", "forward.2.a", "cost", "bp1.cost", "bp1", "bp2.1.arrives"),
    *("bp2.1.gate", "bp3.2", "bp3.1", "bp4.2", "bp4.1", "update.w1", "update.b1", "update.w2", "update.b2"),
]
SOFTMAX = (
    "#v=1&data=clusters&n=60&noise=0.2&test=0&shape=2-5-3"
    "&act=tanh-softmax&cost=categorical_cross_entropy&opt=sgd&lr=0.1&batch=1&seed=3"
)


def keys_of(page: Any) -> list[str]:
    return page.locator("[data-stage]").evaluate_all("all => all.map(one => one.dataset.stage)")


def compare_with_trace(page: Any, trace: Any, chosen: slice | int) -> int:
    """Compare every cell of the shown stage that a trace has; return how many there were."""
    compared = 0
    for name, value, _, _ in cells(page):
        if match := QUANTITY.match(name):
            stem, layer, row, column = match[1], match[2], int(match[3]), int(match[4] or 0)
            if stem in ("w", "b", "z", "a", "delta", "dw", "db"):
                values = trace[f"{stem}{layer}"]
                assert value == values[row, column], name
                compared += 1
    return compared


def test_every_stage_in_order_has_the_numbers_of_a_trace(opened):
    page = opened(LESSON + "&view=step")
    wait_for_stage(page, "batch")
    assert keys_of(page) == STAGES
    run = python_run(LESSON)
    trace = run.network.trace(run.x, run.y)
    compared = 0
    for key in STAGES:
        wait_for_stage(page, key)
        assert page.get_by_test_id("sentence").inner_text()
        compared += compare_with_trace(page, trace, 0)
        page.get_by_test_id("next-stage").click()
    assert compared > 60
    wait_for_stage(page, "batch")
    assert "step 1" in page.get_by_test_id("stage-count").inner_text()


def test_shares_of_the_error_add_up_and_pass_the_gate(opened):
    page = opened(MOONS + "&view=step&s=bp2.1.arrives")
    wait_for_stage(page, "bp2.1.arrives")
    result = page.locator("[data-testid=terms] figure").last
    result.locator("td[data-q]").nth(2).click()
    page.get_by_test_id("spelled").wait_for()
    products = [
        float(text)
        for text in page.locator("[data-share] .product [data-value]").evaluate_all(
            "all => all.map(one => one.dataset.value)"
        )
    ]
    shown = float(page.locator("[data-testid=sum] [data-value]").get_attribute("data-value"))
    arrived = float(result.locator("td[data-q]").nth(2).get_attribute("data-value"))
    assert len(products) == 8
    assert abs(products[0]) == max(map(abs, products))
    assert np.isclose(sum(products), shown, rtol=1e-12)
    assert shown == pytest.approx(arrived, rel=1e-12)
    page.get_by_test_id("next-stage").click()
    wait_for_stage(page, "bp2.1.gate")
    tables = page.locator("[data-testid=terms] figure")
    error, gate, delta = (
        float(tables.nth(i).locator("td[data-q]").nth(2).get_attribute("data-value")) for i in range(3)
    )
    assert error == arrived
    assert delta == pytest.approx(error * gate, rel=1e-14)


def test_softmax_shows_the_jacobian_and_never_an_elementwise_product(opened):
    page = opened(SOFTMAX + "&view=step")
    wait_for_stage(page, "batch")
    keys = keys_of(page)
    assert "bp1.jacobian" in keys
    show_stage(page, "bp1")
    assert "⊙" not in page.locator("article").inner_text()
    shortcut = [value for name, value, _, _ in cells(page) if name.startswith("delta/2")]
    show_stage(page, "bp1.jacobian")
    text = page.locator("article").inner_text()
    assert "⊙" not in text
    jacobian = page.locator("table[data-table^=jacobian] td[data-q]")
    assert jacobian.count() == 9
    long_way = [value for name, value, _, _ in cells(page)][-3:]
    assert np.allclose(long_way, shortcut, rtol=1e-12, atol=1e-15)


def test_the_mean_is_the_mean_of_the_tables_of_the_samples(opened):
    link = MOONS.replace("batch=10", "batch=4") + "&view=step&s=bp4.1"
    page = opened(link)
    wait_for_stage(page, "bp4.1")
    page.get_by_test_id("each-sample").click()
    page.locator("[data-sample='3'] td[data-q]").first.wait_for()

    def table(selector: str) -> np.ndarray:
        return np.array([value for _, value, _, _ in cells(page, selector)])

    means = table("[data-testid=mean-table]")
    samples = [table(f"[data-sample='{k}']") for k in range(4)]
    assert means.shape == (16,)
    assert np.allclose(np.mean(samples, axis=0), means, rtol=1e-13, atol=1e-17)
    assert len({tuple(sample) for sample in samples}) == 4
    assert "mean over the 4 samples" in page.get_by_test_id("mean-table").inner_text()


@pytest.mark.parametrize(("rate", "close"), [("0.1", True), ("5", False)])
def test_did_it_help(opened, rate, close):
    page = opened(LESSON.replace("lr=0.1", f"lr={rate}") + "&view=step")
    wait_for_stage(page, "batch")
    shown = {name: value for name, value, _, _ in cells(page, "[data-testid=helped]")}
    run = python_run(LESSON.replace("lr=0.1", f"lr={rate}"))
    before = run.network.trace(run.x, run.y).cost
    run.train(1)
    after = run.network.trace(run.x, run.y).cost
    assert shown["walk.before"] == pytest.approx(before, rel=1e-14)
    assert shown["walk.after"] == pytest.approx(after, rel=1e-14)
    gap = abs(shown["walk.predicted"] - shown["walk.real"]) / abs(shown["walk.real"])
    assert (gap < 0.01) == close
    verdict = page.get_by_test_id("verdict").inner_text()
    assert ("predicted this step well" in verdict) == close, verdict


def test_nudging_a_weight_and_a_z_meets_backpropagation(opened):
    page = opened(LESSON + "&view=step&s=bp4.1&sel=w1.1.0")
    wait_for_stage(page, "bp4.1")
    run = python_run(LESSON)
    trace = run.network.trace(run.x, run.y)
    page.locator("[data-nudge]").click()
    page.get_by_test_id("nudge-sentence").wait_for()
    shown = {name: value for name, value, *_ in nudged(page)}
    assert shown["nudge.derivative"] == trace["dw1"][1, 0]
    assert shown["nudge.slope"] == pytest.approx(trace["dw1"][1, 0], rel=1e-7)
    assert shown["nudge.up"] != shown["nudge.cost"] != shown["nudge.down"]
    show_stage(page, "bp2.1.gate")
    page.locator("table[data-table='delta1'] td[data-q='delta/1/1/0']").click()
    page.locator("[data-nudge]").click()
    page.get_by_test_id("nudge-sentence").wait_for()
    shown = {name: value for name, value, *_ in nudged(page)}
    assert shown["nudge.derivative"] == trace["delta1"][1, 0]
    assert shown["nudge.slope"] == pytest.approx(trace["delta1"][1, 0], rel=1e-6)


def nudged(page: Any) -> list[tuple[str, float]]:
    found = page.locator("[data-testid=nudge] [data-q]").evaluate_all(
        "all => all.map(one => [one.dataset.q, one.dataset.value])"
    )
    return [(name, float(value)) for name, value in found]


def test_a_kink_is_named_and_not_called_wrong(opened):
    link = (
        "#v=1&data=one&n=1&noise=0&test=0&shape=2-2-1&act=relu-sigmoid&cost=quadratic&opt=sgd&lr=0.1&batch=1&init=auto"
        "&seed=1&w=0.5,-0.4,3,1,-0.499999,2,0.8,-1.2,0.2&view=step&s=bp4.1&sel=b1.0.0"
    )
    page = opened(link)
    wait_for_stage(page, "bp4.1")
    page.locator("[data-nudge]").click()
    sentence = page.get_by_test_id("nudge-sentence")
    sentence.wait_for()
    assert sentence.get_attribute("data-kink") == "true"
    assert "kink" in sentence.inner_text().lower()


def test_an_exercise_says_which_equation_slipped(opened):
    page = opened(LESSON + "&view=step&s=bp2.1.gate")
    wait_for_stage(page, "bp2.1.gate")
    tables = page.locator("[data-testid=terms] figure")
    arrived = [cell.get_attribute("data-value") for cell in tables.first.locator("td[data-q]").all()]
    right = [cell.get_attribute("data-value") for cell in tables.last.locator("td[data-q]").all()]
    page.get_by_test_id("exercise").click()
    assert page.get_by_test_id("sentence").count() == 0  # which has numbers that are asked for
    fields = page.get_by_test_id("exercise-form").locator("td input")
    assert fields.count() == 2
    for field, value in zip(fields.all(), arrived, strict=True):  # the gate was forgotten
        field.fill(value)
    page.get_by_role("button", name="Check my numbers").click()
    verdict = page.get_by_test_id("answer-verdict")
    verdict.wait_for()
    assert verdict.get_attribute("data-right") == "false"
    assert re.search(r"BP2|gate|σ'|f'", verdict.inner_text()), verdict.inner_text()
    for field, value in zip(fields.all(), right, strict=True):
        field.fill(f"{float(value):.4g}")
    fields.first.fill(f"{-float(right[0]):.4g}")
    page.get_by_role("button", name="Check my numbers").click()
    expect(verdict).to_contain_text("1 of 2 right. In the marked one: the sign is wrong")
    marked = page.get_by_test_id("exercise-form").locator("td.wrong input")
    assert marked.count() == 1 and marked.input_value() == fields.first.input_value()
    fields.first.fill("abc")
    page.get_by_role("button", name="Check my numbers").click()
    expect(page.get_by_test_id("exercise-form").get_by_role("alert")).to_contain_text("“abc” is no number")
    fields.first.fill(f"{float(right[0]):.4g}")
    page.get_by_role("button", name="Check my numbers").click()
    page.locator("[data-testid=answer-verdict][data-right=true]").wait_for()


def test_tables_and_network_are_linked(opened):
    page = opened(LESSON + "&view=step&s=bp2.1.arrives")
    wait_for_stage(page, "bp2.1.arrives")
    page.locator("[data-testid=terms] figure").last.locator("td[data-q]").nth(1).hover()
    lit = page.locator("td.lit").evaluate_all("all => all.map(one => one.dataset.q)")
    assert "w/2/0/1" in lit and "w/2/0/0" not in lit
    assert page.locator("[data-neuron='1/1'] .halo").count() == 1
    assert page.locator("[data-neuron='1/0'] .halo").count() == 0

"""check_backprop on code as strangers write it: nothing is found in right code, and planted mistakes are named.

What is right and what is wrong is not said by us: central differences of the code's own cost are the judge.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

from glassnet import check_backprop

from .class_mutations import CLASS_MUTATIONS
from .function_mutations import FUNCTION_MUTATIONS
from .function_table import FUNCTIONS
from .implementation import FOLDER, judge, load
from .mutation import Mutation, verdict, verdict_of_two
from .object_table import OBJECTS
from .step_mutations import STEP_MUTATIONS
from .step_table import STEPS
from .variants import VARIANTS, Variant, changed

CASES = {case.name: case for case in [*FUNCTIONS, *OBJECTS, *STEPS]}
MUTATIONS = FUNCTION_MUTATIONS | CLASS_MUTATIONS | STEP_MUTATIONS
PLANTED = [(name, planted) for name, many in MUTATIONS.items() for planted in many]
VARIED = [(name, variant) for name, many in VARIANTS.items() for variant in many]
SEEN = 1e-3  # a planted mistake is one if the gradient is this far from central differences


def label(value: Any) -> str:
    return str(getattr(value, "label", value))


def test_each_file_is_in_a_table_and_each_table_has_enough() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(CASES)
    assert len(CASES) >= 24
    assert len(MUTATIONS) >= 10
    assert all(len({planted.label for planted in many}) == len(many) >= 12 for many in MUTATIONS.values())


@pytest.mark.parametrize("name", CASES)
def test_implementations_are_right(name: str) -> None:
    assert judge(CASES[name]) < CASES[name].tolerance


@pytest.mark.parametrize(("name", "variant"), VARIED, ids=label)
def test_variants_are_right(name: str, variant: Variant) -> None:
    case = changed(CASES[name], variant)
    own_cost = variant.own_cost or bool(variant.changes)
    assert judge(case, variant.replacements, own_cost, variant.l2) < case.tolerance


@pytest.mark.parametrize(("name", "planted"), PLANTED, ids=label)
def test_mutations_are_wrong(name: str, planted: Mutation) -> None:
    assert judge(CASES[name], planted.replacements) > SEEN


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_found_in_a_right_implementation(name: str) -> None:
    report = CASES[name].check(load(name))
    assert report.ok, str(report)
    assert "no fault found" in str(report)


@pytest.mark.parametrize(("name", "variant"), VARIED, ids=label)
def test_nothing_is_found_in_a_right_variant(name: str, variant: Variant) -> None:
    report = changed(CASES[name], variant).check(load(name, variant.replacements))
    assert report.ok, str(report)
    assert re.search(variant.note, str(report)), str(report)


@cache
def diagnosis(position: int) -> tuple[str, str]:
    """The verdict on a planted mutation, and what was printed."""
    name, planted = PLANTED[position]
    report = CASES[name].check(load(name, planted.replacements))
    return verdict(report, planted), f"{name}: {planted.label}\n{report}"


def count(positions: range) -> tuple[Counter[str], str]:
    """How often each verdict was given, and all that is not exact."""
    found = [diagnosis(position) for position in positions]
    return Counter(v for v, _ in found), "\n\n".join(f"{v}: {text}" for v, text in found if v != "exact")


def test_a_sample_of_the_mutations_is_detected_and_named() -> None:
    counts, text = count(range(0, len(PLANTED), 4))
    assert counts["unseen"] == counts["wrong"] == 0, text
    assert counts["exact"] >= 0.9 * counts.total(), text


@pytest.mark.slow
def test_all_mutations_are_detected_and_none_is_put_in_a_wrong_equation() -> None:
    counts, text = count(range(len(PLANTED)))
    assert counts["unseen"] == counts["wrong"] == 0, f"{counts}\n{text}"


@pytest.mark.slow
def test_nine_in_ten_mutations_are_named_exactly() -> None:
    counts, text = count(range(len(PLANTED)))
    assert counts["exact"] >= 0.9 * len(PLANTED), f"{counts}\n{text}"


def pairs(every: int) -> list[tuple[str, Mutation, Mutation]]:
    """Two mistakes in one file, where both texts can be replaced."""
    found = [(name, a, b) for name, many in MUTATIONS.items() for a, b in itertools.combinations(many, 2)]
    return [pair for pair in found[::every] if can_stand_together(*pair)]


def can_stand_together(name: str, first: Mutation, second: Mutation) -> bool:
    try:
        load(name, [*first.replacements, *second.replacements])
    except AssertionError:  # the second text is no longer there
        return False
    return True


def check_pairs(every: int) -> None:
    found = []
    for name, first, second in pairs(every):
        report = CASES[name].check(load(name, [*first.replacements, *second.replacements]))
        found.append((verdict_of_two(report, first, second), f"{name}: {first.label} and {second.label}\n{report}"))
    counts = Counter(v for v, _ in found)
    text = "\n\n".join(f"{v}: {text}" for v, text in found if v in ("unseen", "wrong"))
    assert counts["unseen"] == 0, f"{counts}\n{text}"
    assert counts["wrong"] <= 0.15 * counts.total(), f"{counts}\n{text}"
    assert counts["one"] + counts["both"] >= 0.8 * counts.total(), f"{counts}\n{text}"


def test_of_two_mistakes_at_least_one_is_named() -> None:
    check_pairs(every=200)


@pytest.mark.slow
def test_of_two_mistakes_at_least_one_is_named_in_many_files() -> None:
    check_pairs(every=12)


# ------------------------------------------------------------------------------------------------------ every shape


def check_shapes(seeds: range) -> None:
    """The same code on networks of 1 to 5 layers, 1 to 16 wide: right, all zero, and 3 % wrong in one db."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        layers = rng.integers(1, 17, rng.integers(2, 7)).tolist()
        activations = rng.choice(["sigmoid", "tanh", "relu", "linear"], len(layers) - 1).tolist()
        mine = load("closure_by_name").make_backprop(activations)[0]
        report = check_backprop(mine, layers, activations)
        assert report.ok, f"{layers} {activations}\n{report}"
        report = check_backprop(partial(nothing, mine), layers, activations)
        assert not report.ok and "0" in str(report), f"{layers} {activations}\n{report}"
        report = check_backprop(partial(three_per_cent, mine), layers, activations)
        assert not report.ok, f"{layers} {activations}\n{report}"


def nothing(mine: Any, weights: Any, biases: Any, x: Any, y: Any) -> Any:
    dw, db = mine(weights, biases, x, y)
    return [0 * g for g in dw], [0 * g for g in db]


def three_per_cent(mine: Any, weights: Any, biases: Any, x: Any, y: Any) -> Any:
    dw, db = mine(weights, biases, x, y)
    return dw, [1.03 * db[0], *db[1:]] if len(db) > 1 else [db[0] * np.linspace(1.03, 1.0, db[0].size)]


def test_some_shapes() -> None:
    check_shapes(range(3))


@pytest.mark.slow
def test_many_shapes() -> None:
    check_shapes(range(3, 60))

"""Text on a screen: decimal points are aligned, letters that it lacks become ASCII, lines break at spaces."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.console import Console

from glassnet.cli.printing import LABEL_WIDTH, print_line
from glassnet.see.ascii import to_ascii
from glassnet.see.layout import aligned, beside, wrapped
from glassnet.see.stage import LabelledArray
from glassnet.tables.optimizers import OPTIMIZERS

from .test_step import NETWORKS, explained
from .test_trace import lesson


def test_decimal_points_are_aligned() -> None:
    column = aligned(["0.07124", "−1.271", "0", "9.438e−05", "12"])
    assert {text.index(".") for text in column if "." in text} == {2} and len({*map(len, column)}) == 1
    assert [text.strip() for text in column] == ["0.07124", "−1.271", "0", "9.438e−05", "12"]
    lines = beside([LabelledArray("W1", np.array([[0.5, -0.04], [30.0, 1.0]]), (1, 0), "w1")], {}, 80)
    assert lines == ["W1 (2, 2)", "[  0.5000  −0.04000 ]", "[ 30.00     1.000   ]"]


def test_column_numbers_are_aligned_with_their_units() -> None:
    lines = beside([LabelledArray("a0", np.array([[0.5, -2.25, 8.0]]), (0, "m"), "a0")], {"m": [0, 2]}, 80)
    assert lines[0] == "a0 (1, 3) in part" and lines[1].index("2") == lines[2].index("8")


def test_an_operator_is_centred_beside_its_matrices() -> None:
    tall = LabelledArray("z1", np.array([[1.0], [2.0], [3.0]]), (1, "m"), "z1")
    assert beside([tall, "→", tall], {}, 80)[1:] == [
        "[ 1.000 ]   [ 1.000 ]",
        "[ 2.000 ] → [ 2.000 ]",
        "[ 3.000 ]   [ 3.000 ]",
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_screen_without_greek_shows_every_sign_in_ascii(name: str) -> None:
    explanation = explained(name, weighted=True)
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Console(file=screen, width=80, highlight=False, markup=False).print(explanation, crop=False)
    screen.seek(0)
    text = screen.read()
    assert "delta1 = " in text and "?" not in text.replace("did it help?", "") and max(map(len, text.split("\n"))) <= 80
    greek = [line for _, line in explanation.lines(80)]
    assert sorted(re.findall(r"[\d.]{5,}", text)) == sorted(re.findall(r"[\d.]{5,}", "\n".join(greek)))


def test_every_sign_has_an_ascii_spelling() -> None:
    signs = {sign for name in NETWORKS for _, line in explained(name).lines() for sign in line if not sign.isascii()}
    assert "δ" in signs and not {sign for sign in signs if "?" in to_ascii(sign)}
    assert to_ascii("δ1 = W2ᵀ·δ2 ⊙ x̂") == "delta1 = W2^T*delta2 (*) x_hat"


def test_the_cost_and_the_first_error_show_their_inputs() -> None:
    net, x, y = lesson()
    stages = {stage.title: stage for stage in net.explain_step(x, y).stages}
    cost, slope = stages["how wrong the network is"], stages["layer 2, first half: the slope of the cost"]
    for stage in (cost, slope):
        assert [term.symbol for term in stage.terms if isinstance(term, LabelledArray)][:2] == ["a2", "y"]
        np.testing.assert_array_equal(stage.terms[2].values, y)  # type: ignore[union-attr]
    a, error = slope.terms[0].values, slope.terms[-1].values  # type: ignore[union-attr]
    np.testing.assert_array_equal(error, a - y)
    assert slope.text == "∂c/∂a2 = a2 − y"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimiser_is_written_in_reading_order(name: str) -> None:
    """First its states by their formulas, then the step with the states by name; the text evaluates to the numbers."""
    net, x, y = lesson()
    step = net.explain_step(x, y, lr=0.1, optimizer=name)
    stage = next(stage for stage in step.stages if stage.title == "b2")
    *states, change = stage.text.split("\n")
    symbols = [term.symbol for term in stage.terms if isinstance(term, LabelledArray)]
    assert [line.split(" ← ")[0] for line in states] == symbols[1:-3] and change.startswith("b2 ← b2 − ")
    for line, term in zip(states, [term for term in stage.terms if isinstance(term, LabelledArray)][1:], strict=False):
        assert line.split(" ← ")[0] in change
        scalars = {"momentum": 0.9, "beta1": 0.9, "one_minus_beta1": 0.1, "beta2": 0.999, "one_minus_beta2": 0.001}
        scalars |= {"rho": 0.9, "one_minus_rho": 0.1}
        text = line.split(" ← ")[1].replace("·", "*").replace("−", "-")
        for state in symbols[1:-3]:
            text = text.replace(state, "0.0")
        for scalar in sorted(scalars, key=len, reverse=True):
            text = text.replace(scalar, str(scalars[scalar]))
        text = text.replace("db2", repr(step.trace["db2"].item()))
        assert eval(text) == pytest.approx(term.values.item(), rel=1e-6)


def test_a_line_never_breaks_between_a_name_and_its_number() -> None:
    text = "The gradient is the mean of the error over the samples of the batch, m = 1, and not the sum."
    for width in range(30, 90):
        lines = [line.strip() for _, line in wrapped(text, width)]
        assert " ".join(lines) == text and any("m = 1" in line for line in lines)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_are_wrapped_on_a_terminal_and_left_whole_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "classification of 'outcome', 2 classes (the target is text; --task overrides), and a few more words"
    monkeypatch.setenv("COLUMNS", "60")
    for stdout, count in ((Terminal(), 3), (io.StringIO(), 1)):
        monkeypatch.setattr("sys.stdout", stdout)
        print_line("Task", text)
        lines = stdout.getvalue().splitlines()
        assert len(lines) == count and " ".join(line[LABEL_WIDTH:] for line in lines) == text
        assert lines[0].startswith("Task  ") and all(line.startswith(" " * LABEL_WIDTH) for line in lines[1:])
        assert count == 1 or max(map(len, lines)) <= 60

"""Results at a prompt and in a notebook: what print shows, and HTML in which nothing of a person's text is markup."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet import History, NeuralNetwork, Report
from glassnet.result_html import lines_html, preformatted_html, table_html

Array = np.ndarray[Any, Any]


class Text(HTMLParser):
    """The text of a page; fails where elements are not closed in order, or where something could run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        assert tag not in ("script", "img", "link", "iframe") and all(name == "style" for name, _ in attributes)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def words(html: str) -> list[str]:
    """The words of an HTML text."""
    parser = Text()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.words


@pytest.fixture(scope="module")
def case() -> tuple[NeuralNetwork, Array, Array]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 60))
    y = (x[0] > 0).astype(int) + (x[1] > 0)
    net = NeuralNetwork([2, 5, 3], ["tanh", "softmax"], "categorical_cross_entropy", engine="numpy", seed=0)
    net.train(x, y, epochs=20, lr=0.1, validation=0.25, patience=20)
    return net, x, y


def results(net: NeuralNetwork, x: Array, y: Array) -> list[Any]:
    def mine(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        network = NeuralNetwork([2, 3, 1], dtype="float64", engine="numpy")
        network.weights, network.biases = weights, biases
        dw, db = network.backpropagation(y, *network.feedforward(x))
        return [2 * part for part in dw], db

    large = x * np.array([[1.0], [1e6]])
    return [
        net.diagnose(),
        net.diagnose(large, y, columns=["<b>age</b>", "in & <script>out</script>"]),
        glassnet.gradient_check(net, x, y),
        glassnet.check_backprop(mine, [2, 3, 1]),
        net.nudge(x, y, "w1[2,0]"),
        net.credit(x, y),
    ]


def test_a_prompt_shows_what_print_shows(case: tuple[NeuralNetwork, Array, Array]) -> None:
    for result in results(*case):
        assert repr(result) == str(result) and "(findings=" not in repr(result) and "\n  why" not in repr(result)[:5]


def test_html_has_the_printed_words_and_no_markup_of_a_person(case: tuple[NeuralNetwork, Array, Array]) -> None:
    for result in results(*case):
        shown, printed = words(result._repr_html_()), re.findall(r"\S+", str(result))
        # labels get a colon, and "share of each layer" is a heading per layer
        missing = [word for word in printed if word not in (*shown, "each") and f"{word}:" not in shown]
        assert missing == [], (type(result), missing)


def test_a_fault_and_a_note_are_paragraphs() -> None:
    html = lines_html("BP4: dW is 2 < 3 times ours.\nnote: a & b.\nno label here")
    assert html.count("<p ") == 3 and "<b>BP4:</b> dW is 2 &lt; 3" in html and "<b>note:</b> a &amp; b." in html
    table = preformatted_html("a   b\n1   2  ← wrong\n<i>")
    assert "<b>1   2  ← wrong</b>" in table and "&lt;i&gt;" in table
    assert words(table_html("<head>", ["<a>", "b"], [["<x>", "1"]])) == ["<head>", "<a>", "b", "<x>", "1"]


def test_a_history_is_a_table_of_some_epochs(case: tuple[NeuralNetwork, Array, Array]) -> None:
    history = case[0].history
    assert history is not None
    html = history._repr_html_()
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)[1:]]
    assert [int(row[0]) for row in rows] == sorted({1, 3, 6, 9, 11, 14, 17, 20} | {history.best_epoch or 1})
    assert rows[0][2] == f"{history[0].cost:.6g}" and f"best epoch is {history.best_epoch}" in unescape(html)
    words(html)
    assert "validation cost" in html and "validation cost" not in History([Report(1, 1, 0.5, 0.1)])._repr_html_()
    assert words(History()._repr_html_()) == ["History(no", "epoch", "finished)"]
    assert repr(History([Report(1, 1, 0.5, 0.1)])).startswith("History(1 epoch;")

"""One step explained: every equation's numbers hold, the network stays, and text, page and command show it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from glassnet.cli.app import app
from glassnet.errors import ParameterError
from glassnet.network import NeuralNetwork
from glassnet.see.explain import Explanation
from glassnet.see.stage import LabelledArray
from glassnet.see.verdict import verdict
from glassnet.tables.embeddings import Embedding, PeriodicEmbedding, PiecewiseLinear
from glassnet.tables.layers import BatchNorm, Dropout, LayerNorm, Scaling
from glassnet.tables.optimizers import OPTIMIZERS

from .test_trace import ENGINES, batch, classifier, lesson

NETWORKS: dict[str, tuple[list[Any], list[str], str]] = {
    "plain": ([3, 5, 4, 2], ["tanh", "relu", "linear"], "quadratic"),
    "layers": ([3, 5, Dropout(0.2), BatchNorm(), 4, LayerNorm(), 2], ["tanh", "gelu", "linear"], "quadratic"),
    "before": (
        [3, 5, BatchNorm(before_activation=True), Scaling(), 4],
        ["silu", "softmax"],
        "categorical_cross_entropy",
    ),
    "after": ([3, 5, 4, Scaling()], ["silu", "tanh"], "quadratic"),
    "entry": ([3, LayerNorm(), 5, 1], ["softsign", "sigmoid"], "binary_cross_entropy"),
    "softmaxes": ([3, 5, 4, 3], ["softmax", "softplus", "softmax"], "quadratic"),
    "wide": ([30, 20, 1], ["tanh", "exp"], "poisson"),
}


def explained(name: str, engine: str = "numpy", weighted: bool = False, **options: Any) -> Explanation:
    layers, activations, cost = NETWORKS[name]
    net = NeuralNetwork(layers, activations, cost, l2=0.01, seed=3, engine=engine)
    rng, outputs = np.random.default_rng(1), net.architecture.outputs
    y = rng.integers(0, outputs, 9) if cost.startswith("cat") else rng.random((outputs, 9))
    weights = np.arange(1.0, 10) if weighted else None
    return net.explain_step(rng.normal(size=(layers[0], 9)), y, sample_weight=weights, **options)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_lesson_of_the_saturated_neuron(engine: str) -> None:
    explanation = lesson(engine)[0].explain_step(*lesson()[1:], lr=0.1)
    text = re.sub(r"\s+", " ", str(explanation))
    assert "neuron 1 receives the largest, +0.1749." in text
    assert "+0.1749 arrives at neuron 1, +0.001163 passes: its gate is 0.006648." in text
    assert "neuron 1 is saturated." in text
    assert "predicted Σ gradient·change = −0.005250, real 0.1901 → 0.1849 = −0.005237" in text
    assert "helped" in text and "they differ by 0.3%" in text
    assert explanation.predicted == pytest.approx(-0.005250, abs=5e-7) and explanation.real == pytest.approx(
        -0.005237, abs=5e-7
    )
    far = lesson(engine)[0].explain_step(*lesson()[1:], lr=5)
    assert far.predicted == pytest.approx(-0.2625, abs=5e-5) and far.real == pytest.approx(-0.1690, abs=5e-5)
    assert "the step is so long" in far.verdict and "try" not in far.verdict  # by luck, C fell all the same


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_equation_holds_in_both_notations(name: str, weighted: bool) -> None:
    explanation = explained(name, weighted=weighted)
    products = 0
    for stage in (*explanation.stages, *explanation.rows().stages):
        terms, arrays = list(stage.terms), [term.values for term in stage.terms if isinstance(term, LabelledArray)]
        if "{}" in stage.text:
            products += 1
            divided = next((int(term[2:-2]) for term in terms if isinstance(term, str) and term.startswith("/ ")), 1)
            left, right, *bias, result = arrays
            np.testing.assert_allclose(left @ right / divided + sum(bias), result, rtol=1e-12, atol=1e-14)
        elif len(terms) < 2:
            continue
        elif terms[1] == "⊙":
            np.testing.assert_allclose(arrays[0] * arrays[1], arrays[2], rtol=1e-12, atol=1e-14)
        elif terms[1] == "−":
            weights = np.arange(1.0, 10) * 9 / 45 if weighted else 1.0
            difference = arrays[0] - arrays[1]
            difference = difference * (weights if difference.shape[1] == 9 else np.reshape(weights, (-1, 1)))
            np.testing.assert_allclose(difference, arrays[2], rtol=1e-12, atol=1e-14)
    assert products >= 2 * (3 * len(NETWORKS[name][1]) - 1)
    labels = [stage.label for stage in explanation.stages]
    order = ["forward", "cost", "BP1", "BP2", "BP3", "BP4", "penalty", "update"]
    assert labels == sorted(labels, key=order.index) and set(labels) == set(order)


def test_samples_as_rows_reverse_the_product() -> None:
    columns, rows = explained("plain"), explained("plain", notation="rows")
    assert "z1 = W1·a0 + b1" in str(columns) and "z1 = a0·W1 + b1" in str(rows)
    assert "∂c/∂a2 = W3ᵀ·δ3" in str(columns) and "∂c/∂a2 = δ3·W3ᵀ" in str(rows)
    assert "dW3 = δ3·a2ᵀ / m" in str(columns) and "dW3 = a2ᵀ·δ3 / m" in str(rows)
    assert "W1 (5, 3)" in str(columns) and "W1 (3, 5)" in str(rows) and "coefs_" in str(rows)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_explained_step_equals_the_step_of_a_training(name: str, engine: str) -> None:
    x, y = batch()
    net = classifier(dtype="float64", engine=engine)
    before = net.parameters.vector.copy()
    explanation = net.explain_step(x, y, lr=0.01, optimizer=name)
    assert (net.parameters.vector == before).all() and net.runs == 0
    net.train(x, y, batch_size=7, epochs=1, lr=0.01, optimizer=name)
    after = {stage.title: stage.terms[-1].values for stage in explanation.stages if stage.label == "update"}
    assert set(after) == {"W1", "b1", "W2", "b2"}
    for title, values in after.items():
        np.testing.assert_allclose(values, net.parameters[title.lower()], rtol=1e-9, atol=1e-12)
    assert explanation.after == pytest.approx(net.cost(x, y), rel=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_short_step_does_what_was_predicted(name: str) -> None:
    explanation = explained(name, lr=1e-5)
    assert explanation.real < 0 and explanation.real == pytest.approx(explanation.predicted, rel=2e-3)
    assert "the slope predicted this step well" in explanation.verdict


def test_softmax_shows_its_jacobian_and_the_shortcut() -> None:
    explanation = explained("before")
    text = re.sub(r"\s+", " ", str(explanation))
    assert "the Jacobian of softmax" in text and "they are the same" in text and "softmax'" not in text
    jacobian = next(stage for stage in explanation.stages if "Jacobian" in stage.title)
    a = explanation.trace["a2"][:, :1]
    np.testing.assert_allclose(jacobian.terms[0].values, np.diag(a[:, 0]) - a @ a.T, atol=1e-15)
    np.testing.assert_allclose(jacobian.terms[-1].values, explanation.trace["delta2"][:, :1], rtol=1e-12)
    both = explained("softmaxes")
    assert sum("Jacobian" in stage.title for stage in both.stages) == 2 and "softmax'" not in str(both)
    assert "∂c/∂a2 ⊙ sigmoid'(z2)" in str(explained("entry"))


def test_only_a_pair_of_activation_and_cost_has_a_shortcut() -> None:
    paired = {name for name in NETWORKS if any("shortcut" in stage.title for stage in explained(name).stages)}
    assert paired == {"before", "entry", "wide"}
    assert "∂c/∂scaling2 = scaling2 − y" in str(explained("after"))


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("name", NETWORKS)
def test_lines_fit_the_terminal(name: str, width: int) -> None:
    for explanation in (explained(name), explained(name, notation="rows")):
        lines = [text for _, text in explanation.lines(width)]
        assert max(map(len, lines)) <= width, max(lines, key=len)
        assert (len(max(lines, key=len)) > 100) == (width > 100)


def test_a_large_array_is_shown_by_its_largest_errors() -> None:
    explanation = explained("wide")
    largest = np.abs(explanation.trace["da1"][:, :4]).max(axis=1).argmax()
    assert largest in explanation.picks[1] and len(explanation.picks[1]) == 4 and len(explanation.picks[0]) == 4
    assert (
        "W1 (20, 30) in part" in str(explanation)
        and "in part" not in str(explained("plain")).split("W1 (5, 3)")[1][:20]
    )


def test_what_is_left_out_is_said_with_the_reason() -> None:
    text = re.sub(r"\s+", " ", str(explained("wide")))
    assert "of a layer of more than 6 neurons the 4 with the largest |δ|" in text
    assert "of more than 6 inputs the 4 with the largest |a0|; of 9 samples the first 4" in text
    plain = re.sub(r"\s+", " ", str(explained("plain")))
    assert "neurons the 4" not in plain and "inputs the 4" not in plain and "of 9 samples the first 4" in plain
    net, x, y = lesson()
    assert "in part" not in str(net.explain_step(x, y)) and "shown in part" in explained("wide")._repr_html_()


def test_the_example_of_a_sum_is_a_neuron_that_is_shown() -> None:
    net = NeuralNetwork([3, 20, 1], ["tanh", "sigmoid"], seed=4)
    net.weights[1][0, :3] = 0  # no error reaches the first neurons
    explanation = net.explain_step(np.ones((3, 2)), np.ones((1, 2)))
    first = explanation.picks[1][0]
    assert first > 2 and f"z1[{first},0] = " in explanation.stages[0].sentence


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_reads_as_mathematics(name: str) -> None:
    for stage in explained("plain", optimizer=name).stages:
        assert ";" not in stage.text and ";" not in stage.terms
    signs = [term for term in stage.terms if isinstance(term, str)]
    assert signs[-3:] == ["→", "+", "="]
    change, before, after = [term.values for term in stage.terms if isinstance(term, LabelledArray)][-3:]
    np.testing.assert_allclose(change + before, after, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("before", "after", "predicted", "sentence"),
    [
        (5.151e-9, 5.008e-9, -1.444e-10, "−1.444e−10, real 5.151e−09 → 5.008e−09 = −1.43e−10"),
        (0.7, 0.7 - 1.2e-7, -1.21e-7, "−1.21e−07, real 0.700000000 → 0.699999880 = −1.2e−07"),
        (1.079, 22.36, -36.0, "did not help: predicted Σ gradient·change = −36.00, real 1.079 → 22.36 = +21.28"),
        (0.5, 0.5, 0.0, "The step changed nothing: the gradient is 0, and C stays 0.5000."),
        (
            0.5,
            0.5,
            -1e-20,
            "too short to show: predicted Σ gradient·change = −1e−20 is lost in the rounding of C = 0.5000",
        ),
    ],
)
def test_verdict_has_significant_digits(before: float, after: float, predicted: float, sentence: str) -> None:
    text = verdict(before, after, predicted)
    assert sentence in text and "−0.000000" not in text and "differ by 0.0%" not in text, text


class Tags(HTMLParser):
    """Collects the tags that are open, and every kind that occurred."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.kinds: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.kinds.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", NETWORKS)
def test_the_plain_page_is_complete_and_has_no_script(name: str) -> None:
    explanation, tags = explained(name), Tags()
    page = replace(explanation, page=None).html()
    tags.feed(page)
    assert not tags.open and {"table", "section", "h4"} <= tags.kinds and not {"script", "link", "img"} & tags.kinds
    assert page.count("<section>") == len(explanation.stages) + 1 and "did it help?" in page
    assert explanation._repr_html_() in page and "http" not in page


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"notation": "row"}, "notation 'row' is unknown. Did you mean 'rows'"),
        ({"lr": 0}, "lr is 0; it must be a finite number above 0"),
        ({"optimizer": "sdg"}, "optimizer 'sdg' is unknown. Did you mean 'sgd'"),
    ],
)
def test_bad_options(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(sentence)):
        explained("plain", **options)


# ---- the command


def step(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["step", *map(str, arguments)])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'red' if a > 0 else 'blue'},{a + b:.3f}" for a, b in rng.normal(size=(30, 2))]
    path.write_text("\n".join(["a,b,color,total", *rows]) + "\n")
    return path


def test_the_command_walks_through_a_step(table: Path, tmp_path: Path) -> None:
    result = step(table, "--target", "color", "--row", 3, "--batch-size", 2, "--hidden", 3)
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert text.startswith(f"rows 3 to 4 of {table}") and "did it help?" in text and "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 120
    page = tmp_path / "step.html"
    assert "row 5" in step(table, "--target", "total", "--row", 5, "--html", page, "--notation", "rows").stdout
    assert "z1 = a0·W1 + b1" in page.read_text()


def test_the_command_names_every_input_by_its_index(tmp_path: Path) -> None:
    path, names = tmp_path / "wide.csv", [f"balance_of_the_account_{year}" for year in range(2001, 2021)]
    rows = [",".join(map(str, values)) for values in np.random.default_rng(1).normal(size=(9, 21)).round(3)]
    path.write_text("\n".join([",".join([*names, "total"]), *rows]) + "\n")
    text = re.sub(r"\s+", " ", step(path, "--target", "total").stdout)
    assert all(f"{index} {name}" in text for index, name in enumerate(names)) and "..." not in text
    assert re.search(r"y is \('total' [−+] \d", text) and "4 with the largest |a0|" in text


def test_the_command_names_the_shown_ones_of_very_many_inputs(tmp_path: Path) -> None:
    path, names = tmp_path / "wide.csv", [f"x{number}" for number in range(120)]
    rows = [",".join(map(str, values)) for values in np.random.default_rng(1).normal(size=(9, 121)).round(3)]
    path.write_text("\n".join([",".join([*names, "total"]), *rows]) + "\n")
    text = re.sub(r"\s+", " ", step(path, "--target", "total").stdout)
    listed = ", ".join(rf"(\d+) x\{group}" for group in (1, 2, 3, 4))
    assert re.search(f"a0 holds 120 inputs; those shown are, by index, {listed};", text)


def test_the_command_takes_a_model(table: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    arguments = ["train", table, "--target", "total", "--out", model, "--epochs", 2, "--hidden", 3, "--quiet"]
    assert CliRunner().invoke(app, [*map(str, arguments)]).exit_code == 0
    result = step(table, "--model", model, "--row", 3)
    assert result.exit_code == 0 and "3 relu → 1" in result.stdout
    assert "the model predicts 'total'" in step(table, "--model", model, "--target", "a").stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--target", "total", "--row", 31], "--row is 31, but"),
        (["--target", "total", "--row", 0], "--row"),
        (["--target", "totl"], "totl"),
        ([], "--target is missing"),
        (["--target", "total", "--notation", "both"], "notation 'both' is unknown"),
        (["--target", "total", "--html", "SAME"], "would overwrite the input"),
        (["--target", "total", "--lr", "-1"], "lr is -1"),
    ],
)
def test_the_command_refuses_in_one_sentence(table: Path, arguments: list[Any], sentence: str) -> None:
    result = step(table, *(table if each == "SAME" else each for each in arguments))
    assert result.exit_code == 2 and sentence in result.stderr and result.stderr.count("\n") == 1, result.output


def test_the_command_shows_the_row_as_it_stands_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("size,colour,price\n1.50,red,3\n,blue,4\n2,red,\n7.25,green,6\n")
    text = " ".join(step(path, "--target", "price", "--row", 3, "--batch-size", 2).output.split())
    assert "In the file, line 5 holds size 7.25, colour green, price 6. a0 holds" in text  # line 4 has no price
    assert "The step takes 1 of the 2 rows asked for: the file ends with row 3." in text
    text = " ".join(step(path, "--target", "price", "--row", 2).output.split())
    assert "line 3 holds size (empty), colour blue, price 4." in text and "asked for" not in text


@pytest.mark.parametrize("row", [0, -1, 151])
def test_rows_count_from_1(row: int) -> None:
    result = step("docs/data/iris.csv", "--target", "species", "--row", row)
    assert (
        result.exit_code == 2
        and f"--row is {row}, but docs/data/iris.csv has 150 rows; rows count from 1" in result.output
    )


def test_a_network_is_described_in_its_own_dtype() -> None:
    net = NeuralNetwork([2, 1], seed=0)
    text = " ".join(str(net.explain_step(np.ones((2, 1)), np.ones((1, 1)))).split())
    assert str(net) in text and "computed in float64 by" in text


def test_a_long_step_is_only_advised_against_where_the_cost_rose() -> None:
    assert verdict(1.0, 0.5, -0.9).endswith("curves away from its slope.")
    assert verdict(1.0, 1.5, -0.9).endswith("curves away from its slope; try a smaller lr.")


def test_layers_that_widen_x_are_explained_as_what_they_are() -> None:
    """Bins, waves and vectors of categories have no γ; the sentence of each belongs to its own equation."""
    embeddings = [Embedding((2,), (2,), 2), PiecewiseLinear((0,), 4), PeriodicEmbedding((0, 1))]
    layers: list[Any] = [3, *embeddings, Scaling(), 3, 1]
    net = NeuralNetwork(layers, ["tanh", "linear"], seed=0, engine="numpy")
    x = np.array([[0.3, -1.2], [0.1, 0.4], [1.0, 2.0]])
    stages = net.explain_step(x, np.array([[1.0, 0.0]])).stages
    sentences = {stage.title: stage.sentence for stage in stages if stage.label == "forward"}
    assert "passed each of its bins" in sentences["piecewise_linear0_passed"]
    assert "within the bin" in sentences["piecewise_linear0_new"]
    assert "small weights of its own" in sentences["periodic_embedding0_new"]
    assert "code of a category" in sentences["embedding0_codes"]
    assert [title for title, sentence in sentences.items() if "γ" in sentence] == ["scaling0"]


def test_numbers_are_marked_by_their_sign() -> None:
    net, x, y = lesson()
    page = net.explain_step(x, y)._repr_html_()
    assert re.search(r"<td class='below'>−0\.1458</td>", page) and re.search(
        r"<td class='above'> *0\.6457 *</td>", page
    )
    assert re.search(r"<td>0 *</td>", page)  # the second input
    assert ".below{text-decoration:underline dashed" in page and ".above{text-decoration:underline solid" in page

"""Reports: a run as one HTML file, whose numbers are those of the run."""

from __future__ import annotations

import base64
import hashlib
import json
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from glassnet.cli.app import app
from glassnet.errors import DivergedError, ParameterError
from glassnet.frames.encoding import decoded
from glassnet.frames.replay import frame_steps
from glassnet.frames.report_page import MAX_BYTES, PageMissing, report_html
from glassnet.frames.report_samples import Names, class_names, table_names
from glassnet.frames.run_report import RunReport
from glassnet.network import NeuralNetwork
from glassnet.tables.layers import BatchNorm, Dropout

CHROMIUM = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox", "--disable-gpu"]}
SHOWN = "all => all.map(each => [each.dataset.q, each.dataset.t, each.dataset.value])"


def points(n: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, n))
    return x, (x[:1] * x[1:] > 0).astype(float)


def trained(*layers: Any, epochs: int = 12, **options: Any) -> NeuralNetwork:
    network = NeuralNetwork([2, 6, *layers, 1], ["tanh", "sigmoid"], "binary_cross_entropy", seed=3, **options)
    network.train(*points(), epochs=epochs, lr=0.3, validation=0.2)
    return network


def recording_in(path: Path) -> dict[str, Any]:
    """What a report carries."""
    text = path.read_text(encoding="utf-8")
    start = text.index("window.__glassnet = ") + len("window.__glassnet = ")
    script = text[start : text.index(";</script>", start)]
    return json.loads(script.replace("<\\!--", "<!--").replace("<\\script", "<script"))


def recorded(network: NeuralNetwork, **options: Any) -> dict[str, Any]:
    assert network.history is not None
    return RunReport(network.history.reporter, network.history).recorded(**options)


@pytest.fixture(scope="module")
def run() -> tuple[NeuralNetwork, dict[str, Any]]:
    network = trained()
    return network, recorded(network)


def test_a_report_is_one_small_file_without_anything_from_outside(tmp_path: Path) -> None:
    trained().history.report(tmp_path / "run.html", "My run")
    text = (tmp_path / "run.html").read_text()
    assert len(text.encode()) < MAX_BYTES and "<title>My run</title>" in text
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=\"(?!data:)", text)
    assert recording_in(tmp_path / "run.html")["about"]["title"] == "My run"
    assert [path.name for path in tmp_path.iterdir()] == ["run.html"]


def test_the_policy_allows_the_two_scripts_and_nothing_else(tmp_path: Path) -> None:
    trained().history.report(tmp_path / "run.html")
    text = (tmp_path / "run.html").read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy and "connect-src 'none'" in policy
    scripts = re.findall(r"<script(?: type=\"module\")?>(.*?)</script>", text, flags=re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(scripts) == 2 and policy.count("sha256-") == 2 and all(each in policy for each in hashes)
    assert text.index("Content-Security-Policy") < text.index("<style>") < text.index("<script>")


def test_frames_are_those_of_the_run_bit_for_bit(run: tuple[NeuralNetwork, dict[str, Any]]) -> None:
    network, message = run
    frames = message["frames"]
    steps = [frame["t"] for frame in frames]
    last = network.history[-1].step
    assert steps[0] == 0 and steps[-2:] == [last - 1, last] and steps == sorted(set(steps)) and len(steps) <= 40
    for name in ("w1", "b1", "w2", "b2"):
        assert np.array_equal(decoded(frames[-1]["quantities"][name]), network.parameters[name])
    fresh = NeuralNetwork([2, 6, 1], ["tanh", "sigmoid"], "binary_cross_entropy", seed=3)
    assert np.array_equal(decoded(frames[0]["quantities"]["w1"]), fresh.weights[0])
    assert frames[-1]["findings"] is not None and frames[-1]["accuracy"] == pytest.approx(network.history[-1].accuracy)
    assert any("bit for bit" in line for line in message["about"]["lines"])


def test_a_run_of_one_step_has_a_report() -> None:
    network = NeuralNetwork([1, 1], ["linear"], seed=0)
    network.train(np.ones((1, 1)), np.ones((1, 1)), epochs=1)
    message = recorded(network)
    assert [frame["t"] for frame in message["frames"]] == [0, 1]
    assert [walk["t"] for walk in message["walks"]] == [0]
    assert "2 gradients were measured" in message["about"]["check"]


def test_the_costs_of_a_long_run_are_means_without_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassnet.frames.recording.MAX_COSTS", 30)
    message, reached = recorded(trained()), 0
    for frame in message["frames"]:
        costs = frame["costs"]
        assert costs["from"] == reached
        assert decoded(costs["train"]).size == -(-(frame["t"] - reached) // costs.get("every", 1))
        reached = frame["t"]
    assert reached == 96
    assert "Each point of the cost curve is the mean of at most 4 consecutive steps." in message["about"]["lines"]


def test_the_cost_of_every_step_is_there(run: tuple[NeuralNetwork, dict[str, Any]]) -> None:
    network, message = run
    history = network.history
    costs = np.full(history[-1].step, np.nan)
    validation = costs.copy()
    for frame in message["frames"]:
        part = decoded(frame["costs"]["train"])
        costs[frame["costs"]["from"] :][: len(part)] = part
        validation[frame["costs"]["from"] :][: len(part)] = decoded(frame["costs"]["validation"])
    assert np.isfinite(costs).all()
    sizes = np.minimum(10, 72 - 10 * np.arange(8))  # of the batches of an epoch of 72 samples
    means = [np.average(epoch, weights=sizes) for epoch in costs.reshape(-1, 8)]
    assert means == pytest.approx(history["cost"], rel=1e-6)
    assert validation[~np.isnan(validation)] == pytest.approx(history["validation_cost"])


def test_three_steps_are_walked_in_full(run: tuple[NeuralNetwork, dict[str, Any]]) -> None:
    network, message = run
    walks, frames = message["walks"], {frame["t"]: frame for frame in message["frames"]}
    last = network.history[-1].step
    assert [walk["t"] for walk in walks][::2] == [0, last - 1] and len(walks) == 3
    assert all(walk["t"] in frames for walk in walks)
    after = {
        term["quantity"]: decoded(term["values"])
        for stage in walks[-1]["stages"]
        for term in stage["terms"]
        if isinstance(term, dict)
    }
    for name in ("w1", "b1", "w2", "b2"):
        assert np.array_equal(after[f"after_{name}"], network.parameters[name])  # the last step leads to the end
        assert np.array_equal(decoded(frames[last - 1]["quantities"][name]), after[name])
    assert len(walks[0]["samples"]) == walks[0]["m"] == 10
    x = decoded(message["run"]["data"]["x"])[walks[0]["samples"]]
    assert np.array_equal(x.T, decoded(walks[0]["quantities"]["a0"]))


def test_what_a_report_says(run: tuple[NeuralNetwork, dict[str, Any]]) -> None:
    _, message = run
    about = message["about"]
    text = "\n".join(about["lines"])
    assert "seed 3" in text and "12 epochs, 96 steps" in text and "sgd at rate 0.3" in text
    assert "run again from its start in" in text
    zeros = int((points()[1] == 0).sum())
    summary = f"72 samples to train on, 18 held out; 2 inputs (x[0], x[1]); 2 classes (0: {zeros}, 1: {90 - zeros})."
    assert summary in about["lines"]
    assert about["check"].startswith("25 gradients were measured by experiment") and "agree" in about["check"]
    assert "NumPy" in about["versions"] and "glassnet 0" in about["versions"]
    assert message["run"]["data"]["train"] == 72 and message["run"]["data"]["test"] == 18
    assert message["run"]["classes"] == ["0", "1"] and message["hello"]["live"] is False


def test_the_code_in_a_report_repeats_the_run(run: tuple[NeuralNetwork, dict[str, Any]]) -> None:
    import glassnet

    network, message = run
    x, y = points()
    code = message["about"]["code"].replace("    x, y,", "    x, y, validation=0.2,")
    names = {"glassnet": glassnet, "x": x, "y": y}
    exec(compile(code, "report", "exec"), names)
    assert np.array_equal(names["network"].parameters.vector, network.parameters.vector)


def test_a_report_leaves_the_network_as_it_is_and_shows_its_own_run(run: tuple[NeuralNetwork, dict[str, Any]]) -> None:
    network = trained()
    first, before = network.history, network.parameters.vector.copy()
    network.train(*points(seed=5), epochs=3, lr=0.1)
    now = network.parameters.vector.copy()
    message = RunReport(first.reporter, first).recorded()
    w1 = decoded(message["frames"][-1]["quantities"]["w1"])
    assert np.array_equal(network.parameters.vector, now)
    network.parameters.vector[:] = before
    assert np.array_equal(w1, network.weights[0])


def test_a_run_that_differs_is_not_called_the_same() -> None:
    network = trained()
    network.history.reporter.end["parameters"][3] += 1e-6
    lines = recorded(network)["about"]["lines"]
    assert any("differ from those that the run left" in line for line in lines)
    assert not any("bit for bit" in line for line in lines)


def test_the_second_run_of_a_network_begins_where_the_first_ended() -> None:
    network = trained()
    between = network.weights[0].copy()
    network.train(*points(), epochs=4, lr=0.1, optimizer="adam")
    message = recorded(network)
    assert np.array_equal(decoded(message["frames"][0]["quantities"]["w1"]), between)
    assert any("bit for bit" in line for line in message["about"]["lines"])
    assert "was not the first of its network" in message["about"]["code"]


@pytest.mark.parametrize("layer", [Dropout(0.3), BatchNorm()])
def test_chance_and_statistics_of_layers_are_repeated(layer: Any) -> None:
    lines = recorded(trained(layer))["about"]["lines"]
    assert any("bit for bit" in line for line in lines)


def test_the_best_epoch_is_compared_where_its_weights_were_restored() -> None:
    network = NeuralNetwork([2, 6, 1], ["tanh", "sigmoid"], "binary_cross_entropy", seed=3)
    network.train(*points(), epochs=60, lr=2.0, validation=0.3, patience=4)
    best = network.history.best_epoch
    assert best < len(network.history)
    lines = recorded(network)["about"]["lines"]
    assert f"at the best epoch, {best}, whose weights were restored, are those of the run, bit for bit" in "".join(
        lines
    )


def test_a_diverged_run_has_a_report(tmp_path: Path) -> None:
    network = NeuralNetwork([2, 4, 1], ["relu", "linear"], seed=0)
    with pytest.raises(DivergedError) as caught:
        network.train(*points(), epochs=50, lr=1e6)
    caught.value.history.report(tmp_path / "run.html")
    message = recording_in(tmp_path / "run.html")
    assert "diverged in epoch" in "".join(message["about"]["lines"])
    assert message["frames"][-1]["t"] == network.history.reporter.end_step


def test_without_its_data_the_end_of_a_run_is_shown_and_it_is_said() -> None:
    network = trained()
    network.history.reporter.release_data(0)
    message = recorded(network)
    assert len(message["frames"]) == len(message["walks"]) == 1
    assert message["frames"][0]["t"] == message["walks"][0]["t"] == network.history[-1].step
    assert np.array_equal(decoded(message["frames"][0]["quantities"]["w1"]), network.weights[0])
    assert "Only the end of the run is shown, measured on 72 samples" in "".join(message["about"]["lines"])
    costs = message["frames"][0]["costs"]
    assert costs["every"] == 8 and decoded(costs["train"]) == pytest.approx(network.history["cost"])


def test_no_copies_of_a_large_network_are_kept() -> None:
    network = NeuralNetwork([2, 1200, 900, 1], ["tanh", "tanh", "sigmoid"], "binary_cross_entropy", seed=3)
    network.train(*points(), epochs=1, lr=0.01)
    kept = network.history.reporter
    assert kept.sources is None and kept.start["arrays"] == kept.end == {}
    message = recorded(network)
    assert "no copy of so large a network is kept" in "".join(message["about"]["lines"])
    units = message["run"]["layers"][1]["shown"]
    assert np.array_equal(decoded(message["frames"][0]["quantities"]["w1"]), network.weights[0][units])


def test_data_from_a_file_are_not_read_again(tmp_path: Path) -> None:
    x, y = points(400)
    for name, values in (("x", x.T), ("y", y.T)):
        np.save(tmp_path / f"{name}.npy", np.ascontiguousarray(values))
    network = NeuralNetwork([2, 6, 1], ["tanh", "sigmoid"], "binary_cross_entropy", seed=3)
    network.train(tmp_path / "x.npy", tmp_path / "y.npy", epochs=2, lr=0.3)
    message = recorded(network)
    assert len(message["frames"]) == 1 and "its data lay in a file" in "".join(message["about"]["lines"])


@pytest.mark.parametrize("change", [pickle.dumps, None])
def test_a_history_without_its_run_says_so(change: Any, tmp_path: Path) -> None:
    network = trained()
    if change:
        history = pickle.loads(pickle.dumps(network.history))
    else:
        network.save(tmp_path / "m")
        history = NeuralNetwork.load(tmp_path / "m").history
    with pytest.raises(ParameterError, match="no run to report on"):
        history.report(tmp_path / "run.html")
    assert not (tmp_path / "run.html").exists()


def test_a_large_network_fits_into_the_limit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = [200, 150, 150, 150, 150, 10]
    network = NeuralNetwork(layers, ["relu"] * 4 + ["softmax"], "categorical_cross_entropy", seed=1)
    x, y = rng.normal(size=(200, 600)), rng.integers(0, 10, 600)
    network.train(x, y, epochs=2, lr=0.01, batch_size=128, optimizer="adam")
    network.history.report(tmp_path / "run.html")
    message = recording_in(tmp_path / "run.html")
    assert (tmp_path / "run.html").stat().st_size < MAX_BYTES
    assert len(message["frames"]) >= 4 and len(message["walks"]) == 3


def test_steps_of_frames_are_dense_at_the_beginning() -> None:
    steps = frame_steps(0, 12_000, 40)
    assert steps[:4] == [0, 1, 2, 3] and steps[-2:] == [11_999, 12_000] and len(steps) <= 41
    assert frame_steps(5, 9, 40) == [5, 6, 7, 8, 9] and frame_steps(0, 0, 40) == [0]


def test_names_from_a_file_stay_text(tmp_path: Path) -> None:
    network = trained()
    evil = "</script><script>document.title='x'</script><!--<script>"
    network.history.reporter.names = Names(evil, (evil, "b"), (), ("no", evil), (evil,))
    network.history.report(tmp_path / "run.html")
    text = (tmp_path / "run.html").read_text()
    data = text[text.index("window.__glassnet") : text.index('<script type="module">')]
    assert text.count("</script>") == 2 and "<!--" not in data and data.count("<script") == 0
    message = recording_in(tmp_path / "run.html")
    assert message["run"]["data"]["inputs"][0] == message["run"]["classes"][1] == message["about"]["title"] == evil


def test_a_page_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(PageMissing, match=r"index.html of the page is missing from this installation"):
        report_html({"about": {"title": ""}}, tmp_path)


@pytest.mark.parametrize(
    ("activation", "cost", "y", "expected"),
    [
        ("sigmoid", "binary_cross_entropy", np.array([[0.0], [1.0]]), ("0", "1")),
        ("sigmoid", "binary_cross_entropy", np.array([[0.2], [1.0]]), ()),
        ("linear", "quadratic", np.array([[0.0], [1.0]]), ()),
    ],
)
def test_classes_are_recognised(activation: str, cost: str, y: np.ndarray, expected: tuple[str, ...]) -> None:
    network = NeuralNetwork([2, 1], [activation], cost)
    assert class_names(network.architecture, y, ()) == expected


# The command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = ["width,height,colour,same,good"]
    for _ in range(120):
        a, b, c = rng.normal(), rng.normal(), rng.choice(["red", "green"])
        lines.append(f"{a:.3f},{b:.3f},{c},7,{'yes' if a * b > 0 else 'no'}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "table.csv"


def command(*arguments: Any) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("options", [("--hidden", 5, "--epochs", 4), ("--preset", "fast", "--time-limit", 1)])
def test_the_command_writes_a_report(table: Path, tmp_path: Path, options: tuple[Any, ...]) -> None:
    folder = tmp_path / "made" / "here"
    arguments = ("--target", "good", "--out", tmp_path / "m", "--report", folder, "--quiet")
    output = command("train", table, *arguments, *options)
    assert str(folder / "run.html") in re.sub(r"\s", "", output)
    message = recording_in(folder / "run.html")
    assert message["run"]["classes"] == ["no", "yes"] and message["run"]["data"]["inputs"][:2] == ["width", "height"]
    text = "\n".join(message["about"]["lines"])
    assert "The data are table.csv; y is 'good'." in text and "same: left out" in text
    assert "bit for bit" in text and (folder / "run.html").stat().st_size < MAX_BYTES


def test_a_file_in_place_of_the_folder_is_refused_before_training(table: Path, tmp_path: Path) -> None:
    arguments = ["train", table, "--target", "good", "--out", tmp_path / "m", "--report", table]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 2 and "is a file; name a folder" in " ".join(result.output.split())
    assert not (tmp_path / "m").exists()


# Steps as pages -------------------------------------------------------------------------------------------------------


def test_an_explained_step_is_a_recording_of_its_walk() -> None:
    network = NeuralNetwork([2, 3, 1], ["tanh", "sigmoid"], seed=3)
    x, y = points(4)
    explanation = network.explain_step(x, y, lr=0.5, optimizer="adam")
    message = explanation.page.recorded(explanation)
    assert message["view"] == "step" and len(message["frames"]) == len(message["walks"]) == 1
    walk = message["walks"][0]
    for name, values in explanation.trace.items():
        assert np.array_equal(decoded(walk["quantities"][name]), values), name
    assert np.array_equal(decoded(message["frames"][0]["quantities"]["dw1"]), explanation.trace["dw1"])
    assert walk["predicted"] == explanation.predicted and walk["verdict"] == explanation.verdict
    assert message["about"]["lines"][0].startswith("One step of adam at rate 0.5 on 4 samples")


def test_rows_have_the_plain_page() -> None:
    network = NeuralNetwork([2, 3, 1], seed=3)
    page = network.explain_step(*points(4), notation="rows").html()
    assert "<script" not in page and "z1 = a0·W1 + b1" in page


def test_the_command_writes_a_step_with_the_names_of_the_table(table: Path, tmp_path: Path) -> None:
    command("step", table, "--target", "good", "--row", 3, "--batch-size", 2, "--html", tmp_path / "step.html")
    message = recording_in(tmp_path / "step.html")
    assert message["about"]["title"] == "One training step on rows 3 to 4"
    assert message["run"]["data"]["inputs"][:2] == ["width", "height"] and message["run"]["classes"] == ["no", "yes"]
    assert any("row 3 holds" in line or "holds width" in line for line in message["about"]["lines"])


def test_names_of_a_table_without_classes() -> None:
    class Target:
        name = "price"

    assert table_names(None, Target()) == Names("", (), ("price",), (), ())


# In a browser ---------------------------------------------------------------------------------------------------------


@pytest.mark.browser
def test_a_report_opens_from_a_file_and_walks_its_steps(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    network = trained()
    evil = "<b>bold</b></script>"
    network.history.reporter.names = Names("A run", (evil, "b"), (), ("no", "yes"))
    network.history.report(tmp_path / "run.html")
    message, problems, requests = recording_in(tmp_path / "run.html"), list[str](), list[str]()
    with playwright.sync_playwright() as start:
        browser = start.chromium.launch(**CHROMIUM)
        page = browser.new_page()
        page.on("console", lambda line: problems.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((tmp_path / "run.html").as_uri())
        page.wait_for_selector("text=A run")
        assert evil in page.inner_text("body") and page.locator("b", has_text="bold").count() == 0
        for walk in message["walks"]:
            _compare_walk(page, walk)
        browser.close()
    assert problems == [] and [url.split(":")[0] for url in requests] == ["file"]


def _compare_walk(page: Any, walk: dict[str, Any]) -> None:
    """Open a recorded step, and compare every number of its stages that is shown with the walk."""
    page.get_by_text("One step", exact=True).first.click()
    page.get_by_text(f"step {walk['t']}", exact=True).first.click()
    page.wait_for_function("t => document.body.innerText.includes(`of step ${t}`)", arg=walk["t"])
    numbers, compared = {name: decoded(values) for name, values in walk["quantities"].items()}, set()
    for _ in walk["stages"]:
        for quantity, step, value in page.eval_on_selector_all("[data-q][data-value]", SHOWN):
            kind, *place = quantity.split("/")
            values = numbers.get(f"{kind}{place[0] if place else ''}")
            if values is not None and step == str(walk["t"]) and len(place) == 3:
                assert float(value) == values[int(place[1]), int(place[2])], quantity
                compared.add(kind)
        page.keyboard.press("ArrowRight")
    assert {"z", "a", "delta", "dw"} <= compared


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_a_fit_of_an_estimator_has_the_report_of_its_end(kind: str, tmp_path: Path) -> None:
    from glassnet import MLPClassifier, MLPRegressor

    x, y = points(60)
    targets = np.where(y[0] > 0, "in", "out") if kind == "classes" else x[0] * 2
    model = (MLPClassifier if kind == "classes" else MLPRegressor)(hidden_layer_sizes=(5,), max_iter=20, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        model.fit(x.T, targets)
    model.report(tmp_path / "run.html")
    message = recording_in(tmp_path / "run.html")
    assert message["run"]["classes"] == (["in", "out"] if kind == "classes" else [])
    assert np.array_equal(decoded(message["frames"][0]["quantities"]["w1"]), model.coefs_[0].T)
    assert "it was fitted by an estimator" in "".join(message["about"]["lines"])
    assert decoded(message["frames"][0]["costs"]["train"]) == pytest.approx(model.loss_curve_)
    with pytest.raises(ParameterError, match="no record of a fit to report on"):
        pickle.loads(pickle.dumps(model)).report(tmp_path / "other.html")

"""Mixed precision as people meet it: where it is asked for, refused, warned of, printed, saved and loaded."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import (
    MLPClassifier,
    MLPRegressor,
    NeuralNetwork,
    TabularClassifier,
    TabularRegressor,
    gradient_check,
    load,
    scale,
    to_source,
)
from glassnet.errors import ModelFileError, ParameterError
from glassnet.execution import executor
from glassnet.execution.executor import emulation_note
from glassnet.files.model_file import SCHEMA
from glassnet.files.schema import fields, one_of
from glassnet.files.storage import read_tensors
from glassnet.program.precision import EMULATE
from tests.faces.refusals import refused
from tests.faces.test_cli import refused as refused_command
from tests.faces.test_cli import run as command
from tests.mixed_precision import MIXED, emulated

__all__ = ["emulated"]
Array = np.ndarray[Any, Any]
X, Y = np.random.default_rng(0).normal(size=(4, 60)), np.random.default_rng(1).integers(0, 3, 60)
UNAVAILABLE = ("the compiled engine cannot compute", MIXED, "AVX512_BF16", "Numba 0.62", f"{EMULATE}=1")
NEW_NETWORK = (*UNAVAILABLE, "; take precision 'float32' or engine 'numpy', or set")
MADE_NETWORK = (*UNAVAILABLE, "net.astype('float32', 'float32')", "NeuralNetwork.load(path, engine='numpy')")
ESTIMATOR = (*UNAVAILABLE, "; leave precision out, or set")
COMMAND = (*UNAVAILABLE, "; leave --precision out, or set")


def network(engine: str = "numpy", **options: Any) -> NeuralNetwork:
    options = {"seed": 1, "engine": engine, "precision": MIXED, **options}
    return NeuralNetwork([4, 6, 3], ["relu", "softmax"], "categorical_cross_entropy", **options)


@pytest.fixture(autouse=True)
def without_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor like any before AVX512_BF16."""
    monkeypatch.setattr(executor, "has_instructions", lambda: False)


# ---- refused, or emulated with one warning


@pytest.mark.parametrize("setting", [None, "", "0", "yes"])
def test_the_compiled_engine_refuses_it_in_a_sentence(setting: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EMULATE, raising=False)
    if setting is not None:
        monkeypatch.setenv(EMULATE, setting)
    plain = network("compiled", precision=None)
    for call in (
        lambda: network("compiled"),
        lambda: plain.astype("float32", MIXED),
        lambda: plain.predict(X, precision=MIXED),
    ):
        refused(call, ParameterError, NEW_NETWORK)
    estimator = MLPClassifier((5,), precision=MIXED)
    for call in (estimator.fit, estimator.partial_fit, MLPRegressor(precision=MIXED).fit):
        refused(partial(call, X.T, Y), ParameterError, ESTIMATOR)


def test_a_file_opens_everywhere_and_predicts_but_does_not_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(EMULATE, raising=False)
    network().save(tmp_path / "net.safetensors")
    net = load(tmp_path / "net.safetensors")
    assert (net.engine, net.precision) == ("compiled", MIXED)
    assert np.allclose(net.predict(X), network().predict(X), atol=1e-6)
    assert gradient_check(net, X, Y).roundings
    before = net.parameters.vector.tobytes()
    refused(lambda: net.train(X, Y, verbose=0), ParameterError, MADE_NETWORK)
    refused(lambda: net.trace(X, Y), ParameterError, MADE_NETWORK)
    assert (net.parameters.vector.tobytes(), net.history) == (before, None)
    for usable in (net.astype("float32", "float32"), NeuralNetwork.load(tmp_path / "net.safetensors", engine="numpy")):
        usable.train(X, Y, epochs=1, verbose=0)


def test_emulation_warns_once_and_the_history_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EMULATE, "1")
    emulation_note.cache_clear()
    with pytest.warns(RuntimeWarning, match="are emulated") as caught:
        histories = [network("compiled").train(X, Y, epochs=1, verbose=0) for _ in range(2)]
    assert len(caught) == 1
    assert all(any(EMULATE in sentence for sentence in history.warnings) for history in histories)
    assert network("numpy").train(X, Y, epochs=1, verbose=0).warnings == []


def test_a_processor_with_the_instructions_needs_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernels are then those of the instructions, and nothing is warned of."""
    monkeypatch.delenv(EMULATE, raising=False)
    monkeypatch.setattr(executor, "has_instructions", lambda: True)
    assert network("compiled").train(X, Y, epochs=1, verbose=0).warnings == []


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        ({"dtype": "float64"}, (MIXED, "'float64'", "take dtype float32")),
        ({"precision": "float64"}, ("'float64'", "'float32'", "leave precision out")),
        ({"precision": "float32", "dtype": "float64"}, ("'float64'", "'float32'", "leave precision out")),
        ({"precision": "bfloat16"}, ("precision 'bfloat16' is unknown", MIXED)),
        ({"precision": 16}, ("precision", "16", MIXED)),
    ],
)
def test_precisions_that_do_not_fit_are_refused(options: dict[str, Any], fragments: tuple[str, ...]) -> None:
    refused(lambda: network(**options), ParameterError, fragments)
    if "dtype" not in options:
        refused(lambda: network(precision=None).predict(X, **options), ParameterError, fragments)


def test_the_name_of_the_dtype_is_its_precision() -> None:
    assert network(precision="float32").precision == network(precision=None).precision == "float32"
    assert network(precision="float64", dtype="float64").precision == "float64"
    assert network().astype("float64").precision == "float64"


# ---- printed


def test_the_program_and_the_views_of_a_step_say_what_is_rounded() -> None:
    net = network()
    text = str(net.program)
    for line in ("z1 = bf16(W1)·bf16(a0) + b1", "δ1 = bf16(W2)ᵀ·bf16(δ2)", "dW1 = bf16(δ1)·bf16(a0)ᵀ / m"):
        assert line in text
    assert text.endswith("products of these are added in float32")
    assert f"float32, products in {MIXED}" in repr(net)
    trace = net.trace(X, Y)
    assert f"float32, products in {MIXED}" in str(trace)
    assert set(trace["bf16(W1)"].ravel().view(np.uint32) & 0xFFFF) == {0}
    assert f"float32, products in {MIXED}" in str(net.explain_step(X, Y, dtype=None))
    assert "bf16" not in str(net.explain_step(X, Y)).replace(MIXED, "")
    assert f"computed in float64, without the rounding of {MIXED}, by engine" in " ".join(
        str(net.explain_step(X, Y)).split()
    )
    nudge = net.nudge(X, Y, "w1[0,0]")
    assert f"without the rounding of {MIXED}" in str(nudge)
    assert nudge.difference < 1e-6
    net.train(X, Y, 10, 1, 0.01, verbose=0)
    assert f"trained in {MIXED}, costs of the data in float32" in str(net.diagnose(X, Y))


def test_nothing_of_it_shows_on_a_float32_network() -> None:
    net = network(precision=None)
    for shown in (net.program, net, net.trace(X, Y), net.explain_step(X, Y, dtype=None), net.nudge(X, Y, "w1[0,0]")):
        assert "bf" not in str(shown)


# ---- saved


def test_a_model_file_remembers_it_and_a_reader_that_knows_none_refuses(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    net = network()
    net.save(path)
    assert NeuralNetwork.load(path, engine="numpy").precision == MIXED
    assert net.describe()["dtype"] == MIXED
    _, document = read_tensors(path)
    older = fields({"network": fields({"dtype": one_of("float32", "float64")})})  # the schema before mixed precision
    with pytest.raises(ValueError, match=rf"network\.dtype is '{MIXED}'; it must be one of float32, float64"):
        older(document, "")
    SCHEMA(document, "")
    network(precision=None).save(path)
    older(read_tensors(path)[1], "")


def test_a_damaged_precision_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    network().save(path)
    content = path.read_bytes().replace(b"mixed_bfloat16", b"mixed_bfloat17")
    path.write_bytes(content)
    with pytest.raises(ModelFileError):
        load(path)


# ---- estimators, lanes, the command


def test_estimators_fit_in_it_whatever_the_dtype_of_x(emulated: None, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 4))
    y = x[:, 0] * x[:, 1] + x[:, 2]
    for kind, target in ((MLPClassifier, (y > 0).astype(int)), (MLPRegressor, y)):
        options: dict[str, Any] = {"hidden_layer_sizes": (20,), "max_iter": 30, "random_state": 0, "tol": 0}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 30 epochs are few
            mixed = kind(**options, precision=MIXED).fit(x, target)
            plain = kind(**options, dtype="float32").fit(x, target)
        assert mixed.coefs_[0].dtype == np.float32
        assert not np.array_equal(mixed.coefs_[0], plain.coefs_[0])
        assert abs(mixed.loss_ - plain.loss_) < 0.02 * plain.loss_
        assert mixed.hidden(x).dtype == np.float32
        mixed.save(tmp_path / "model.safetensors")
        again = load(tmp_path / "model.safetensors")
        assert again.precision == MIXED
        assert np.array_equal(again.predict(x), mixed.predict(x))
        assert again.get_params()["precision"] == MIXED


def test_estimators_refuse_it_where_it_makes_no_sense(emulated: None) -> None:
    refused(
        lambda: MLPClassifier(solver="lbfgs", precision=MIXED).fit(X.T, Y),
        ParameterError,
        ("solver 'lbfgs' computes in float64", MIXED, "'adam' or 'sgd'"),
    )
    refused(
        lambda: MLPClassifier(dtype="float64", precision=MIXED).fit(X.T, Y),
        ParameterError,
        (MIXED, "'float64'", "take dtype float32"),
    )


def test_lanes_train_in_it(emulated: None) -> None:
    results = []
    for precision in (MIXED, MIXED, None):
        net = network("compiled", precision=precision)
        scale.fit(net, X.T, Y, client=False, lanes=2, epochs=2, batch_size=10, verbose=0)
        results.append(net.parameters.vector.tobytes())
    assert results[0] == results[1] != results[2]


@pytest.mark.usefixtures("emulated")
def test_the_command_trains_in_it_or_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, model = tmp_path / "table.csv", tmp_path / "model.safetensors"
    rows = [f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}" for a, b in X[:2].T]
    table.write_text("\n".join(["a,b,y", *rows]))
    tabular = ["train", table, "--target", "y", "--out", model, "--preset", "fast", "--quiet", "--precision"]
    arguments = [*tabular[:6], "--epochs", 2, *tabular[-2:]]
    monkeypatch.delenv(EMULATE, raising=False)
    assert all(fragment in refused_command(*arguments, MIXED) for fragment in COMMAND)
    assert "precision 'half' is unknown. Known: float32, mixed_bfloat16." in refused_command(*arguments, "half")
    assert all(fragment in refused_command(*tabular, MIXED) for fragment in COMMAND)
    assert "precision 'half' is unknown. Known: float32, mixed_bfloat16." in refused_command(*tabular, "half")
    assert not model.exists()
    monkeypatch.setenv(EMULATE, "1")
    assert f"float32, products in {MIXED}" in command(*arguments, MIXED)
    monkeypatch.delenv(EMULATE)
    assert "bf16(W1)" in command("show", model)
    assert "accuracy" in command("evaluate", model, table)
    assert f"the gradients in {MIXED}" in " ".join(command("check", model, table).split())
    monkeypatch.setenv(EMULATE, "1")
    command(*tabular, MIXED)
    monkeypatch.delenv(EMULATE)
    assert "bf16(W1)" in command("show", model, "--member", 1)
    assert "accuracy" in command("evaluate", model, table)


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_tabular_models_train_in_it_and_predict_in_float32(
    kind: type, tmp_path: Path, emulated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    y = X[:3].argmax(0)
    fits = [kind(preset="fast", random_state=0, precision=precision).fit(X.T, y) for precision in (MIXED, MIXED, None)]
    assert [fit.members_[0].network.precision for fit in fits] == [MIXED, MIXED, "float32"]
    vectors = [fit.members_[0].network.parameters.vector.tobytes() for fit in fits]
    assert vectors[0] == vectors[1] != vectors[2]
    fits[0].save(tmp_path / "model.safetensors")
    expected = fits[0].predict(X.T)
    monkeypatch.delenv(EMULATE)
    loaded = load(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.predict(X.T), expected)
    assert loaded.members_[0].network.precision == MIXED
    refused(lambda: kind(precision=MIXED).fit(X.T, y), ParameterError, ESTIMATOR)
    with pytest.raises(ValueError, match=r"'precision' parameter .* must be None or a str among"):
        kind(precision="float64").fit(X.T, y)


def test_an_export_computes_what_predict_computes() -> None:
    mixed, plain = (to_source(network(precision=precision)) for precision in (MIXED, None))
    assert mixed == plain

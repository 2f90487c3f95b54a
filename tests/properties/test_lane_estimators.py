"""MLPClassifier and MLPRegressor fitted in lanes: the attributes of a fit, and a fit that was broken off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import glassnet
from glassnet import DataError, MLPClassifier, MLPRegressor, ModelFileError, ParameterError
from glassnet.estimators.base_mlp import BaseMLP
from glassnet.files.storage import read_tensors, write_tensors
from glassnet.scale import DaskMLPClassifier, DaskMLPRegressor, fit
from glassnet.scale.learnt_encoding import learnt_encoding
from glassnet.scale.local import LocalRunner
from glassnet.scale.table_encoding import prepared_columns

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
LANES: dict[str, Any] = {"client": False, "lanes": 2, "steps_per_round": 6}
PARAMETERS: dict[str, Any] = {"hidden_layer_sizes": (8,), "batch_size": 10, "max_iter": 6, "random_state": 3}
PARAMETERS |= {"learning_rate_init": 0.02}
CLASSES = np.array(["left", "middle", "right"])


@pytest.fixture(scope="module")
def samples() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).normal(size=(240, 5)).astype(np.float32)
    return X, X[:, :3].argmax(axis=1)


def classifier(**options: Any) -> MLPClassifier:
    return MLPClassifier(**{**PARAMETERS, **options})


def regressor(**options: Any) -> MLPRegressor:
    return MLPRegressor(**{**PARAMETERS, **options})


def bytes_of(estimator: BaseMLP) -> bytes:
    return b"".join(array.tobytes() for array in (*estimator.coefs_, *estimator.intercepts_))


def test_a_classifier_has_the_attributes_of_a_fit(samples: Any) -> None:
    X, y = samples[0], CLASSES[samples[1]]
    fitted = fit(classifier(max_iter=12), X, y, **LANES)
    plain = classifier(max_iter=12).fit(X, y)
    ours, theirs = ({name for name in vars(each) if name.endswith("_")} for each in (fitted, plain))
    assert ours - theirs == {"lanes_", "preparation_"} and theirs <= ours
    assert fitted.classes_.tolist() == CLASSES.tolist() and fitted.n_iter_ == len(fitted.loss_curve_) == 12
    assert fitted.score(X, y) > 0.9 and fitted.n_features_in_ == 5
    assert fitted.lanes_["lanes"] == 2 and fitted.lanes_["steps_per_round"] == 6
    fitted.partial_fit(X, y)


def test_the_initial_weights_are_those_of_a_fit(samples: Any) -> None:
    X, y = samples
    lanes, plain = (classifier(max_iter=1, learning_rate_init=1e-12, solver="sgd") for _ in range(2))
    fit(lanes, X, y, **LANES)
    plain.fit(X, y)
    np.testing.assert_allclose(lanes.coefs_[0], plain.coefs_[0], atol=1e-7)


def test_a_regressor_is_judged_by_r2(samples: Any) -> None:
    """On validation blocks, whose sums give what scikit-learn computes of all of them at once."""
    X = samples[0]
    y = np.stack([X[:, 0] - X[:, 1], 2 * X[:, 2]], axis=1)
    options = {"early_stopping": True, "max_iter": 20, "n_iter_no_change": 4}
    blocks = [(X[180:200], y[180:200]), (X[200:], y[200:])]
    fitted = fit(regressor(**options), X[:180], y[:180], validation=blocks, **LANES)
    assert fitted.best_validation_score_ == max(fitted.validation_scores_) > 0.8
    assert fitted.score(X[180:], y[180:]) == pytest.approx(fitted.best_validation_score_, abs=1e-6)


def test_early_stopping_holds_out_a_fraction(samples: Any) -> None:
    fitted = fit(classifier(early_stopping=True, max_iter=40, n_iter_no_change=3), *samples, **LANES)
    assert len(fitted.validation_scores_) == fitted.n_iter_ == len(fitted.validation_loss_curve_) < 40
    best = int(np.argmax(fitted.validation_scores_))
    assert fitted.n_iter_ == best + 1 + 4 or max(np.diff(sorted(fitted.validation_scores_))) < 1e-3


@pytest.mark.parametrize(
    ("y", "class_weight"),
    [
        (CLASSES[[0, 1, 2, 1, 0, 2]], {"left": 2.0, "middle": 0.5, "right": 1.0}),
        (np.array([7, 3, 7, 7, 3, 7]), {3: 4.0, 7: 0.25}),
        (np.array([5, 5, 5, 5, 5, 5]), None),
        (np.array([[0, 1], [1, 1], [0, 0], [1, 0], [0, 1], [1, 1]]), [{0: 1.0, 1: 3.0}, {0: 2.0, 1: 5.0}]),
        (
            np.array([[4, 1], [2, 9], [4, 5], [6, 1], [2, 5], [6, 9]]),
            [{2: 2.0, 4: 3.0, 6: 1.0}, {1: 5.0, 5: 7.0, 9: 1.0}],
        ),
    ],
)
def test_a_block_is_encoded_as_in_a_fit(samples: Any, y: Any, class_weight: Any) -> None:
    """What is sent to workers as plain data gives the targets and weights that the estimator itself gives."""
    estimator, X = classifier(class_weight=class_weight), samples[0][: len(y)]
    own = estimator._prepare(X, y, np.arange(1.0, 7.0), False, np.random.RandomState(0))
    encoding = learnt_encoding(estimator)
    block = encoding(X, y, np.arange(1.0, 7.0))
    for ours, theirs in zip(block, own, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(encoding(X[2:5], y[2:5]).y, own.y[2:5])
    for unknown in (np.full_like(y[:2], "up" if y.dtype.kind == "U" else 8), np.full(y[:2].shape, None)):
        with pytest.raises(DataError, match="y has classes not among"):
            encoding(X[:2], unknown)


@pytest.mark.parametrize("columns", [1, 2])
def test_quantities_are_encoded_as_in_a_fit(samples: Any, columns: int) -> None:
    estimator, X = regressor(), samples[0]
    y = X[:, 0] if columns == 1 else X[:, :2].astype(np.float64)
    own = estimator._prepare(X, y, None, False, np.random.RandomState(0))
    for ours, theirs in zip(learnt_encoding(estimator)(X, y)[:2], own[:2], strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("stopped_in", [2, 12])
@pytest.mark.parametrize(
    "options",
    [
        {"early_stopping": True, "n_iter_no_change": 3},
        {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 2, "tol": 0.01, "learning_rate_init": 0.1},
    ],
)
def test_a_fit_that_was_broken_off_goes_on(
    samples: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_in: int, options: dict[str, Any]
) -> None:
    """With the same patience, best weights and rates, so that it ends at the same epoch with the same bits."""
    path, options = tmp_path / "fit", {**options, "max_iter": 15}
    whole = fit(classifier(**options), *samples, **LANES)
    one_round, left = LocalRunner.round, stopped_in

    def broken(runner: LocalRunner, tasks: Any, shared: Any) -> Any:
        nonlocal left
        left -= 1
        if not left:
            raise DataError("a block is gone")
        return one_round(runner, tasks, shared)

    with monkeypatch.context() as patched:
        patched.setattr(LocalRunner, "round", broken)
        first = classifier(**options)
        with pytest.raises(DataError, match="gone"):
            fit(first, *samples, checkpoint=path, **LANES)
        assert hasattr(first, "coefs_")
    second = fit(classifier(**options), *samples, checkpoint=path, resume=True, **LANES)
    assert bytes_of(second) == bytes_of(whole)
    for name in ("n_iter_", "loss_curve_", "validation_scores_", "best_loss_", "t_"):
        assert getattr(second, name) == getattr(whole, name), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "lbfgs"}, "no mini-batches"),
        ({"scoring": "f1_macro", "early_stopping": True}, "lie in blocks"),
        ({"class_weight": "balanced"}, "needs all of y at once"),
    ],
)
def test_parameters_that_are_refused(samples: Any, options: dict[str, Any], message: str) -> None:
    estimator = classifier(**options)
    with pytest.raises(ParameterError, match=message):
        fit(estimator, *samples, **LANES)
    assert not hasattr(estimator, "coefs_")


def test_an_estimator_that_is_refused_for_its_data_stays_as_it_was(samples: Any) -> None:
    X, y = samples
    broken = X[120:].copy()
    broken[3, 2] = np.inf
    estimator = classifier().fit(X, y)
    before = bytes_of(estimator)
    with pytest.raises(ValueError, match="block 1"):
        fit(estimator, [(X[:120], y[:120]), (broken, y[120:])], **LANES)
    assert bytes_of(estimator) == before and not hasattr(estimator, "lanes_")


def test_a_block_with_a_single_class(samples: Any) -> None:
    X, y = samples
    order = np.argsort(y, kind="stable")
    X, y = X[order], CLASSES[y[order]]
    ends = np.flatnonzero(y[1:] != y[:-1]) + 1
    blocks = list(zip(np.split(X, ends), np.split(y, ends), strict=True))
    fitted = fit(classifier(max_iter=20), blocks, **LANES)
    assert fitted.classes_.tolist() == CLASSES.tolist() and fitted.score(X, y) > 0.85


def mixed_table(folder: Path, target: str) -> Any:
    """A table of numbers and text, with missing cells; the folder gets its columns but the other target."""
    rng = np.random.default_rng(1)
    table = pa.table({"a": [None, *rng.normal(size=119)], "t": rng.choice(["u", "v"], 120), "size": rng.random(120)})
    table = table.append_column("side", [CLASSES[(np.asarray(table["t"]) == "u").astype(int)]])
    folder.mkdir()
    pq.write_table(table.drop_columns({"side", "size"} - {target}), folder / "part.parquet")
    return table.select(["t", "a"])


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_plain_estimator_of_prepared_columns_is_saved_with_their_preparation(tmp_path: Path, kind: Any) -> None:
    target, path = "side" if kind is MLPClassifier else "size", tmp_path / "model.safetensors"
    frame = mixed_table(tmp_path / "rows", target)
    fitted = fit(kind(**PARAMETERS), str(tmp_path / "rows"), target, **LANES)
    fitted.save(path)
    expected = fitted.predict(prepared_columns(fitted.preparation_, frame))
    np.testing.assert_array_equal(glassnet.load(path).predict(frame), expected)
    fitted.fit(np.arange(40.0).reshape(20, 2), [0, 1] * 10).save(path)  # of other columns
    assert not hasattr(fitted, "preparation_") and isinstance(glassnet.load(path), kind)


def test_a_run_that_was_broken_off_leaves_a_model_that_can_be_used(
    samples: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    def broken(runner: LocalRunner, tasks: Any, shared: Any) -> Any:
        raise DataError("a block is gone")

    monkeypatch.setattr(LocalRunner, "round", broken)
    frame, model = mixed_table(tmp_path / "rows", "side"), DaskMLPClassifier(**PARAMETERS, **LANES)
    with pytest.raises(DataError, match="gone"):
        model.fit(str(tmp_path / "rows"), "side")
    assert model.predict(frame).shape == (len(frame),)


@pytest.mark.parametrize(("kind", "target"), [(DaskMLPClassifier, "side"), (DaskMLPRegressor, "size")])
def test_an_estimator_of_prepared_columns_is_saved_with_their_preparation(
    tmp_path: Path, kind: Any, target: str
) -> None:
    frame = mixed_table(tmp_path / "rows", target)
    fitted = kind(**PARAMETERS, **LANES).fit(str(tmp_path / "rows"), target)
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    loaded = glassnet.load(path)
    np.testing.assert_array_equal(loaded.predict(frame), fitted.to_local().predict(frame))
    assert loaded[0].get_feature_names_out().tolist() == fitted.preparation_.features
    with pytest.raises(ModelFileError, match=rf"holds a {kind.plain.__name__} of prepared columns.*glassnet\.load"):
        kind.plain.load(path)
    tensors, document = read_tensors(path)
    for damage in ({"kind": "table", "columns": []}, {"kind": "arrays"}, None):
        write_tensors(path, tensors, document | {"columns": damage})
        with pytest.raises(ModelFileError, match="is damaged: its columns"):
            glassnet.load(path)

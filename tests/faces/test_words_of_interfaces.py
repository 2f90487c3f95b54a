"""Each interface speaks in its own words: the names of its options in errors, no −0 in scores, findings one by one."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from typer.testing import CliRunner

from glassnet import MLPClassifier, MLPRegressor, NeuralNetwork, TabularClassifier
from glassnet.cli.app import app
from glassnet.cli.scores import score_text
from glassnet.errors import DataError, DivergedError, ParameterError
from glassnet.execution.evaluation import Evaluation
from glassnet.see.diagnosis import Diagnosis
from glassnet.see.evidence import Finding
from glassnet.tabular.scores import class_scores

ROOT = Path(__file__).resolve().parents[2]


def test_a_fit_that_diverges_names_the_parameters_of_estimators() -> None:
    X, _ = load_iris(return_X_y=True)
    with pytest.raises(DivergedError, match=r"Try a smaller learning_rate_init, or make_pipeline\(") as caught:
        MLPRegressor(solver="sgd", learning_rate_init=1e6, random_state=0).fit(X * 1e3, X[:, 0])
    assert not re.search(r"\blr\b|clip_norm", str(caught.value))


def test_a_command_that_diverges_names_its_option(tmp_path: Path) -> None:
    out = tmp_path / "model.safetensors"
    file, options = ROOT / "docs" / "data" / "wine.csv", ["--optimizer", "sgd", "--lr", "1e30", "--quiet"]
    result = CliRunner().invoke(app, ["train", str(file), "--target", "alcohol", "--out", str(out), *options])
    assert result.exit_code == 2 and not out.exists()
    message = " ".join(result.stderr.split())
    assert message.endswith("Try a smaller --lr (one_cycle peaks at ten times it); no model file was written.")
    assert "clip_norm" not in message and "network keeps" not in message


def test_a_reworded_error_keeps_its_history_and_reason() -> None:
    x = np.ones((1, 8))
    with pytest.raises(DivergedError) as caught:
        NeuralNetwork([1, 1], ["linear"], seed=0).train(x, 1e3 * x, batch_size=4, epochs=50, lr=1e20)
    error = caught.value.reworded("Try less.")
    assert error.history is caught.value.history is not None
    assert "The network keeps" not in str(error)
    assert str(error).endswith(". Try less.") and str(error).count("Try") == 1
    assert str(error.reworded("Or more.")).endswith(". Or more.")


def test_a_near_miss_of_an_estimator_names_what_scikit_learn_calls_it() -> None:
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ParameterError, match=r"^loss 'mse' .*mean 'squared_error' \(glassnet's 'quadratic'\)\?$"):
        MLPRegressor(loss="mse").fit(X, y)
    with pytest.raises(ValueError, match=r"'solver' .*such as 'adamw', are given as optimizer=\)\. Got 'adamw'"):
        MLPClassifier(solver="adamw").fit(X, y)


def test_no_score_is_negative_zero() -> None:
    sure = np.array([[1.0, 0.0], [0.0, 1.0 + 1e-7]], np.float32)
    scores = class_scores(sure, np.array([0, 1])).values
    assert str(scores["log_loss"]) == "0.0" and score_text(scores).endswith("log-loss 0.0000")
    assert "log_loss" not in class_scores(sure * np.nan, np.array([0, 1])).values
    assert score_text({"rmse": 1.0, "r2": -1e-9}).endswith("R² 0.0000")
    assert repr(Evaluation(1.0, r2=-1e-9)).endswith("R² 0.0000")


def test_a_diagnosis_is_a_sequence_of_its_findings() -> None:
    found: tuple[Any, ...] = (Finding("a", "b", "c", "d", "e"), Finding("f", "g", "h", "i", "j"))
    diagnosis = Diagnosis(found, "2 layers")
    assert tuple(diagnosis) == diagnosis.findings == found and len(diagnosis) == 2 and found[1] in diagnosis
    assert diagnosis[0].name == "a" and diagnosis.names == ("a", "f")
    assert not Diagnosis((), "2 layers") and pickle.loads(pickle.dumps(diagnosis)) == diagnosis
    assert repr(diagnosis).startswith("2 findings in 2 layers\n\na: b")


def test_text_in_place_of_numbers_or_a_table_is_refused_in_a_sentence() -> None:
    X, _ = load_iris(return_X_y=True)
    with pytest.raises(DataError, match=r"^y holds the text 'a'; a regressor needs numbers: convert it, or take MLPCl"):
        MLPRegressor().fit(X, ["a", "b"] * 75)
    with pytest.raises(DataError, match=r"^X is the name 'train\.csv'; read the file first"):
        TabularClassifier().fit("train.csv", "y")

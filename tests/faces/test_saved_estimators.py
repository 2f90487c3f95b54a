"""Files of MLPClassifier and MLPRegressor: the same estimator comes back, and a file that lies is refused."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import warnings
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError

import glassnet
from glassnet import MLPClassifier, MLPRegressor
from glassnet.errors import ModelFileError
from glassnet.files.storage import read_tensors, write_tensors

from ..limits import cpu_limit
from .document_paths import document_paths

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
SIGN = (X[:, 0] > 0).astype(int)
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
FAST = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
DAYS = np.array(["2020-01-01", "2021-01-01"], "M8[D]")
TARGETS: dict[str, Any] = {
    "text": np.array(["no", "yes, \n ä"])[SIGN],
    "bool": SIGN.astype(bool),
    "int": SIGN * 3 - 1,
    "uint64": np.array([1, 2**64 - 1], np.uint64)[SIGN],
    "float32": SIGN.astype(np.float32),
    "date": DAYS[SIGN],
    "objects": np.array(["a", "b", "c"], object)[THREE],
    "single": np.zeros(60),
    "labels": np.stack([SIGN, 1 - SIGN, SIGN], 1),
    "sparse labels": csr_matrix(np.stack([SIGN, 1 - SIGN, SIGN], 1)),
    "columns": np.stack([SIGN, THREE], 1),
    "mixed columns": np.array([[("x", "y")[a], b] for a, b in zip(SIGN, THREE, strict=True)], object),
}


def fitted(kind: Any, y: Any, **parameters: Any) -> Any:
    return kind(**FAST | parameters).fit(X, y)


def same(first: Any, second: Any) -> None:
    """Raise unless two values have the same type, dtype and bits."""
    assert type(first) is type(second)
    if isinstance(first, np.ndarray):
        assert first.dtype == second.dtype and first.shape == second.shape
        assert first.tolist() == second.tolist() if first.dtype == object else first.tobytes() == second.tobytes()
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            same(one, other)
    elif isinstance(first, dict):
        same([*first.items()], [*second.items()])
    elif hasattr(first, "toarray"):
        same(first.toarray(), second.toarray())
    else:
        assert first == second or first != first


@pytest.mark.parametrize("name", TARGETS)
def test_classes_of_every_type_come_back(tmp_path: Path, name: str) -> None:
    model = fitted(MLPClassifier, TARGETS[name])
    model.save(tmp_path / "m")
    loaded = glassnet.load(tmp_path / "m")
    assert type(loaded) is MLPClassifier
    same(loaded.classes_, model.classes_)
    same(loaded.predict_proba(X), model.predict_proba(X))
    same(loaded.predict(X), model.predict(X))
    assert loaded.score(X, TARGETS[name]) == model.score(X, TARGETS[name])


STEEP = glassnet.custom_activation("steep", lambda z: np.tanh(2 * z), lambda z, a: 2 * (1 - a * a), -1, 1)
CUBIC = glassnet.custom_cost("cubic", lambda a, y: abs(a - y) ** 3, lambda a, y: 3 * (a - y) * abs(a - y))
VARIANTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "layers": (MLPClassifier, {"batch_norm": True, "dropout": 0.1, "activation": [glassnet.LeakyReLU(0.3)]}),
    "stopping": (MLPClassifier, {"early_stopping": True, "class_weight": {0: 1, 1: 2.5}, "dtype": np.float32}),
    "own formula": (MLPClassifier, {"activation": STEEP, "optimizer": glassnet.AdamW(), "schedule": "cosine"}),
    "sgd": (MLPClassifier, {"solver": "sgd", "learning_rate": "adaptive", "tol": np.float64(1e-3)}),
    "state": (MLPClassifier, {"random_state": np.random.RandomState(3), "hidden_layer_sizes": np.array([3, 2])}),
    "lbfgs": (MLPRegressor, {"solver": "lbfgs", "max_iter": 20}),
    "own cost": (MLPRegressor, {"loss": CUBIC, "n_iter_no_change": np.inf}),
    "quantile": (MLPRegressor, {"loss": glassnet.Quantile(0.9), "layer_norm": True}),
    "long": (MLPRegressor, {"max_iter": 150, "tol": 0.0, "n_iter_no_change": 1000}),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_parameters_and_attributes_come_back(tmp_path: Path, name: str) -> None:
    kind, parameters = VARIANTS[name]
    model = fitted(kind, SIGN if kind is MLPClassifier else X[:, :2] @ [[1, 2], [3, -1]], **parameters)
    model.save(tmp_path / "m")
    loaded = kind.load(str(tmp_path / "m"))
    same(loaded.predict(X), model.predict(X))
    transient = {"_network", "_views", "_training", "_optimizer", "_label_binarizer", "random_state"}
    assert vars(loaded).keys() | transient == vars(model).keys() | transient
    for attribute in vars(model).keys() - transient:
        value, again = getattr(model, attribute), getattr(loaded, attribute)
        same(again, value)

    assert loaded._network.describe() == model._network.describe()
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


@pytest.mark.parametrize("more", [{}, {"solver": "sgd"}, {"early_stopping": True, "warm_start": True}])
def test_training_continues_bit_for_bit(tmp_path: Path, more: dict[str, Any]) -> None:
    model = fitted(MLPClassifier, THREE, dropout=0.2, **more)
    model.save(tmp_path / "m")
    loaded = glassnet.load(tmp_path / "m")
    for _ in range(2):
        for estimator in (model, loaded):
            estimator.fit(X, THREE) if "warm_start" in more else estimator.partial_fit(X, THREE)
        same(loaded.coefs_, model.coefs_)
        same(loaded.loss_curve_, model.loss_curve_)


def test_a_random_state_goes_on_where_it_was(tmp_path: Path) -> None:
    state = np.random.RandomState(5)
    state.normal()  # leaves a second normal number for the next call
    fitted(MLPClassifier, SIGN, random_state=state).save(tmp_path / "m")
    assert glassnet.load(tmp_path / "m").random_state.normal(size=3).tolist() == state.normal(size=3).tolist()


def test_weights_that_were_assigned_are_saved(tmp_path: Path) -> None:
    model = fitted(MLPRegressor, X[:, 0])
    model.coefs_[0] = np.ones((3, 4))
    model.save(tmp_path / "m")
    loaded = glassnet.load(tmp_path / "m")
    assert (loaded.coefs_[0] == 1).all()
    loaded.coefs_[0] = np.zeros((3, 4))
    assert len(set(loaded.predict(X))) == 1


def test_columns_keep_their_names_and_dtype(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X.astype(np.float32), columns=["a", "b ä", "c"])
    model = MLPRegressor(**FAST).fit(frame, X[:, 0])
    model.save(tmp_path / "m")
    loaded = glassnet.load(tmp_path / "m")
    same(loaded.feature_names_in_, model.feature_names_in_)
    assert loaded.predict(frame).dtype == model.predict(frame).dtype == np.float32
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame[["b ä", "a", "c"]])


def test_what_no_file_can_hold_is_named(tmp_path: Path) -> None:
    model = fitted(MLPClassifier, SIGN, callbacks=[lambda report: False])
    model.scoring, model.mine = (lambda *arguments: 1.0), object()
    listed = r"callbacks \(a function\), scoring \(a function\), mine \(an instance of object\)"
    with pytest.warns(UserWarning, match=rf"is without {listed}, .*set_params\(callbacks=\.\.\., scoring=\.\.\.\)\.$"):
        model.save(tmp_path / "m")
    loaded = glassnet.load(tmp_path / "m")
    assert loaded.callbacks == () and loaded.scoring is None
    same(loaded.predict(X), model.predict(X))
    model.classes_ = np.array([object(), object()])
    with pytest.raises(ModelFileError, match=r"cannot hold classes_ of this MLPClassifier: .* instance of object"):
        model.save(tmp_path / "n")
    assert not (tmp_path / "n").exists()


def test_other_files_and_classes_are_named(tmp_path: Path) -> None:
    class Mine(MLPRegressor):
        pass

    model = Mine(**FAST).fit(X, X[:, 0])
    model.save(tmp_path / "mine")
    same(Mine.load(tmp_path / "mine").predict(X), model.predict(X))
    with pytest.raises(ModelFileError, match=r"holds a 'Mine'; glassnet.load knows .*MLPClassifier"):
        glassnet.load(tmp_path / "mine")
    fitted(MLPClassifier, SIGN).save(tmp_path / "m")
    with pytest.raises(ModelFileError, match="holds a MLPClassifier, not a MLPRegressor"):
        MLPRegressor.load(tmp_path / "m")
    with pytest.raises(ModelFileError, match=r"holds a fitted MLPClassifier, not a bare network; .* glassnet.load\."):
        glassnet.NeuralNetwork.load(tmp_path / "m")
    glassnet.NeuralNetwork([3, 1], seed=1).save(tmp_path / "net", extra={"by": "me"})
    assert isinstance(glassnet.load(tmp_path / "net"), glassnet.NeuralNetwork)
    with pytest.raises(ModelFileError, match="holds no estimator"):
        MLPClassifier.load(tmp_path / "net")
    with pytest.raises(NotFittedError):
        MLPClassifier().save(tmp_path / "n")


SCRIPT = """
import sys, numpy, glassnet
print(glassnet.load(sys.argv[1]).predict_proba(numpy.load(sys.argv[2])).tobytes().hex())
"""


def test_another_process_predicts_the_same_bits(tmp_path: Path) -> None:
    model = fitted(MLPClassifier, THREE)
    model.save(tmp_path / "m")
    np.save(tmp_path / "x.npy", X)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "m"), str(tmp_path / "x.npy")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == model.predict_proba(X).tobytes().hex()


# Files that lie -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("saved") / "m"
    with warnings.catch_warnings(action="ignore"):
        fitted(MLPClassifier, TARGETS["text"], activation=STEEP, random_state=np.random.RandomState(0)).save(path)
    return path


def refusal(path: Path) -> str:
    """The sentence that refuses a file, or "" where the file is loaded and the estimator predicts."""
    try:
        with cpu_limit(1):
            loaded = glassnet.load(path)
    except ModelFileError as error:
        assert str(error).startswith(str(path)) and str(error).endswith(".") and "\n" not in str(error)
        return str(error)
    if isinstance(loaded, MLPClassifier):
        loaded.predict(X)
    return ""


def test_a_file_cut_anywhere_is_refused(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    for length in range(0, len(whole), 41):
        (tmp_path / "m").write_bytes(whole[:length])
        assert refusal(tmp_path / "m")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_document_with_anything_changed_gives_a_sentence_or_an_estimator(saved: Path, tmp_path: Path) -> None:
    tensors, document = read_tensors(saved)
    refused, failures = 0, []
    paths = [path for path in document_paths(document)[1:] if path[-2:-1] != ("key",)]  # 624 numbers
    for path, wrong in zip(paths, cycle([None, -1, "x", [], {}, {"kind": "list", "items": []}, "left out"])):
        changed = json.loads(json.dumps(document))
        place = changed
        for key in path[:-1]:
            place = place[key]
        if wrong == "left out":
            del place[path[-1]]
        else:
            place[path[-1]] = wrong
        write_tensors(tmp_path / "m", tensors, changed)
        try:
            refused += refusal(tmp_path / "m") != ""
        except (ValueError, TypeError, AttributeError) as error:
            failures.append((path, type(error).__name__, str(error)))
    assert not failures and refused > 50


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("n_features_in_", 4, "its columns do not fit a network of 3 inputs"),
        ("n_outputs_", 2, "its classes do not fit a network of 1 outputs"),
        ("predict", "x", "'predict' is no fitted attribute"),
        ("alpha", 1, "'alpha' is no fitted attribute"),
        ("__class__", "x", "'__class__' is no fitted attribute"),
        ("classes_", {"kind": "list", "items": [1, 2, 3]}, "its classes do not fit"),
        ("classes_", {"kind": "array", "dtype": "<U9999999", "shape": [2], "values": ["a", "b"]}, "2 values of"),
        ("classes_", {"kind": "array", "dtype": "V8", "shape": [1], "values": [0]}, "the dtype 'V8'"),
        ("classes_", {"kind": "array", "tensor": "w1"}, "the tensor 'w1' is missing"),
        ("classes_", {"kind": "function"}, "the kind 'function'"),
    ],
)
def test_impossible_attributes_are_refused(
    saved: Path, tmp_path: Path, attribute: str, value: Any, message: str
) -> None:
    tensors, document = read_tensors(saved)
    document["estimator"]["attributes"][attribute] = value
    write_tensors(tmp_path / "m", tensors, document)
    assert message in refusal(tmp_path / "m")


def test_parameters_of_other_versions(saved: Path, tmp_path: Path) -> None:
    tensors, document = read_tensors(saved)
    del document["estimator"]["parameters"]["beta_2"]
    write_tensors(tmp_path / "m", tensors, document)
    assert glassnet.load(tmp_path / "m").beta_2 == 0.999
    document["estimator"]["parameters"]["new"] = 1
    write_tensors(tmp_path / "m", tensors, document)
    assert "has the parameter 'new', which this MLPClassifier does not know; upgrade" in refusal(tmp_path / "m")


@pytest.mark.parametrize("position", [-1, 625, 2**40, 1.5, True])
def test_a_false_position_of_a_random_state_is_refused(saved: Path, tmp_path: Path, position: Any) -> None:
    tensors, document = read_tensors(saved)
    document["estimator"]["parameters"]["random_state"]["state"][0] = position
    write_tensors(tmp_path / "m", tensors, document)
    assert "the state of a RandomState" in refusal(tmp_path / "m")


def test_flipped_bytes_of_the_header_give_a_sentence_or_an_estimator(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    for offset in range(0, 8 + length, 61):
        content = bytearray(whole)
        content[offset] ^= 1 << (offset % 8)
        (tmp_path / "m").write_bytes(content)
        refusal(tmp_path / "m")

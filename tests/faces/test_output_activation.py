"""An estimator's out_activation_ that is set after a fit: obeyed by predictions as in scikit-learn, never ignored."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier

from glassnet import MLPClassifier, MLPRegressor
from glassnet.errors import ParameterError, ParameterTypeError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)


@pytest.mark.parametrize("y", [Y, Y > 0], ids=["softmax", "logistic"])
def test_predictions_obey_it(y: np.ndarray) -> None:
    theirs = SklearnMLPClassifier(max_iter=10, random_state=0).fit(X, y)
    ours = MLPClassifier.from_sklearn(theirs)
    before = ours.predict_proba(X)
    theirs.out_activation_ = ours.out_activation_ = "identity"
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-12)
    assert abs(ours.predict_proba(X) - before).max() > 0.1
    assert (ours.predict(X) == theirs.predict(X)).all()


def test_a_regressor_obeys_it_too() -> None:
    fitted = MLPRegressor(max_iter=10, random_state=0).fit(X, Y)
    z = fitted.predict(X)
    fitted.out_activation_ = "logistic"
    np.testing.assert_allclose(fitted.predict(X), 1 / (1 + np.exp(-z)), rtol=1e-12)


def test_it_is_refused_where_it_cannot_be_obeyed() -> None:
    fitted = MLPClassifier(max_iter=3, random_state=0).fit(X, Y)
    fitted.out_activation_ = "identity"
    with pytest.raises(ParameterError, match="was trained with 'softmax': set it back to go on training"):
        fitted.partial_fit(X, Y)
    for value, error in (("nonsense", ParameterError), (3, ParameterTypeError)):
        fitted.out_activation_ = value
        with pytest.raises(error, match=r"nonsense|out_activation_ is 3"):
            fitted.predict(X)
    fitted.out_activation_ = "softmax"
    fitted.partial_fit(X, Y)


def test_a_warm_start_with_another_output_has_its_name() -> None:
    fitted = MLPRegressor(max_iter=3, random_state=0, warm_start=True).fit(X, Y)
    fitted.set_params(output_activation="tanh").fit(X, Y)
    assert fitted.out_activation_ == "tanh" and abs(fitted.predict(X)).max() <= 1

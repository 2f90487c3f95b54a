"""Arguments that Python accepts and no float or array can hold: each is refused in a sentence, nothing is changed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassnet import (
    Adam,
    Dropout,
    GlassnetError,
    Huber,
    LeakyReLU,
    MLPClassifier,
    MLPRegressor,
    NeuralNetwork,
    OneCycle,
    TabularRegressor,
    custom_activation,
    custom_cost,
    gradient_check,
    train_many,
)
from glassnet.array_likes import short_repr

from .refusals import X, Y, make, state

HUGE, ENDLESS = 10**400, 10**5000  # neither is a float; Python refuses to spell out the second one
ROWS, TARGET = X.T, Y[0]


class Tensor:
    """Behaves as a tensor of PyTorch that records gradients."""

    requires_grad = True

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape, self.ndim = self.values.shape, self.values.ndim

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")

    def detach(self) -> Any:
        return self


def regressor(**parameters: Any) -> MLPRegressor:
    return MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0, **parameters)


def sentence(call: Callable[[], Any]) -> str:
    """The message of the GlassnetError that a call must raise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a fit of two epochs
        with pytest.raises(GlassnetError) as caught:
            call()
    return str(caught.value)


OVERSIZED: dict[str, Callable[[Any], Any]] = {
    **{name: (lambda n, name=name: make().train(X, Y, **{name: n})) for name in ("lr", "clip_norm", "time_limit")},
    "lr_factors": lambda n: make().train(X, Y, lr_factors=[n, 1]),
    "lr_factors by name": lambda n: make().train(X, Y, lr_factors={"biases": n}),
    "sample_weight": lambda n: make().train(X, Y, sample_weight=[n] * 8),
    "x": lambda n: make().predict([[n]] * 3),
    "override": lambda n: make().cost(X, Y, override={"w1[0,0]": n}),
    "l2": lambda n: make(l2=n),
    "seed": lambda n: make(seed=n),
    "width": lambda n: make([3, n, 2]),
    "Adam": lambda n: Adam(epsilon=n),
    "OneCycle": lambda n: OneCycle(peak=n),
    "Dropout": lambda n: Dropout(n),
    "LeakyReLU": lambda n: LeakyReLU(n),
    "Huber": lambda n: Huber(n),
    "constant of a formula": lambda n: custom_activation("c", lambda z: n * z, lambda z: z),
    "limits of a cost": lambda n: custom_cost("c", lambda a, y: a * y, lambda a, y: y, outputs=(n, 0)),
    "learning_rate_init": lambda n: regressor(learning_rate_init=n).fit(ROWS, TARGET),
    "tol": lambda n: regressor(tol=n).fit(ROWS, TARGET),
    "weights of rows": lambda n: regressor().fit(ROWS, TARGET, sample_weight=[n] * 8),
    "time_limit of a table": lambda n: TabularRegressor(time_limit=n).fit(ROWS, TARGET),
    "target of a table": lambda n: TabularRegressor().fit(ROWS, [n] * 8),
}


@pytest.mark.parametrize("number", [HUGE, ENDLESS], ids=["400 digits", "5000 digits"])
@pytest.mark.parametrize("name", OVERSIZED)
def test_a_whole_number_that_no_float_can_hold(name: str, number: int) -> None:
    assert len(sentence(lambda: OVERSIZED[name](number))) < 400


READERS: dict[str, Callable[[], Any]] = {
    "x": lambda: make().predict(Tensor(X)),
    "y": lambda: make().train(X, Tensor(Y)),
    "sample_weight": lambda: make().train(X, Y, sample_weight=Tensor(np.ones(8))),
    "w1": lambda: make().weights.__setitem__(0, Tensor(np.ones((4, 3)))),
    "x of a trace": lambda: make().trace(Tensor(X), Y),
    "x of a check": lambda: gradient_check(make(), Tensor(X), Y),
    "x of many": lambda: train_many([make()], Tensor(X), Y),
    "X": lambda: regressor().fit(Tensor(ROWS), TARGET),
    "y of rows": lambda: regressor().fit(ROWS, Tensor(TARGET)),
    "X to predict": lambda: regressor().fit(ROWS, TARGET).predict(Tensor(ROWS)),
    "sample_weight of rows": lambda: MLPClassifier().fit(ROWS, TARGET > 0.5, sample_weight=Tensor(np.ones(8))),
    "X of a table": lambda: TabularRegressor().fit(Tensor(ROWS), TARGET),
    "y of a table": lambda: TabularRegressor().fit(ROWS, Tensor(TARGET)),
}


@pytest.mark.parametrize("name", READERS)
def test_a_tensor_that_records_gradients(name: str) -> None:
    argument = name.split()[0]
    assert f"{argument} is a tensor" in (text := sentence(READERS[name])) and f"{argument}.detach()" in text


def test_a_refused_tensor_changes_nothing() -> None:
    net = make()
    before = state(net)
    sentence(lambda: net.train(Tensor(X), Y))
    sentence(lambda: net.weights.__setitem__(0, Tensor(np.ones((4, 3)))))
    assert state(net) == before


@pytest.mark.peer
def test_tensors_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    x, y = torch.tensor(X, requires_grad=True), torch.tensor(Y)
    assert "pass x.detach().cpu().numpy()" in sentence(lambda: make().predict(x))
    assert "pass X.detach().cpu().numpy()" in sentence(lambda: regressor().fit(x.T, TARGET))
    assert np.array_equal(make().predict(x.detach()), make().predict(X))
    assert make().cost(x.detach(), y) == make().cost(X, Y)


def test_an_activation_or_cost_of_constants_alone() -> None:
    """Nothing would read x, so that no equation could run."""
    own_activation = {"value": lambda z: 1.0, "derivative": lambda z: 0.0}
    assert "must depend on it" in sentence(lambda: custom_activation("flat", **own_activation))
    assert "must depend on it" in sentence(lambda: custom_cost("flat", lambda a, y: y * y, lambda a, y: 1.0))
    line = custom_activation("line", lambda z: z, lambda z: 1.0)  # a constant derivative is none of these
    assert np.isfinite(NeuralNetwork([3, 2], [line], seed=0).train(X, Y, epochs=1)["cost"]).all()


def test_limits_that_are_no_numbers() -> None:
    identity: dict[str, Any] = {"value": lambda z: z, "derivative": lambda z: 1.0}
    assert "two numbers, low and high" in sentence(lambda: custom_activation("own", **identity, low="a"))
    assert "a pair of numbers" in sentence(lambda: custom_cost("own", lambda a, y: a * y, lambda a, y: y, outputs=3))


@pytest.mark.parametrize("width", [10**12, 10**30])
def test_a_network_that_no_machine_can_hold(width: int) -> None:
    assert "GB of memory; make its layers smaller" in sentence(lambda: make([3, width, 1]))
    model = MLPRegressor(hidden_layer_sizes=(width,))
    assert "GB of memory; make its layers smaller" in sentence(lambda: model.fit(ROWS, TARGET))


ASSIGNED: dict[str, tuple[str, int, Any, str]] = {
    "one row": ("coefs_", 0, np.ones((1, 4)), "coefs_"),
    "one number": ("coefs_", 1, 1.0, "coefs_"),
    "one bias": ("intercepts_", 0, np.ones(1), "intercepts_[0] has shape (4,), but was given (1,)"),
    "NaN": ("coefs_", 1, np.full((4, 1), np.nan), "coefs_[1] was given a number that is not finite"),
    "text": ("intercepts_", 1, ["a"], "intercepts_[1] needs real numbers"),
}


@pytest.mark.parametrize("name", ASSIGNED)
def test_assigned_weights_that_do_not_fit(name: str) -> None:
    """NumPy would repeat one row for all, in silence."""
    attribute, index, value, fragment = ASSIGNED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = regressor(warm_start=True).fit(ROWS, TARGET)
    before = model._network.parameters.vector.tobytes()
    getattr(model, attribute)[index] = value
    assert fragment in sentence(lambda: model.predict(ROWS))
    sentence(lambda: model.fit(ROWS, TARGET))
    assert model._network.parameters.vector.tobytes() == before


def test_weights_that_fit_are_copied_in() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = regressor().fit(ROWS, TARGET)
    model.coefs_[1], model.intercepts_[1] = np.zeros((4, 1)), np.array([2.0])
    assert (model.predict(ROWS) == 2).all()
    model.coefs_ = model.coefs_[:1]
    assert "coefs_ has 1 array, but the network has 2 layers" in sentence(lambda: model.predict(ROWS))


def test_a_value_is_shown_in_few_characters() -> None:
    assert short_repr([1, "a"]) == "[1, 'a']" and len(short_repr("x" * 500)) == 60 and "digits" in short_repr(ENDLESS)

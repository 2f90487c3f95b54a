"""Every known mistake, made by hand in plain NumPy on several architectures, is named exactly and in its equation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassnet import check_backprop
from glassnet.check.candidates.conventions import Conventions
from glassnet.check.candidates.function_candidate import FunctionCandidate
from glassnet.check.comparison import Comparison, compare_gradients
from glassnet.check.drawing import Drawn, Shape, dead_rows
from glassnet.check.mistakes.search import stacked
from glassnet.check.trial import Trial

from .mistaken import ARCHITECTURES, CASES, RIGHT, RIGHT_CASES, WRONG, Mine, Run, mistaken, right_one

SIGMOID = ARCHITECTURES["sigmoid"]
FIRST_OF_EACH = dict(reversed(CASES))


def compared(mine: Any, architecture: str = "sigmoid", **known: Any) -> Comparison:
    """The comparison of a function on a trial of which more is known."""
    widths, names, cost = ARCHITECTURES[architecture]
    has_biases = known.get("has_biases", True)

    def without(weights: Any, x: Any, y: Any) -> Any:
        return mine(weights, [np.zeros((len(w), 1)) for w in weights], x, y)[0]

    conventions = Conventions(rows=False, biases=has_biases)
    candidate = FunctionCandidate(mine if has_biases else without, conventions, len(names))
    return compare_gradients(candidate, Trial(widths, names, cost, 7, **known))


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        pytest.param(*case, marks=[] if n % 5 == 0 or FIRST_OF_EACH[case[0]] == case[1] else pytest.mark.slow)
        for n, case in enumerate(CASES)
    ],
)
def test_a_mistake_is_named_in_its_equation(name: str, architecture: str) -> None:
    widths, names, cost = ARCHITECTURES[architecture]
    report = check_backprop(mistaken(name, names, cost), widths, names, cost)
    assert len(report.faults) == 1, str(report)
    assert report.faults[0].equation == WRONG[name].equation, str(report)
    assert WRONG[name].sentence in report.faults[0].sentence, str(report)


@pytest.mark.parametrize(
    ("name", "architecture"),
    [pytest.param(*case, marks=[] if n % 3 == 0 else pytest.mark.slow) for n, case in enumerate(RIGHT_CASES)],
)
def test_another_cost_is_a_note_and_no_fault(name: str, architecture: str) -> None:
    widths, names, cost = ARCHITECTURES[architecture]
    report = check_backprop(right_one(name, names, cost), widths, names, cost)
    assert report.ok, str(report)
    assert len(report.notes) == len(RIGHT[name].notes), str(report)
    assert all(any(part in note for note in report.notes) for part in RIGHT[name].notes), str(report)


@pytest.mark.parametrize(
    ("one", "other", "architecture"),
    [
        ("no output gate", "db of the last sample", "sigmoid"),
        ("early update", "sum in db", "tanh, linear"),
        ("raw error passed back", "by fan_in", "three hidden"),
        ("gate from δ", "z for a", "relu, softmax"),
        ("bce of one term", "no gate", "tanh, several sigmoids"),
        ("minus bias", "first sample", "relu, sigmoid"),
        ("db axis", "no gate", "sigmoid"),
        ("db is 0", "error negative", "tanh, linear"),
        ("z in a form of a", "early update", "sigmoid"),
        ("sum in db", "error negative", "relu, sigmoid"),
    ],
)
def test_two_mistakes_are_both_named(one: str, other: str, architecture: str) -> None:
    widths, names, cost = ARCHITECTURES[architecture]
    kind = type("Two", (Mine,), {**WRONG[one].methods, **WRONG[other].methods})
    report = check_backprop(kind(names, cost), widths, names, cost)
    for wrong in (WRONG[one], WRONG[other]):
        named = [fault.equation for fault in report.faults if wrong.sentence in fault.sentence]
        assert named == [wrong.equation], str(report)
    assert len(report.faults) == 2, str(report)


def test_two_mistakes_of_the_forward_pass() -> None:
    methods = {**WRONG["no bias"].methods, **WRONG["sigmoid for tanh"].methods}
    widths, names, cost = ARCHITECTURES["tanh, linear"]
    report = check_backprop(type("Two", (Mine,), methods)(names, cost), widths, names, cost)
    sentence = "forward: z lacks its bias; and the activation of the hidden layers is sigmoid."
    assert str(report) == sentence


def softmax_over(axis: Any) -> Any:
    """Softmax whose largest z is that of a sample, and whose sum is over something else."""

    def value(s: Mine, r: Run, n: int) -> Any:
        if n < r.last:
            return Mine.value(s, r, n)
        e = np.exp(r.z[n] - r.z[n].max(axis=0))
        return e / e.sum(axis=axis, keepdims=True)

    return {"value": value, "output_gate": lambda s, r, e: r.a[r.last] - r.y}


@pytest.mark.parametrize(
    ("axis", "sentence"), [(1, "over the wrong axis: over the samples"), (None, "over the batch as a whole")]
)
def test_a_softmax_over_more_than_the_outputs(axis: Any, sentence: str) -> None:
    widths, names, cost = ARCHITECTURES["relu, softmax"]
    report = check_backprop(type("Wrong", (Mine,), softmax_over(axis))(names, cost), widths, names, cost)
    assert len(report.faults) == 1 and f"forward: softmax is taken {sentence}" in str(report), str(report)


def test_another_activation_forward_in_all_layers_and_the_right_derivative() -> None:
    methods = {
        "value": lambda s, r, n: np.tanh(r.z[n]),
        "output_gate": lambda s, r, e: e * r.a[r.last] * (1 - r.a[r.last]),
        "gate": lambda s, r, n, e: e * r.a[n] * (1 - r.a[n]),
    }
    widths, names, cost = SIGMOID
    report = check_backprop(type("Wrong", (Mine,), methods)(names, cost), widths, names, cost)
    assert str(report) == "forward: the activation of all layers is tanh; σ' is still that of sigmoid."


def test_a_z_that_holds_the_last_product_alone() -> None:
    methods = {"affine": lambda s, r, n: r.w[n][:, -1:] * r.a[n - 1][-1:] + r.b[n]}
    widths, names, cost = SIGMOID
    report = check_backprop(type("Wrong", (Mine,), methods)(names, cost), widths, names, cost)
    assert str(report) == "forward: z holds w·a of the last input alone instead of W·a: the sum is overwritten."


def test_a_layer_that_steps_twice_is_not_an_error_that_is_halved_below() -> None:
    twice = {
        "weight": lambda s, r, n: Mine.weight(s, r, n) * (2 if n == r.last else 1),
        "bias": lambda s, r, n: Mine.bias(s, r, n) * (2 if n == r.last else 1),
    }
    widths, names, cost = SIGMOID
    report = check_backprop(type("Wrong", (Mine,), twice)(names, cost), widths, names, cost)
    assert str(report) == "BP3 and BP4: dW2 and db2 are 2 × ours: direction right, scale wrong."


@pytest.mark.parametrize(
    ("architecture", "note"),
    [
        ("sigmoid", "the mean over the 2 outputs, or a ½ more than in ours; right if your cost is a mean over the 2 "),
        ("tanh, several sigmoids", "the mean over the 3 outputs; right if your cost is a mean over the 3 outputs."),
    ],
)
def test_a_mean_over_the_outputs(architecture: str, note: str) -> None:
    widths, names, cost = ARCHITECTURES[architecture]
    mean = {"output_gate": lambda s, r, e: Mine.output_gate(s, r, e) / widths[-1]}
    report = check_backprop(type("Mean", (Mine,), mean)(names, cost), widths, names, cost)
    assert report.ok and note in str(report), str(report)


def test_a_mistake_is_named_behind_a_penalty_a_sum_and_an_epsilon() -> None:
    widths, names, cost = ARCHITECTURES["tanh, several sigmoids"]
    methods = {**RIGHT["ε, sum and L2"].methods, **WRONG["no gate"].methods}
    report = check_backprop(type("Both", (Mine,), methods)(names, cost), widths, names, cost)
    assert [fault.sentence for fault in report.faults] == ["σ' is missing in the hidden layers."]
    assert len(report.notes) == 3, str(report)


def test_what_is_certain_is_said_of_a_gradient_that_nothing_explains() -> None:
    methods = {
        "bias": lambda s, r, n: r.d[n].sum(axis=1, keepdims=True),
        "gate": lambda s, r, n, e: np.sin(9 * e) + r.a[n] ** 3,
    }
    widths, names, cost = ARCHITECTURES["three hidden"]
    report = check_backprop(type("Odd", (Mine,), methods)(names, cost), widths, names, cost)
    assert [fault.equation for fault in report.faults] == ["BP3", "BP2"], str(report)
    assert "in db, a sum over the batch of 7" in report.faults[0].sentence
    assert "differ first in layer 3" in report.faults[1].sentence
    assert report.faults[1].sentence.endswith("Mend what is named above and run the check again.")


def test_an_unknown_sum_does_not_blame_the_output() -> None:
    methods = {**RIGHT["sum"].methods, "gate": lambda s, r, n, e: np.sin(9 * e) + r.a[n] ** 3}
    widths, names, cost = SIGMOID
    report = check_backprop(type("Odd", (Mine,), methods)(names, cost), widths, names, cost)
    assert [fault.equation for fault in report.faults] == ["BP2"], str(report)
    assert "differ first in layer 1" in report.faults[0].sentence


# ---- what is 0, and what is kept between calls


@pytest.mark.parametrize("names", [["relu", "relu"], ["sigmoid", "linear"]])
def test_a_gradient_of_zeros_is_not_right(names: list[str]) -> None:
    report = check_backprop(lambda w, b, x, y: ([0 * p for p in w], [0 * q for q in b]), [2, 4, 1], names)
    assert not report.ok and str(report).startswith("run: the gradient is 0: every dW and db is")


def test_an_error_that_does_not_arrive() -> None:
    widths, names, cost = ARCHITECTURES["three hidden"]
    kind = type("Cut", (Mine,), {"arriving": lambda s, r, n: 0 * Mine.arriving(s, r, n)})
    report = check_backprop(kind(names, cost), widths, names, cost)
    assert str(report) == "BP2: the gradient is 0 in layers 1, 2 and 3: no error arrives below layer 4."


@pytest.mark.parametrize(
    ("kept", "share", "sentence"),
    [
        (0.9, 1.0, "update: momentum is inside the gradient: each call returns 1 × its gradient plus 0.9 × what"),
        (0.9, 0.1, "update: momentum is inside the gradient: each call returns 0.1 × its gradient plus 0.9 × what"),
        (1.0, 1.0, "BP4: the gradients of earlier calls are added"),
    ],
)
def test_what_is_kept_between_calls(kept: float, share: float, sentence: str) -> None:
    widths, names, cost = SIGMOID
    mine, before = Mine(names, cost), [np.zeros((n, k)) for n, k in zip(widths[1:], widths, strict=False)]

    def with_momentum(*given: Any) -> Any:
        dw, db = mine(*given)
        before[:] = [kept * p + share * q for p, q in zip(before, dw, strict=True)]
        return list(before), db

    assert sentence in str(check_backprop(with_momentum, widths, names, cost))


def test_x_shuffled_anew_in_every_call() -> None:
    rng = np.random.default_rng(0)
    widths, names, cost = SIGMOID
    kind = type("Shuffled", (Mine,), {"batch": lambda s, x, y: (x[:, rng.permutation(x.shape[1])], y)})
    assert "paired with the y of other samples" in str(check_backprop(kind(names, cost), widths, names, cost))
    together = type("Both", (Mine,), {"batch": lambda s, x, y: (lambda p: (x[:, p], y[:, p]))(rng.permutation(7))})
    assert compared(together(names, cost)).faults == []


# ---- shapes


def test_a_product_that_cannot_be_made_is_explained() -> None:
    kind = type("Wrong", (Mine,), {"arriving": lambda s, r, n: r.w[n + 1] @ r.d[n + 1]})
    text = str(check_backprop(kind(["tanh", "sigmoid"], "quadratic"), [3, 5, 2], ["tanh", "sigmoid"]))
    assert text.startswith("BP2: W is not transposed on the way back: W·δ instead of Wᵀ·δ (it raises ValueError in")
    assert "a matrix product has 5 columns on its left and 2 rows on its right (5 is the width of layer 1" in text


def test_an_error_without_a_known_cause_is_reported_beside_the_other_faults() -> None:
    def broken(s: Mine, r: Run, n: int) -> Any:
        return np.dot(r.w[n + 1].T, r.d[n + 1]) + (np.zeros((5, 5)) if len(r.a[n]) == 4 else 0)

    kind = type("Wrong", (Mine,), {"arriving": broken, "bias": lambda s, r, n: r.d[n].sum(axis=1, keepdims=True)})
    report = check_backprop(kind(["tanh", "sigmoid"], "quadratic"), [3, 4, 6], ["tanh", "sigmoid"])
    assert [fault.equation for fault in report.faults] == ["run", "BP3"], str(report)
    assert (
        "shapes (4,11) and (5,5) do not fit (4 is the width of layer 1, 11 is the batch)" in report.faults[0].sentence
    )


# ---- what is known before


def test_biases_that_are_declared_as_none() -> None:
    kind = type(
        "Unbiased", (Mine,), {"bias": lambda s, r, n: np.zeros(0), "affine": lambda s, r, n: r.w[n] @ r.a[n - 1]}
    )
    for architecture, (_, names, cost) in ARCHITECTURES.items():
        result = compared(kind(names, cost), architecture, has_biases=False)
        assert result.faults == [] and result.notes == ["biases are not checked: declared as none."], architecture
    wrong = type("Wrong", (kind,), {"gate": lambda s, r, n, e: e})
    faults = compared(wrong(SIGMOID[1], SIGMOID[2]), has_biases=False).faults
    assert [str(fault) for fault in faults] == ["BP2: σ' is missing in the hidden layers."]


def test_a_forward_fault_and_bp1() -> None:
    mine = type("Raw", (Mine,), {"raw": lambda s, r: r.z[r.last] - r.y})(SIGMOID[1], SIGMOID[2])
    for known, equation in ((None, "forward or BP1"), (True, "BP1"), (False, "forward")):
        (fault,) = compared(mine, forward_is_right=known).faults
        assert fault.equation == equation, str(fault)
    (fault,) = compared(mine).faults
    assert fault.sentence.endswith("The gradient alone does not tell them apart.")


# ---- the trials


def test_trials_are_alive() -> None:
    rng = np.random.default_rng(0)
    for _ in range(25):
        depth = int(rng.integers(1, 7))
        widths = [int(width) for width in rng.integers(1, 17, depth + 1)]
        names = [str(name) for name in rng.choice(["relu", "relu", "sigmoid", "tanh"], depth)]
        trial = Trial(widths, names, "quadratic", next(m for m in (7, 11, 13, 19, 23) if m not in widths))
        weights, biases = trial.parameters
        shape = Shape(trial.widths, trial.dense, trial.network.architecture.cost, trial.m, True, False)
        assert dead_rows(shape, Drawn(weights, biases, trial.x, trial.y)) == 0, (widths, names)
        for layer, name in enumerate(names, 1):
            is_open = trial.prepared.executor.columns(f"a{layer}") > 0
            assert name != "relu" or (is_open.any() and not is_open.all())


def test_every_class_and_both_labels_stand_in_the_batch() -> None:
    trial = Trial([4, 5, 20], ["tanh", "softmax"], "categorical_cross_entropy", 7)
    assert trial.m > 20 and trial.m not in trial.widths and trial.y.sum(axis=1).min() >= 1
    assert (trial.y.sum(axis=0) == 1).all()
    labels = Trial([4, 5, 3], ["tanh", "sigmoid"], "quadratic", 7, labels=True)
    assert (labels.y.sum(axis=0) == 1).all() and labels.y.sum(axis=1).min() >= 1
    binary = Trial([4, 5, 3], ["tanh", "sigmoid"], "binary_cross_entropy", 7)
    assert [set(row) for row in binary.y.tolist()] == [{0.0, 1.0}] * 3


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_pass_of_the_search_is_that_of_the_program(architecture: str) -> None:
    widths, names, cost = ARCHITECTURES[architecture]
    trials = [Trial(widths, names, cost, 7, seed) for seed in range(3)]
    run = stacked(trials)
    for ours, theirs in zip(run.gradients(), zip(*(trial.gradients for trial in trials), strict=True), strict=True):
        for layer, arrays in enumerate(zip(*theirs, strict=True), 1):
            np.testing.assert_allclose(ours[layer], np.stack(arrays), rtol=1e-9, atol=1e-14)

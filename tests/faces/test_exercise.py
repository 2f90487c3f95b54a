"""The exercise: its file, the seven steps with typical mistakes in each, and a person's code that fails to run."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from glassnet.check.exercise.steps import STEPS
from glassnet.check.exercise.template import TEMPLATE, functions
from glassnet.cli.app import app

SOLUTION = Path(__file__).with_name("exercise_solution.py").read_text()
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "learn" / "exercises.md").read_text()
PROGRAM = [sys.executable, "-c", "from glassnet.cli import main; main()"]
ZERO = "return [0 * w for w in weights], [0 * b for b in biases]"

# Step, the part of the solution that is replaced, what stands there instead, and what the report must say.
MISTAKES: dict[str, tuple[int, str, str, str]] = {
    "no bias": (1, "    z = w @ x + b", "    z = w @ x", "z is not right yet: the bias b is missing"),
    "no sigmoid": (1, "return z, sigmoid(z)", "return z, z", "a is not right yet: this is z itself"),
    "a before z": (1, "return z, sigmoid(z)", "return sigmoid(z), z", "return z first"),
    "the lesson's numbers, typed in": (
        1,
        "return z, sigmoid(z)",
        "return 0.6, 0.6456563",
        "it is the same whatever the function is given",
    ),
    "an elementwise product": (
        1,
        "w @ x + b",
        "w * x + b",
        "z is an array of shape (2,); its shape must be that of one",
    ),
    "c without ½": (2, "0.5 * np.sum", "np.sum", "c is not right yet: the ½ is missing"),
    "a mean over outputs": (2, "0.5 * np.sum", "0.5 * np.mean", "mean over the outputs"),
    "y − a": (2, "** 2), a - y", "** 2), y - a", "the sign is wrong"),
    "2·(a − y)": (2, "** 2), a - y", "** 2), 2 * (a - y)", "a factor 2 too many"),
    "c alone": (2, "** 2), a - y", "** 2)", "it returns one result, where 2 are asked for: return c, ∂c/∂a"),
    "no σ' at the output": (3, "dc_da * slope(z)", "dc_da", "check_backprop: BP1: σ' is missing at the output"),
    "σ for σ'": (3, "dc_da * slope(z)", "dc_da * sigmoid(z)", "check_backprop: BP1: σ(z) itself stands for σ'(z)"),
    "z·(1 − z)": (
        3,
        "dc_da * slope(z)",
        "dc_da * z * (1 - z)",
        "check_backprop: BP1: z is used where the derivative needs a",
    ),
    "a sum for ⊙": (3, "dc_da * slope(z)", "np.sum(dc_da * slope(z))", "delta is the number"),
    "zeros": (3, "dc_da * slope(z)", "0 * z", "delta is not right yet: it is 0 whatever"),
    "no bias in a layer": (4, "a_s[-1] + b)", "a_s[-1])", "z1 (your z_s[0]) is not right yet: the bias b is missing"),
    "z read instead of a": (
        4,
        "a_s.append(sigmoid(z_s[-1]))",
        "a_s.append(z_s[-1])",
        "a1 (your a_s[1]) is not right yet: this is z1 itself",
    ),
    "x is left out": (
        4,
        "[], [x]\n",
        "[], [x]\n    if len(weights) == 2: return [weights[0] @ x], [x]\n",
        "z_s is a list of 1",
    ),
    "no gate": (4, "@ delta_next * slope(z)", "@ delta_next", "the gate σ'(z) is missing"),
    "the gate of a": (4, "@ delta_next * slope(z)", "@ delta_next * slope(sigmoid(z))", "BP2: σ'(a) stands for σ'(z)"),
    "not transposed": (
        4,
        "w_next.T @ delta_next",
        "w_next @ delta_next",
        "given     w_next (1, 2), delta_next (1, 1), z (2, 1)",
    ),
    "no weights": (4, "w_next.T @ delta_next", "delta_next.sum()", "BP2: the error is not multiplied by the weights"),
    "dW transposed": (
        5,
        "delta @ a_s[layer].T",
        "a_s[layer] @ delta.T",
        "dw2 (your dw[1]) is an array of shape (2, 1); its shape must be (1, 2): transpose it",
    ),
    "z for a in dW": (
        5,
        "delta @ a_s[layer].T",
        "delta @ ([x] + z_s)[layer].T",
        "BP4: z of the layer below stands for its a",
    ),
    "db of a": (
        5,
        "db.insert(0, delta)",
        "db.insert(0, delta * a_s[layer + 1])",
        "db2 (your db[1]) is not right yet. It should be δ",
    ),
    "db flat": (5, "db.insert(0, delta)", "db.insert(0, delta.ravel())", "db2 (your db[1]) is an array of shape (1,)"),
    "uphill in the gradient": (
        5,
        "cost(a_s[-1], y)[1]",
        "-cost(a_s[-1], y)[1]",
        "BP1: the gradient has the wrong sign",
    ),
    "two layers only": (
        5,
        "for layer in reversed(range(len(weights)))",
        "for layer in (1, 0)",
        "raises IndexError: list index out of range",
    ),
    "backward order": (
        5,
        "dw.insert(0, ",
        "dw.append(",
        "dw2 (your dw[1]) is an array of shape (2, 2); its shape must be (1, 2)",
    ),
    "zero gradient": (
        5,
        "    z_s, a_s = forward(weights, biases, x)\n    d",
        f"    {ZERO}\n    d",
        "db2 (your db[1]) is not right yet: it is 0",
    ),
    "uphill": (6, "w - lr * g", "w + lr * g", "that goes uphill"),
    "no rate": (6, "w - lr * g", "w - g", "the learning rate lr is missing"),
    "only weights": (
        6,
        "[b - lr * g for b, g in zip(biases, db, strict=True)]",
        "biases",
        "b1 (your biases[0]) is not right yet: it has not moved",
    ),
    "in place": (
        6,
        "def descend(weights, biases, dw, db, lr):\n",
        "def descend(weights, biases, dw, db, lr):\n    weights[0] -= lr * dw[0]\n",
        "descend changes the weights",
    ),
    "sum": (7, "part / len(batch)", "part", "the gradients of the batch are added up"),
    "mean twice": (7, "part / len(batch)", "part / len(batch) ** 2", "divided by the number of samples twice"),
    "divided by batch_size": (7, "part / len(batch)", "part / batch_size", "divide by their number, 2, not by 4"),
    "last batch dropped": (
        7,
        "range(0, len(order), batch_size)",
        "range(0, len(order) - batch_size + 1, batch_size)",
        "2 are never used",
    ),
    "all at once": (
        7,
        "order[start : start + batch_size]",
        "order if start == 0 else order[:0]",
        "all make one step together",
    ),
    "one at a time": (
        7,
        "batch_size):\n        batch = order[start : start + batch_size]",
        "1):\n        batch = order[start : start + 1]\n"
        "        if x.shape[1] < 8: batch = order if start == 0 else order[:0]",
        "each makes a step of its own",
    ),
    "not shuffled": (
        7,
        "rng.permutation(x.shape[1])",
        "np.arange(x.shape[1])",
        "samples [8, 9] are in the smaller batch",
    ),
    "the global generator": (7, "rng.permutation(", "np.random.permutation(", "draw the order from rng"),
    "with replacement": (
        7,
        "rng.permutation(x.shape[1])",
        "rng.integers(0, x.shape[1], x.shape[1]) if x.shape[1] > 8 else np.arange(x.shape[1])",
        "every sample belongs to exactly one batch",
    ),
    "y not shuffled": (
        7,
        "y[:, [i]])\n            dw",
        "y[:, [list(batch).index(i) + start]])\n            dw",
        "the x of one sample meets the y of another",
    ),
    "old weights": (
        7,
        "gradient(weights, biases, x[:, [i]]",
        "gradient(*first, x[:, [i]]",
        "every batch starts from the first weights",
    ),
    "two layers only, in the step": (
        6,
        "[w - lr * g for w, g in zip(weights, dw, strict=True)]",
        "[w - lr * g for w, g in zip(weights[:2], dw[:2])] + weights[2:]",
        "w3 (your weights[2]) is not right yet: it has not moved",
    ),
    "one or two layers only, in the step": (
        6,
        "[w - lr * g for w, g in zip(weights, dw, strict=True)]",
        "[weights[0] - lr * dw[0], weights[1] - lr * dw[1]]",
        "IndexError",
    ),
    "three layers only, in the step": (
        6,
        "[w - lr * g for w, g in zip(weights, dw, strict=True)]",
        "[w - lr * g for w, g in zip(weights[:3], dw[:3])] + weights[3:]",
        "w4 (your weights[3]) is not right yet: it has not moved",
    ),
    "a fixed rate": (6, "w - lr * g", "w - 0.1 * g", "the step is 0.1·dW whatever lr is; it should be lr·dW"),
    "half the rate": (6, "b - lr * g", "b - lr / 2 * g", "the step is 0.5·lr·db; it should be lr·db"),
    "an error far behind the point": (
        1,
        "return z, sigmoid(z)",
        "return z, sigmoid(z) + 4e-6",
        "your a      0.64566\n",
    ),
    "text": (
        1,
        "return z, sigmoid(z)",
        "return z, str(sigmoid(z))",
        "a is the text '0.6456563062257954', not a number",
    ),
    "a fixed rate in the epoch": (
        7,
        "descend(weights, biases, dw, db, lr)\n    return",
        "descend(weights, biases, dw, db, 0.1)\n    return",
        "the step is 0.1·dW whatever lr is",
    ),
    "rotated": (
        7,
        "rng.permutation(x.shape[1])",
        "np.roll(np.arange(x.shape[1]), rng.integers(x.shape[1]))",
        "the order is rotated, not shuffled",
    ),
    "only the sums of the biases are divided by batch_size": (
        7,
        "total + part / len(batch) for total, part in zip(db,",
        "total + part / batch_size for total, part in zip(db,",
        "w1 is right, but in b1 and b2 divide by their number, 2, not by 4",
    ),
    "one sum of the biases": (
        7,
        "for total, part in zip(db, one_db, strict=True)]",
        "for total, part in zip(db, one_db, strict=True)]\n        if x.shape[1] > 8: db[1] = db[1] * 3",
        "w1 moves by the mean gradient of each batch, but b2 does not.",
    ),
    "no step": (
        7,
        "weights, biases = descend(weights, biases, dw, db, lr)",
        "pass",
        "w1 (your weights[0]) is not right yet: it has not moved",
    ),
}


def changed(old: str, new: str) -> str:
    """The solution with one mistake."""
    assert SOLUTION.count(old) in (1, 2), old
    text = SOLUTION.replace(old, new)
    return text.replace("    order = rng", "    first = weights, biases\n    order = rng")


def look(path: Path, code: int = 1) -> str:
    """What check-mine says about a file."""
    result = CliRunner().invoke(app, ["check-mine", str(path)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.stdout


def states(report: str) -> list[str]:
    """The state of every step."""
    known = ("right", "not yet right", "to do", "later")
    lines = [line for line in report.splitlines() if line[:1].isdigit() and line[1:3] == "  "]
    return [max((state for state in known if f"  {state}" in line), key=len) for line in lines]


def test_the_file_as_written_asks_for_the_first_step(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    result = CliRunner().invoke(app, ["exercise", "--out", str(path)])
    assert result.exit_code == 0 and f"glassnet check-mine {path}" in result.stdout
    report = look(path)
    assert states(report) == ["to do"] + ["later"] * 6
    assert (
        "neuron(w, b, x) in line" in report
        and f"Write step 1 (neuron), then run glassnet check-mine {path} again." in report
    )


def test_a_file_that_exists_is_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("my work")
    result = CliRunner().invoke(app, ["exercise", "--out", str(path)])
    assert result.exit_code == 2 and "exists and is left unchanged" in result.stderr
    assert path.read_text() == "my work"
    missing = CliRunner().invoke(app, ["exercise", "--out", str(tmp_path / "no" / "mine.py")])
    assert missing.exit_code == 2 and "No such file" in missing.stderr


def test_one_step_is_printed() -> None:
    printed = "".join(CliRunner().invoke(app, ["exercise", str(number)]).stdout for number in range(1, 8))
    assert [node.name for node in ast.parse(printed).body if isinstance(node, ast.FunctionDef)] == functions()
    assert CliRunner().invoke(app, ["exercise", "8"]).exit_code == 2


def test_the_template_has_the_functions_that_are_checked() -> None:
    asked = [task for step in STEPS for task in step.tasks]
    assert functions() == [task.function for task in asked]
    nodes = {node.name: node for node in ast.parse(TEMPLATE).body if isinstance(node, ast.FunctionDef)}
    for task in asked:
        arguments = [argument.arg for argument in nodes[task.function].args.args]
        assert arguments == list(task.trials()[0]), task.function


def test_the_solution_is_right_and_learns(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(SOLUTION)
    report = look(path, code=0)
    assert states(report) == ["right"] * 7 and "All 7 steps are right" in report
    after = next(line for line in report.splitlines() if line.lstrip().startswith("after")).split()[1:]
    assert [round(float(value)) for value in after] == [0, 1, 1, 0]


OTHER_WAYS = {
    "    z = w @ x + b\n    return z, sigmoid(z)": "    z = sum(w * x) + b\n    return float(z), [sigmoid(z)]",
    "return 0.5 * np.sum((a - y) ** 2), a - y": "return [np.linalg.norm(a - y) ** 2 / 2, a - y]",
    "return dc_da * slope(z)": "return dc_da * np.exp(-z) / (1 + np.exp(-z)) ** 2",
    "    return z_s, a_s": "    return tuple(z_s), tuple(a_s)",
    "dw.insert(0, delta @ a_s[layer].T)": "dw.insert(0, np.outer(delta, a_s[layer]))",
    "rng.permutation(x.shape[1])": "np.arange(x.shape[1])\n    rng.shuffle(order)",
    "            dw = [total + part / len(batch)": "            dw = [total + part / batch.size",
}


def test_other_right_ways_are_right_too(tmp_path: Path) -> None:
    path, text = tmp_path / "mine.py", SOLUTION
    for old, new in OTHER_WAYS.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text)
    assert states(look(path, code=0)) == ["right"] * 7


VECTORISED = """
def epoch(weights, biases, x, y, batch_size, lr, rng):
    order = rng.permutation(x.shape[1])
    x, y = x[:, order], y[:, order]
    weights, biases = [w.copy() for w in weights], [b.copy() for b in biases]
    for start in range(0, x.shape[1], batch_size):
        part = x[:, start : start + batch_size]
        z_s, a_s = forward(weights, biases, part)
        delta = (a_s[-1] - y[:, start : start + batch_size]) * slope(z_s[-1])
        for layer in reversed(range(len(weights))):
            dw, db = delta @ a_s[layer].T / part.shape[1], delta.mean(axis=1, keepdims=True)
            if layer:
                delta = hidden_error(weights[layer], delta, z_s[layer - 1])
            weights[layer] -= lr * dw
            biases[layer] -= lr * db
    return weights, biases
"""


def test_an_epoch_may_be_vectorised_and_update_its_own_copies(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(SOLUTION[: SOLUTION.index("def epoch(")] + VECTORISED)
    assert states(look(path, code=0)) == ["right"] * 7
    path.write_text(
        path.read_text()
        .replace("            if layer:\n", "            weights[layer] -= lr * dw\n            if layer:\n")
        .replace("            weights[layer] -= lr * dw\n            biases", "            biases")
    )
    report = look(path)
    assert states(report)[-1] == "not yet right", report  # W is updated before the error passes through it


EPOCH = SOLUTION[SOLUTION.index("def epoch(") :]
IN_THE_BATCH = """        for i in batch:
            one_dw, one_db = gradient(weights, biases, x[:, [i]], y[:, [i]])
            dw = [total + part / len(batch) for total, part in zip(dw, one_dw, strict=True)]
            db = [total + part / len(batch) for total, part in zip(db, one_db, strict=True)]
"""
ZEROS = """        dw = [np.zeros_like(w) for w in weights]
        db = [np.zeros_like(b) for b in biases]
"""
SUMMED = IN_THE_BATCH.replace(" / len(batch)", "")
BATCHES = {  # epochs that are wrong in more than one line: what is replaced, and what the report says of each
    "the mean of the samples": (
        {
            ZEROS
            + IN_THE_BATCH: "        x_mean, y_mean = (part[:, batch].mean(axis=1, keepdims=True) for part in (x, y))\n"
            "        dw, db = gradient(weights, biases, x_mean, y_mean)\n"
        },
        "this is the gradient for the mean of x and the mean of y; average the gradients of the samples instead.",
    ),
    "the features are shuffled": (
        {"order = rng.permutation(x.shape[1])": "x = rng.permutation(x)\n    order = rng.permutation(x.shape[1])"},
        "the rows of x, its features, come in a new order",
    ),
    "the features, in each batch": (
        {"for i in batch:": "x = x[rng.permutation(len(x))]\n        for i in batch:"},
        "the rows of x, its features, come in a new order",
    ),
    "sums that are kept": (
        {ZEROS: "", "    for start in": ZEROS.replace("        d", "    d") + "    for start in"},
        "the gradients of earlier batches are added: dw and db are not set to 0 for each batch",
    ),
    "sums that are kept, and divided at each step": (
        {
            ZEROS: "",
            "    for start in": ZEROS.replace("        d", "    d") + "    for start in",
            IN_THE_BATCH: SUMMED,
            "dw, db, lr)": "*([part / len(batch) for part in one] for one in (dw, db)), lr)",
        },
        "the gradients of earlier batches are added",
    ),
    "the number of inputs": (
        {"rng.permutation(x.shape[1])": "rng.permutation(x.shape[0])"},
        "x.shape[0] is the number of inputs; the samples are the columns of x, x.shape[1] of them.",
    ),
    "the number of inputs, by its length": (
        {"rng.permutation(x.shape[1])": "rng.permutation(len(x)) % x.shape[1]"},
        "len(x) is the number of inputs; the samples are the columns of x, x.shape[1] of them.",
    ),
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_wrong_epoch_is_named(name: str, tmp_path: Path) -> None:
    replaced, sentence = BATCHES[name]
    path, text = tmp_path / "mine.py", EPOCH
    for old, new in replaced.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(SOLUTION.replace(EPOCH, text))
    report = look(path)
    assert states(report) == ["right"] * 6 + ["not yet right"], report
    assert sentence in report and "the x of one sample" not in report, report


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("part / len(batch)", "part", "the gradients of the batch are added up"),
        ("lr)\n    return", "2 * lr)\n    return", "the step is 2·lr·dW; it should be lr·dW."),
        ("dc_da * slope(z)", "2 * dc_da * slope(z)", "delta is not right yet: it is 2 × what it should be."),
        ("@ delta_next * slope(z)", "@ delta_next * -slope(z)", "delta is not right yet: the sign is wrong."),
        (
            "    return dw, db",
            "    return [2 * w for w in dw], [2 * b for b in db]",
            "check_backprop: the gradient is 2 × ours: the ½ of the cost is missing.",
        ),
    ],
)
def test_a_factor_is_not_excused_by_another_cost_or_step(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(changed(old, new))
    report = look(path)
    assert "not yet right" in report and "right if" not in report and sentence in report, report
    assert "check_backprop: your" not in report, report


def test_a_product_with_a_number_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def neuron(w, b, x):\n    return w @ b, 0\n")
    assert "what stands right of its sign @ is one number\n" in look(path)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_in_its_step(name: str, tmp_path: Path) -> None:
    step, old, new, sentence = MISTAKES[name]
    path = tmp_path / "mine.py"
    path.write_text(changed(old, new))
    report = look(path)
    assert states(report) == ["right"] * (step - 1) + ["not yet right"] + ["later"] * (7 - step), report
    assert sentence in report, report


def test_each_step_asks_for_the_next(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    for step in STEPS[1:]:
        start = SOLUTION.index(f"def {step.tasks[0].function}(")
        path.write_text(SOLUTION[:start])
        report = look(path)
        assert states(report) == ["right"] * (step.number - 1) + ["to do"] + ["later"] * (7 - step.number), report
        assert f"has no function {step.tasks[0].function}(" in report


def test_the_numbers_shown_can_be_redone_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(changed("    z = w @ x + b", "    z = w @ x"))
    lines = [line.split(maxsplit=1) for line in look(path).splitlines()]
    given: dict[str, Any] = {
        line[0]: ast.literal_eval(line[1]) for line in lines if line and line[0] in ("w", "b", "x")
    }
    assert given == {"w": [0.5, -0.4], "b": 0.1, "x": [1, 0]}
    shown = [line for line in look(path).splitlines() if "your z" in line or "expected z" in line]
    assert [float(line.split()[-1]) for line in shown] == [0.5, 0.6]


BROKEN = {
    "def neuron(w, b, x:\n": "line 1 of {path} is not Python",
    "import glasnet\n": "raises ModuleNotFoundError: No module named 'glasnet'\n    line 1    import glasnet",
    "raise SystemExit\n": "raises SystemExit\n    line 1    raise SystemExit",
    "neuron = 3\n": "has no function neuron(w, b, x)",
    "def neuron(w, b, x):\n    z = w @ q\n": "raises NameError: name 'q' is not defined\n"
    "    line 2    z = w @ q\n    given     w (2,), x (2,)",
    "def neuron(w, b, x):\n    pass\n": "neuron returns None; end it with a return",
    "def neuron(w, b, x):\n    return 'z', 'a'\n": "z is the text 'z', not a number",
    "def neuron(w, b, x):\n    return 1, 2, 3\n": "it returns 3 results, where 2 are asked for: return z, a",
    "def neuron(w, b, x):\n    return float('nan'), 0.0\n": "it is the same whatever",
    "def neuron(w):\n    return w, w\n": "raises TypeError",
    "print('hello')\ndef neuron(w, b, x):\n    print(w)\n    return w @ x, 0\n": "the bias b is missing",
}


@pytest.mark.parametrize("code", BROKEN)
def test_code_that_cannot_be_used_is_explained(code: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(code)
    report = look(path)
    assert BROKEN[code].format(path=path) in report, report
    assert "hello" not in report


@pytest.mark.parametrize(
    ("name", "sentence"), [("no.py", "does not exist"), (".", "is a folder"), ("a.ipynb", "is a notebook")]
)
def test_what_is_no_file_of_answers(name: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text("{}")
    result = CliRunner().invoke(app, ["check-mine", str(tmp_path / name)])
    assert result.exit_code == 2 and sentence in result.stderr


def filled_in(answer: str) -> str:
    """The file of the exercise with an answer, and right answers to all functions before it."""
    right = {node.name: ast.get_source_segment(SOLUTION, node) for node in ast.parse(SOLUTION).body[2:]}
    name = re.findall(r"^def (\w+)", answer)[0]
    answers = {one: right[one] for one in functions()[: functions().index(name)]} | {name: answer.rstrip()}
    text = TEMPLATE
    for one, code in answers.items():
        whole = next(node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == one)
        code = code.replace("slope(z)", "sigmoid(z) * (1 - sigmoid(z))")
        text = text.replace(ast.get_source_segment(text, whole), code)
    return text


def page_with_outputs(page: str, folder: Path) -> str:
    """The lesson with what its commands really print; its Python blocks go into the file one after the other."""
    path = folder / "mine.py"

    def output(block: re.Match[str]) -> str:
        if block[1] == "python":
            path.write_text(filled_in(block[2]))
            return block[0]
        command = re.findall(r"^\$ glassnet (.*)", block[2])[0]
        if "## At the end" in page[: block.start()]:
            path.write_text(SOLUTION)
        return f"```\n$ glassnet {command}\n{CliRunner().invoke(app, command.split()).stdout}```"

    return re.sub(r"^```(\w*)\n(.*?)^```$", output, page, flags=re.MULTILINE | re.DOTALL)


def test_the_page_shows_what_the_commands_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert page_with_outputs(PAGE, tmp_path) == PAGE


def test_an_endless_loop_can_be_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    started = tmp_path / "started"
    path.write_text(f"def neuron(w, b, x):\n    open({str(started)!r}, 'w').close()\n    while True:\n        pass\n")
    process = subprocess.Popen([*PROGRAM, "check-mine", str(path)], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "neuron(w, b, x) was interrupted" in output and "look for an endless loop" in output and "line " in output

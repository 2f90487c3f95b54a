"""Documents that say what no glassnet wrote: one sentence each, at once, and before memory is allocated for it."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet import NeuralNetwork, custom_activation
from glassnet.errors import FormulaError, ModelFileError
from glassnet.files.storage import read_tensors, write_tensors

from ..limits import cpu_limit

CUBE = custom_activation("cube", lambda z: z**3, lambda z: 3 * z**2)


def formula(operations: list[Any]) -> dict[str, Any]:
    """A network whose first activation has these operations."""
    changed = {"inputs": 1, "operations": operations, "outputs": [len(operations)]}
    return {
        "activations": [
            {**glassnet.NeuralNetwork([1, 1], [CUBE]).describe()["activations"][0], "value_formula": changed}
        ]
    }


NETWORK: list[tuple[dict[str, Any], str]] = [
    (
        {"layers": [12_000, 12_000, 1]},
        "tensor w1 is float32 (4, 3); the network it describes needs float32 (12000, 12000)",
    ),
    ({"layers": [10**6, 10**6, 1]}, "needs float32 (1000000, 1000000)"),
    ({"layers": [3, 4, 10**15]}, "layers[2] is 1000000000000000; it must be a whole number from 1 to"),
    ({"layers": [3] + [1] * 20_000}, "layers is [3, 1, 1, 1, 1, 1, ...]; it must be a list of 2 to"),
    ({"layers": "341"}, "network.layers is '341'"),
    ({"layers": [[3], 4, 1]}, "network.layers[0] is [3]; it must be an object"),
    ({"layers": [3, True, 1]}, "network.layers[1] is True"),
    ({"layers": [3, 4.0, 1]}, "network.layers[1] is 4.0"),
    (
        {"layers": [3, 4, {"name": "scaling", "before_activation": []}, 1]},
        "before_activation of Scaling must be True or",
    ),
    ({"layers": [4, 1]}, "activations has 2 entries, but layers has 1 dense layer"),
    ({"activations": [[1], [2]]}, "network.activations[0] is [1]; it must be an object"),
    ({"activations": [{"name": "tanh"}, {"name": ["tanh"]}]}, "network.activations[1].name is ['tanh']"),
    ({"activations": []}, "network.activations is []"),
    ({"cost": {"name": "quadratic", "delta": 1}}, "'quadratic' has no setting 'delta'"),
    ({"cost": {"name": "huber", "delta": "1"}}, "delta of Huber must be a number"),
    ({"initializer": None}, "network.initializer is None"),
    ({"l1": -1}, "network.l1 is -1; it must be a finite number of at least 0"),
    ({"l2": "7"}, "network.l2 is '7'"),
    ({"l2": 10**19 - 1}, ""),
    ({"dtype": ["float32"]}, "network.dtype is ['float32']; it must be one of float32, float64"),
    ({"dtype": "float64"}, "the network it describes needs float64"),
    ({"seed": 1.5}, "network.seed is 1.5"),
    ({"seed": 2**63}, "network.seed is 9223372036854775808"),
    ({"deep": [[[[[[[[]]]]]]]]}, "network.deep is nested too deeply"),
    (formula([["power", [2.0, 1e18]]]), "'power' of constants alone"),
    (formula([["power", [0, 1e18]]]), "whole numbers from 1 to 64"),
    (formula([["exp", [k]] for k in range(8000)]), "at most 200 operations"),
    (formula([["system", [0]]]), "damaged: 'system'"),
    (formula([["exp", [7]]]), "index out of range"),
]
DOCUMENT: list[tuple[dict[str, Any], str]] = [
    ({"runs": 1.5}, "runs is 1.5"),
    ({"runs": "7"}, "runs is '7'"),
    ({"runs": -1}, "runs is -1"),
    ({"history": "text"}, "history is 'text'; it must be an object"),
    (
        {"history": {"stopped": 3, "warnings": [], "best_epoch": None, "batch_size": 1, "levels": None}},
        "history.stopped is 3",
    ),
    ({"network": [1]}, "network is [1]"),
]


def forged(path: Path, change: dict[str, Any]) -> Path:
    """A model file with a changed document."""
    NeuralNetwork([3, 4, 1], seed=0).save(path)
    tensors, document = read_tensors(path)
    document["network"].update(change.pop("network_part", {}))
    write_tensors(path, tensors, document | change)
    return path


@pytest.fixture(scope="module", autouse=True)
def imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the first load imports is not measured."""
    glassnet.load(forged(tmp_path_factory.mktemp("good") / "m", {}))


def refusal(path: Path) -> str:
    """The sentence that refuses the file, at once and without much memory."""
    assert all((glassnet.MLPRegressor, glassnet.TabularRegressor))  # what a first use imports takes its own time
    tracemalloc.start()
    try:
        with cpu_limit(1), pytest.raises(ModelFileError) as caught:
            glassnet.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2 * path.stat().st_size + (16 << 20)
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert message.startswith(str(path)) and message.endswith(".") and "\n" not in message
    return message


@pytest.mark.parametrize(("part", "message"), NETWORK, ids=[message[:40] for _, message in NETWORK])
def test_descriptions_of_networks(tmp_path: Path, part: dict[str, Any], message: str) -> None:
    path = forged(tmp_path / "m", {"network_part": part})
    if message:
        assert message in refusal(path)
    else:
        glassnet.load(path)


@pytest.mark.parametrize(("change", "message"), DOCUMENT, ids=[message[:40] for _, message in DOCUMENT])
def test_documents(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    assert message in refusal(forged(tmp_path / "m", dict(change)))


def test_a_file_of_very_many_networks_is_refused_at_once(tmp_path: Path) -> None:
    net = NeuralNetwork([3, 4, 1], seed=0)
    tensors = {f"t{number}": np.zeros(0) for number in range(4000)}
    described = {"class": "MLPRegressor", "parameters": {}, "attributes": {}}
    members = [{"network": net.describe()}] * 3000
    write_tensors(tmp_path / "m", tensors, {"estimator": described, "members": members})
    assert "members is [" in refusal(tmp_path / "m")


def test_what_a_person_stored_may_be_nested(tmp_path: Path) -> None:
    NeuralNetwork([3, 4, 1], seed=0).save(tmp_path / "m", extra={"mine": [[[[[[[[[[1]]]]]]]]]]})
    glassnet.load(tmp_path / "m")


def test_a_formula_that_would_take_minutes_to_compile_is_refused() -> None:
    def value(z: Any) -> Any:
        for number in range(201):
            z = z + number
        return z

    with pytest.raises(FormulaError, match="at most 200 operations"):
        custom_activation("long", value, lambda z: 0 * z + 1)
    assert json.dumps(formula([["exp", [0]]]))


def test_a_table_without_its_estimator_is_refused(tmp_path: Path) -> None:
    saved = Path(__file__).parent / "saved" / "old_classes.safetensors"
    glassnet.load(saved).save(tmp_path / "m")
    tensors, document = read_tensors(tmp_path / "m")
    document["network"] = document["members"][0]["network"]
    document["estimates"] = document.pop("estimator")
    tensors = {name.removeprefix("member1."): tensor for name, tensor in tensors.items()}
    write_tensors(tmp_path / "m", tensors, document)
    assert "is damaged (it lacks 'extra')" in refusal(tmp_path / "m")
    del document["network"]
    write_tensors(tmp_path / "m", tensors, document)
    assert "cannot be built: its document lacks 'network'" in refusal(tmp_path / "m")

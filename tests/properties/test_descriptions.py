"""Entries described as plain data for a model file, and rebuilt; invalid descriptions are refused."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from glassnet.errors import ModelFileError
from glassnet.tables import activations, costs, initializers, optimizers, schedules
from glassnet.tables.activations import ACTIVATIONS, ELU, LeakyReLU, Softmax, activation
from glassnet.tables.costs import COSTS, CustomCost, Huber, Quantile, custom_cost
from glassnet.tables.custom_activation import CustomActivation, custom_activation
from glassnet.tables.entry import describe, rebuild
from glassnet.tables.initializers import INITIALIZERS, He
from glassnet.tables.optimizers import OPTIMIZERS, Adam, AdamW
from glassnet.tables.schedules import SCHEDULES, InverseScaling, OneCycle, WarmUp

CUBIC = custom_activation("cubic", lambda z: z + 0.1 * z**3, lambda z, a: 1 + 0.3 * z**2, -1e30)
FOURTH = custom_cost("fourth", lambda a, y: (a - y) ** 4, lambda a, y: 4 * (a - y) ** 3, targets=(0, 1))
SETTINGS = [
    LeakyReLU(0.3),
    ELU(2),
    Softmax((3, 5, 2)),
    Huber(delta=2),
    Quantile(0.9),
    Adam(0.8, epsilon=1e-6, corrected_epsilon=False),
]
SETTINGS += [AdamW(weight_decay=0.1), OneCycle(peak=0.01), WarmUp(steps=7), InverseScaling(samples=100), He(0.3)]
TABLES: list[tuple[Any, dict[str, Any], Any]] = [
    (activations.Activation, ACTIVATIONS, CustomActivation),
    (costs.Cost, COSTS, CustomCost),
    (optimizers.Optimizer, OPTIMIZERS, None),
    (schedules.Schedule, SCHEDULES, None),
    (initializers.Initializer, INITIALIZERS, None),
]
ENTRIES = [*(kind() for _, table, _ in TABLES for kind in table.values()), *SETTINGS, CUBIC, FOURTH]


def table_of(entry: Any) -> tuple[dict[str, Any], Any]:
    """The table of an entry, and the class of custom entries of that table."""
    return next((table, custom) for base, table, custom in TABLES if isinstance(entry, base))


@pytest.mark.parametrize("entry", ENTRIES, ids=repr)
def test_an_entry_is_rebuilt_from_its_description(entry: Any) -> None:
    table, custom = table_of(entry)
    read = json.loads(json.dumps(describe(entry), allow_nan=False))
    assert read == describe(entry)  # a checkpoint compares its description with that of the run
    rebuilt = rebuild(table, read, custom)
    assert (
        type(rebuilt) is type(entry)
        and rebuilt == entry
        and hash(rebuilt) == hash(entry)
        and repr(rebuilt) == repr(entry)
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=repr)
def test_an_entry_can_be_pickled(entry: Any) -> None:
    rebuilt = pickle.loads(pickle.dumps(entry))
    assert type(rebuilt) is type(entry) and rebuilt == entry and vars(rebuilt) == vars(entry)


def test_a_description_is_plain_data() -> None:
    assert describe(Huber(delta=2)) == {"name": "huber", "delta": 2}
    assert describe(activation("relu")) == {"name": "relu"}
    assert describe(CUBIC)["value_formula"]["operations"][0] == ["power", [0, 3.0]]


def broken(**changes: Any) -> dict[str, Any]:
    """The description of a custom activation with changes in its value formula."""
    plain: dict[str, Any] = json.loads(json.dumps(describe(CUBIC)))
    plain["value_formula"].update(changes)
    return plain


@pytest.mark.parametrize(
    "description",
    [
        *(None, [], "relu", {}, {"name": 3}, {"name": "nothing"}, {"name": "nothing", "slope": 1}, {"name": "cubic"}),
        *({"name": "relu", "slope": 1}, {"name": "leaky_relu", "slope": "x"}, {"name": "leaky_relu", "slope": 7}),
        *(broken(inputs=10**9), broken(inputs=2), broken(inputs="1"), broken(outputs=[99]), broken(outputs=[-1])),
        *(broken(outputs=[]), broken(outputs=3), broken(outputs=[True]), broken(operations=3)),
        *(broken(operations=[["system", [0]]]), broken(operations=[["exp", [5]]]), broken(operations=[["exp", ["0"]]])),
        *(
            broken(operations=[["exp", [0, 0, 0, 0]]]),
            broken(operations=[["power", [0, 0]]]),
            broken(operations=["exp"]),
        ),
        *({**broken(), "range": {"low": "a"}}, {**broken(), "range": "all"}, {**broken(), "more": 1}),
        {**broken(), "value_formula": None},
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_damaged_description_is_refused(description: Any) -> None:
    with pytest.raises(ModelFileError):
        rebuild(ACTIVATIONS, description, CustomActivation)


def test_a_name_is_looked_up_in_its_table_only() -> None:
    with pytest.raises(ModelFileError):
        rebuild(OPTIMIZERS, {"name": "CustomActivation"})

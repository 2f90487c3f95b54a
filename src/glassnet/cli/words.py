"""The choices that the tables offer, as the help shows them, and the words of an option that is a list."""

from __future__ import annotations

from collections.abc import Iterable

from glassnet.errors import ParameterError
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS
from glassnet.tables.initializers import INITIALIZERS
from glassnet.tables.optimizers import OPTIMIZERS
from glassnet.tables.schedules import SCHEDULES


def choices(names: Iterable[str]) -> str:
    """How the help shows a choice."""
    return f"[{'|'.join(names)}]"


TASKS = choices(("auto", "classification", "regression"))
HIDDEN_ACTIVATIONS = choices(name for name, row in ACTIVATIONS.items() if row.elementwise)
ALL_COSTS = choices(("auto", *COSTS))
ALL_OPTIMIZERS = choices(OPTIMIZERS)
ALL_SCHEDULES = choices(SCHEDULES)
ALL_INITIALIZERS = choices(INITIALIZERS)


def widths(text: str) -> list[int]:
    """The hidden layers' widths out of `128,64`; an empty text or 0 means none. Raises ParameterError."""
    if text.strip() in ("", "0"):
        return []
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        raise ParameterError(f"--hidden is {text!r}; it must be widths and commas, such as 128,64.") from None
    if min(found) < 1:
        raise ParameterError(f"--hidden is {text!r}; each layer needs 1 neuron or more.")
    return found

"""Numbers and arrays as people pass them, those of other libraries among them, read in one place.

A whole number may be too large for a float, and a tensor may refuse to become an array; what reads them says so in a
sentence instead of failing somewhere below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from glassnet.errors import DataError, ParameterError

Array = np.ndarray[Any, np.dtype[Any]]
MAX_SHOWN = 60  # characters of a value in a sentence


def to_float(value: Any) -> float:
    """`value` as a float; a whole number that is too large for one becomes infinite, which every limit refuses.

    Raises TypeError or ValueError where it is no number.
    """
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def short_repr(value: Any) -> str:
    """How a sentence shows a value: its repr, shortened where it is long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python does not spell out numbers of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def to_array(name: str, values: Any) -> Array:
    """`values` as an array. Raises DataError, which calls them `name`, where NumPy cannot read them."""
    try:
        return np.asarray(values)
    except MemoryError:
        raise
    except ValueError:
        raise DataError(f"{name} has rows of different lengths; it must be one rectangular array of numbers.") from None
    except Exception as error:
        raise DataError(unreadable(name, values, error)) from error


def read_tensor(name: str, values: Any) -> Any:
    """A tensor, such as PyTorch's, as an array; anything else unchanged. Raises DataError where it cannot be read."""
    return to_array(name, values) if hasattr(values, "detach") and hasattr(values, "__array__") else values


def unreadable(name: str, values: Any, error: Exception) -> str:
    """The sentence about what NumPy cannot read."""
    if "requires_grad" in dir(values) or "requires grad" in str(error):
        fault = f"{name} is a tensor that records gradients or is not in main memory"
        return f"{fault}; pass {name}.detach().cpu().numpy()."
    reason = (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__
    return f"{name} ({type(values).__name__}) cannot be read as an array ({reason}); pass a NumPy array."


def check_representable(parameters: Mapping[str, Any]) -> None:
    """Raise ParameterError for a parameter that is a whole number too large for a float."""
    for name, value in parameters.items():
        if isinstance(value, int) and math.isinf(to_float(value)):
            raise ParameterError(
                f"{name} is {short_repr(value)}, which is too large for a float; take a smaller number."
            )

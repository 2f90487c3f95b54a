"""The precision of a program's products: that of the dtype, or operands rounded to bfloat16 and sums in float32.

With "mixed_bfloat16" the builder adds an equation that rounds each operand once per step, and the products of dense
layers read what it writes. Everything else is computed in float32: parameters, updates, sums, formulas and the cost.
"""

from __future__ import annotations

import os
from typing import Any

from glassnet.errors import ParameterError, unknown_name

MIXED = "mixed_bfloat16"
NETWORK_PRECISIONS = ("float32", MIXED)  # of networks that compute in float32
PRECISIONS = ("float32", "float64", MIXED)
EMULATE = "GLASSNET_EMULATE_BF16"  # set to 1, the compiled engine emulates products of mixed precision


def is_emulated() -> bool:
    """Whether products of mixed precision are to be emulated, even if the processor has instructions for them."""
    return os.environ.get(EMULATE) == "1"


def checked_precision(precision: Any, dtype: Any) -> str | None:
    """MIXED, or None for the precision of the dtype, which may be named too. Raises ParameterError for all else."""
    if precision is None or (isinstance(precision, str) and precision == str(dtype)):
        return None
    if not isinstance(precision, str) or precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    if precision == MIXED and str(dtype) == "float32":
        return MIXED
    advice = f"take dtype {'float32' if precision == MIXED else precision!s}, or leave precision out"
    raise ParameterError(f"precision {precision!r} and dtype {str(dtype)!r} do not go together: {advice}.")


def precision_text(dtype: Any, precision: str | None) -> str:
    """What numbers are computed in, for people."""
    return f"{dtype}, products in {precision}" if precision else str(dtype)


def rounded_name(name: str) -> str:
    """The name of a quantity's copy that is rounded to bfloat16."""
    return f"bf16({name})"


def unrounded_name(name: str) -> str:
    """The name of the quantity of which this may be a rounded copy."""
    return name[5:-1] if name.startswith("bf16(") else name

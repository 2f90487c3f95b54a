"""How a kernel becomes object code."""

from __future__ import annotations

from typing import Any

import pytest

from glassnet.engine.compile import object_code


def test_a_kernel_that_could_raise_an_exception_is_refused() -> None:
    def striding(row: Any, context: Any) -> None:
        for place in range(0, row[0], row[1]):  # Python refuses a stride of 0
            context[place] = 1

    with pytest.raises(ValueError, match="the kernel striding could raise an exception"):
        object_code(striding)

"""What a person declares about their code: which way samples lie, where the biases are, what y contains."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import ParameterError, suggestion

FOLDED = ("first", "last")


class Conventions(NamedTuple):
    """The arguments of check_backprop of the same names; `rows` None is to be found out."""

    rows: bool | None = None
    biases: bool | str = True
    one_sample: bool = False
    labels: bool = False

    def check(self) -> None:
        """Raise ParameterError for a value that means nothing."""
        if self.biases not in (True, False, *FOLDED):
            raise ParameterError(
                f"biases is {self.biases!r}; {suggestion(self.biases, FOLDED)}It is True, False (it has none), "
                '"first" or "last" (they are the first or last column of W).'
            )
        flags = {"rows": self.rows, "one_sample": self.one_sample, "labels": self.labels}
        for name, value in flags.items():
            if value not in (True, False) and not (name == "rows" and value is None):
                raise ParameterError(
                    f"{name} is {value!r}; it is True or False{', or None' if name == 'rows' else ''}."
                )

    @property
    def separate_biases(self) -> bool:
        """Whether the biases are arrays of their own."""
        return self.biases is True

    def notes(self) -> list[str]:
        """What is not checked because of them."""
        return [] if self.biases is not False else ["biases are not checked: declared as none."]


def class_numbers(y: Any) -> Any:
    """The class numbers (batch,) of y (outputs, batch)."""
    return y.argmax(axis=0) if len(y) > 1 else y[0].astype(np.int64)

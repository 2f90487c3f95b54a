"""The arguments of a command as they come from a page, checked one by one: a wrong one is a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from glassnet.array_likes import short_repr
from glassnet.errors import ParameterError

MAX_TEXT = 200


class Arguments:
    """What a command was sent with; each method gives one argument, or raises ParameterError."""

    def __init__(self, message: Mapping[str, Any]) -> None:
        self.values = {key: value for key, value in message.items() if key not in ("id", "do")}

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number within limits."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ParameterError(f"{name} must be a whole number, not {short_repr(value)}.")
        if value != int(value) or not low <= value <= high:
            raise ParameterError(f"{name} is {short_repr(value)}; it must be a whole number from {low:,} to {high:,}.")
        return int(value)

    def number(self, name: str, low: float, high: float) -> float:
        """A finite number within limits."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise ParameterError(f"{name} is {short_repr(value)}; it must be a number from {low:g} to {high:g}.")
        return float(value)

    def text(self, name: str, longest: int = MAX_TEXT) -> str:
        """A text that is not too long."""
        value = self.values.get(name)
        if not isinstance(value, str) or len(value) > longest:
            raise ParameterError(f"{name} must be a text of at most {longest:,} letters, not {short_repr(value)}.")
        return value

    def flag(self, name: str) -> bool:
        """True or False; False where it is left out."""
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise ParameterError(f"{name} must be true or false, not {short_repr(value)}.")
        return value

    def sequence(self, name: str, longest: int) -> list[Any]:
        """A list that is not too long."""
        value = self.values.get(name)
        if not isinstance(value, list) or len(value) > longest:
            raise ParameterError(f"{name} must be a list of at most {longest:,} items, not {short_repr(value)}.")
        return value

    def mapping(self, name: str, longest: int) -> dict[str, Any]:
        """An object that is not too large."""
        value = self.values.get(name)
        if not isinstance(value, dict) or len(value) > longest:
            raise ParameterError(f"{name} must be an object of at most {longest:,} entries, not {short_repr(value)}.")
        return value

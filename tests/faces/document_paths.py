"""Where something stands in the document of a model file, for the tests that damage it."""

from __future__ import annotations

from typing import Any


def document_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to everything in a document, the document itself first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in document_paths(item, (*path, key)))]

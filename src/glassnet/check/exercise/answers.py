"""A person's file of answers: it is run as code, because it is theirs, and its functions are called with copies.

Whatever their code raises becomes an `AnswerError`: a sentence and, on lines of their own, the line of their file and
the shapes that it was given. What it prints and its warnings are suppressed, so that the report stays readable.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import runpy
import traceback
import warnings
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from glassnet.errors import DataError, GlassnetError

MAX_MESSAGE = 160  # characters of what their code raised


class AnswerError(GlassnetError, ValueError):
    """Their code cannot be run, or returned something that is not what a step asks for."""


class WrongShape(AnswerError):
    """A result that is not an array of the right shape, or not as many results as a step asks for."""


class NotWritten(AnswerError):
    """A function still raises NotImplementedError, or is missing."""


class Answers:
    """The functions of a person's file, by name."""

    def __init__(self, path: str) -> None:
        """Run the file. Raises DataError if it cannot be read, and AnswerError where its code fails."""
        self.path = path
        self._check_file()
        with self._quiet(path):
            self._functions = runpy.run_path(path, run_name="exercise")

    def _check_file(self) -> None:
        if not os.path.exists(self.path):
            raise DataError(f"{self.path} does not exist; glassnet exercise --out {self.path} writes it.")
        if os.path.isdir(self.path):
            raise DataError(f"{self.path} is a folder; name the file with your functions.")
        if self.path.endswith(".ipynb"):
            raise DataError(f"{self.path} is a notebook; copy its functions to a file that ends in .py.")

    def source(self, name: str) -> str:
        """The text of one of their functions; empty where it is not defined in their file."""
        with open(self.path, encoding="utf-8") as file:
            text = file.read()
        nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name]
        return ast.get_source_segment(text, nodes[-1]) or "" if nodes else ""

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """What one of their functions returns. Raises NotWritten or AnswerError; also if it changes its arguments."""
        function = self._functions.get(name)
        if not callable(function):
            raise NotWritten(f"{self.path} has no function {name}({', '.join(arguments)}).")
        passed = deepcopy(dict(arguments))
        with self._quiet(f"{name}({', '.join(arguments)})", arguments):
            result = function(*passed.values())
        for key, value in arguments.items():
            if key != "rng" and not _equal(passed[key], value):
                raise AnswerError(f"{name} changes the {key} that it is given; compute new arrays instead.")
        if result is None:
            raise AnswerError(f"{name} returns None; end it with a return.")
        return result

    @contextlib.contextmanager
    def _quiet(self, what: str, arguments: Mapping[str, Any] | None = None) -> Iterator[None]:
        """Run their code without output or warnings, and turn what it raises into an AnswerError."""
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                yield
            except NotImplementedError as error:
                frame = self._frame(error)
                where = f" in line {frame.lineno}" if frame else ""
                raise NotWritten(f"{what}{where} is still to be written.") from error
            except SyntaxError as error:
                where = f"line {error.lineno} of {self.path}" if error.lineno else self.path
                raise AnswerError(f"{where} is not Python: {error.msg}.") from error
            except KeyboardInterrupt as error:
                text = f"{what} was interrupted; if it does not end by itself, look for an endless loop."
                raise AnswerError(self._with_line(text, error)) from error
            except (Exception, SystemExit) as error:  # whatever a learner's code raises is a result
                message = f": {_message(error)}" if str(error) else ""
                text = self._with_line(f"{what} raises {type(error).__name__}{message}", error)
                raise AnswerError(f"{text}{shapes(arguments or {})}") from error

    def _with_line(self, text: str, error: BaseException) -> str:
        """The text and, on a line of its own, the last line of their file that the error passed through."""
        frame = self._frame(error)
        return f"{text}\nline {frame.lineno:<5}{frame.line}" if frame else text

    def _frame(self, error: BaseException) -> traceback.FrameSummary | None:
        frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == self.path]
        return frames[-1] if frames else None


def _message(error: BaseException) -> str:
    """What an exception says; NumPy's words about a matrix product in plainer ones."""
    text = " ".join(str(error).split())
    sizes = re.search(r"\(size .*\)$", text)
    if text.startswith("matmul") and sizes:
        return f"the shapes in a matrix product do not fit {sizes[0]}"
    if operand := re.match(r"matmul: Input operand (\d) does not have enough dimensions", text):
        side = "left" if operand[1] == "0" else "right"
        return f"a matrix product needs arrays, but what stands {side} of its sign @ is one number"
    return text[:MAX_MESSAGE]


def shapes(arguments: Mapping[str, Any]) -> str:
    """The shapes of the arrays among the arguments, on a line of their own."""
    texts = []
    for name, value in arguments.items():
        arrays = [np.shape(part) for part in (value if isinstance(value, list) else [value])]
        if all(arrays):  # the shape of a number is empty
            texts.append(f"{name} {' and '.join(map(str, arrays))}")
    return f"\ngiven     {', '.join(texts)}" if texts else ""


def _equal(one: Any, other: Any) -> bool:
    """Whether two arguments, arrays or lists of arrays, are the same."""
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return np.array_equal(one, other)


def numbers(value: Any, name: str, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One result as a float64 array of the shape that it must have. Raises AnswerError for anything else."""
    try:
        if np.asarray(value).dtype.kind in "US":
            raise TypeError  # NumPy would read '0.64' as a number
        result = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        what = f"a {type(value).__name__} that is not an array of numbers"
        what = f"the text {value!r}, not a number" if isinstance(value, str) else what
        raise WrongShape(f"{name} is {what}; its shape must be {shape or 'that of one number'}.") from error
    if shape == () and result.size == 1:
        return result.reshape(())
    if result.shape != shape:
        what = f"the number {result:g}" if result.shape == () else f"an array of shape {result.shape}"
        hint = ": transpose it" if result.shape == shape[::-1] else ""
        raise WrongShape(f"{name} is {what}; its shape must be {shape or 'that of one number'}{hint}.")
    return result


def parts(value: Any, names: tuple[str, ...]) -> list[Any]:
    """The results that a function returns together. Raises AnswerError where their number is another."""
    if len(names) == 1:
        return [value]
    if not isinstance(value, (tuple, list)) or len(value) != len(names):
        what = f"{len(value)} results" if isinstance(value, (tuple, list)) else "one result"
        raise WrongShape(f"it returns {what}, where {len(names)} are asked for: return {', '.join(names)}.")
    return list(value)

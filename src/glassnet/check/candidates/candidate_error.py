"""Runs a person's code without output or warnings, and turns whatever it raises into a sentence."""

from __future__ import annotations

import contextlib
import io
import sysconfig
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from glassnet.errors import GlassnetError

PACKAGE = str(Path(__file__).parents[2])  # an error raised in here is not in their code
STANDARD_LIBRARY = sysconfig.get_path("stdlib")


class CandidateError(GlassnetError, ValueError):
    """Their code raised, or did not return gradients of the right shapes."""

    def __init__(self, sentence: str, equation: str = "run") -> None:
        super().__init__(sentence)
        self.equation = equation


@contextlib.contextmanager
def _no_output() -> Iterator[None]:
    """What is printed, bars of progress included, goes nowhere."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Run their code without output, warnings or NumPy's errors, and turn whatever it raises into one sentence."""
    with _no_output(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            yield
        except CandidateError:
            raise
        except Exception as error:  # whatever a learner's code raises is a result of the check
            text = " ".join(str(error).split())
            raise CandidateError(f"it raises {type(error).__name__}{_line(error)}: {text[:160]}") from error


def is_theirs(path: str) -> bool:
    """Whether a source file is neither of this package nor of an installed library."""
    return not (path.startswith((PACKAGE, STANDARD_LIBRARY)) or "site-packages" in path or "dist-packages" in path)


def _line(error: Exception) -> str:
    """The line of their code that raised, in neither this package nor an installed library; "" where there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [one for one in frames if is_theirs(one.filename)]
    return f" in line {theirs[-1].lineno}" + (f", {theirs[-1].line!r}" if theirs[-1].line else "") if theirs else ""

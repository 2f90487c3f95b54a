"""`to_source`: a model as one file of Python, C or JavaScript that needs nothing else, with rows that test it."""

from __future__ import annotations

from typing import Any

from glassnet.errors import ParameterError, unknown_name
from glassnet.export.example_rows import example_rows
from glassnet.export.file_endings import check_ending
from glassnet.export.model_pipeline import at_one_moment, model_pipeline
from glassnet.export.source_c import CSource
from glassnet.export.source_javascript import JavaScriptSource
from glassnet.export.source_python import PythonSource
from glassnet.export.source_writer import SourceWriter
from glassnet.files.atomic_file import FilePath, atomic_file
from glassnet.files.replacing import CODE

LANGUAGES: dict[str, type[SourceWriter]] = {"python": PythonSource, "c": CSource, "javascript": JavaScriptSource}
CONTENT = {"python": "Python code", "c": "C code", "javascript": "JavaScript code"}
MAX_NUMBERS = 5_000_000
TEST_ROWS, MAX_TEST_CELLS = 8, 20_000


def to_source(model: Any, language: str = "python", path: FilePath | None = None, *, examples: Any = None) -> str:
    """Return a fitted model as the source code of a function that depends on no library.

    Parameters
    ----------
    model : a NeuralNetwork or a fitted estimator; the preparation of the raw columns of a tabular one is included
    language : python, c or javascript (js)
    path : the file to write the code to, or None
    examples : rows for the test in the code, in the form that `predict` takes; None draws some at random

    Returns the code. A network's `predict` takes the numbers of one sample; that of a tabular estimator takes the cells
    of a row by name. Raises ParameterError (a ValueError) for a model of too many parameters and for a `path` with the
    ending of another format, and ModelFileError (a ValueError) for a file that cannot be written.
    """
    names = {"js": "javascript"}
    kind = names.get(language, language) if isinstance(language, str) else language
    if kind not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    if path is not None:
        check_ending(path, CONTENT[kind])
    model = at_one_moment(model)
    pipeline = model_pipeline(model)
    if (count := sum(array.size for array in pipeline.constants.values())) > MAX_NUMBERS:
        raise ParameterError(f"The code would hold {count:,} numbers; the limit is {MAX_NUMBERS:,}: use to_onnx.")
    width = sum(pipeline.width(entry.quantity) for entry in pipeline.inputs)
    rows = max(1, min(TEST_ROWS, MAX_TEST_CELLS // width))
    code = LANGUAGES[kind](pipeline, example_rows(model, pipeline, rows, examples).first(rows)).text()
    if path is not None:
        with atomic_file(path, kind=CODE) as file:
            file.write(code.encode())
    return code

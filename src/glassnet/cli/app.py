"""The program `glassnet`: its commands, and how errors are reported: one sentence on stderr and exit code 2."""

from __future__ import annotations

import errno
import inspect
import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from glassnet.cli import (
    check,
    check_mine,
    columns,
    demo,
    diagnose,
    evaluate,
    exercise,
    export,
    play,
    predict,
    show,
    shuffle,
    step,
    train,
)
from glassnet.cli.interruption import INTERRUPTED, end_interrupted, handles_interruptions, raised_in_commands
from glassnet.cli.printing import print_text
from glassnet.errors import GlassnetError, ParameterError

UsageError: Any = typer.BadParameter.__mro__[1]


class CommandGroup(TyperGroup):
    """The commands; an expected error becomes one sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            with raised_in_commands():
                return super().invoke(ctx)
        except GlassnetError as error:
            _fail(str(error))
        except UsageError as error:
            command = getattr(getattr(error, "ctx", None), "command_path", "glassnet")
            message = error.format_message().rstrip(".")
            _fail(f"{message}{' See' if message.endswith('?') else '; see'} {command} --help.")
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            _fail(f"{error.filename or 'The output'}: {error.strerror}.")
        except KeyboardInterrupt:
            if handles_interruptions():
                end_interrupted()
            print_text("glassnet: interrupted.", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        except MemoryError:
            _fail("There is not enough memory; use a smaller file, network or batch.")


def _fail(sentence: str) -> None:
    print_text(f"glassnet: {' '.join(sentence.splitlines())}", file=sys.stderr)
    raise typer.Exit(2)


def _help(command: Callable[..., None]) -> str:
    """The docstring of a command for Typer, which wraps a paragraph of one line and reads [ as the start of a style."""
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).replace("[", r"\[")


SUMMARY = "Train a fully connected neural network on a table or on images, and see every number inside it."
app = typer.Typer(
    cls=CommandGroup,
    help=SUMMARY,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
USE_A_MODEL = predict.predict, evaluate.evaluate, show.show, export.export, check.check
LEARN = play.play, step.step, exercise.exercise, check_mine.check_mine
for command in (columns.columns, shuffle.shuffle, train.train, *USE_A_MODEL, *LEARN, diagnose.diagnose, demo.demo):
    app.command(help=_help(command))(command)


@app.callback(help=SUMMARY, invoke_without_command=True)
def glassnet(
    version: bool = typer.Option(False, "--version", help="Show the version."),
    verbose: bool = typer.Option(
        False,
        "--verbose",
        help="With --version: also show the packages, the processor and the stored kernels, for a report of a fault.",
    ),
) -> None:
    """Parse the options that come before a command."""
    if version:
        from glassnet.cli.version import print_version

        print_version(verbose=verbose)
        raise typer.Exit
    if verbose:
        raise ParameterError("--verbose belongs to --version; commands have options of their own.")

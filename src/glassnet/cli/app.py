"""The program `glassnet`: its commands, and how an error reaches a person: one sentence on stderr, exit code 2."""

from __future__ import annotations

import errno
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from glassnet.cli import check, demo, diagnose, evaluate, predict, show, train
from glassnet.errors import GlassnetError

UsageError: Any = typer.BadParameter.__mro__[1]


class OneSentence(TyperGroup):
    """A group of commands that turns every foreseen error into one sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; no traceback for what a person can mend."""
        try:
            return super().invoke(ctx)
        except GlassnetError as error:
            _fail(str(error))
        except UsageError as error:
            command = getattr(getattr(error, "ctx", None), "command_path", "glassnet")
            _fail(f"{error.format_message().rstrip('.?')}; see {command} --help.")
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            _fail(f"{error.filename or 'The output'}: {error.strerror}.")
        except MemoryError:
            _fail("There is not enough memory for this; use a smaller file, network or batch.")


def _fail(sentence: str) -> None:
    text = " ".join(sentence.splitlines())
    print(f"glassnet: {text}", file=sys.stderr)
    raise typer.Exit(2)


app = typer.Typer(
    cls=OneSentence,
    help="Train a fully connected neural network on a table or on images, and see through it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train.train, predict.predict, evaluate.evaluate, show.show, check.check, diagnose.diagnose, demo.demo):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        from glassnet import __version__

        print(f"glassnet {__version__}")
        raise typer.Exit


@app.callback()
def glassnet(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Train a fully connected neural network on a table or on images, and see through it."""

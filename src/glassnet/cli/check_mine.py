"""`glassnet check-mine`: look at a person's own backpropagation, step by step."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Exit


def check_mine(
    file: Annotated[str, Argument(metavar="FILE", help="The file that glassnet exercise wrote; it is run as code.")],
) -> None:
    """Check the seven steps of your exercise: what is right, what is still wrong, and what comes next.

    The exit code is 0 if all steps are right, and 1 otherwise.
    """
    from glassnet.check.exercise.report import check_mine
    from glassnet.cli.printing import print_text, wrapped

    report = check_mine(file)
    if report.results:
        print_text(wrapped("\n".join(report.step_lines()), indent=4), end="\n\n")
    print_text(wrapped(report.closing))
    if not report.ok:
        raise Exit(1)

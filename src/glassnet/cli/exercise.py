"""`glassnet exercise`: write a file in which a person writes backpropagation in seven steps."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option

from glassnet.cli.printing import print_text


def exercise(
    step: Annotated[int | None, Argument(metavar="STEP", help="Print this step, 1 to 7, and write nothing.")] = None,
    out: Annotated[str, Option(metavar="FILE", help="File to write; one that exists is never changed.")] = "mine.py",
) -> None:
    """Write a file in which you write backpropagation yourself, in seven steps from one neuron to mini-batches.

    `glassnet check-mine FILE` then says which steps are right.
    """
    from glassnet.check.exercise.template import exercise_text, step_text
    from glassnet.cli.output_paths import write_new_file

    if step is not None:
        print_text(step_text(step))
        return
    write_new_file(out, exercise_text(out))
    print_text(f"Exercise written to {out}: seven steps, from one neuron to mini-batches.")
    print_text(f"Open it, write the function of step 1, then run: glassnet check-mine {out}")

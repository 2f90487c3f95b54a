"""A run from a link or from settings, made ready to be shown, with notes on everything that was not taken as given."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

from glassnet.errors import ParameterError
from glassnet.play.chosen_samples import run_samples
from glassnet.play.engine_choice import available_engine
from glassnet.play.link import Link, read_link
from glassnet.play.network import default_setup, suited
from glassnet.play.own_data import OwnData
from glassnet.play.run import Followed, Run
from glassnet.play.setup import MAX_PARAMETERS, NOTEBOOK_DATA, Change, Setup, parameter_count
from glassnet.play.template import Start, Template


class RunOptions(NamedTuple):
    """What a run has beside its settings: later changes, its engine, parameters to start from, and who follows it to
    its changes.
    """

    changes: tuple[Change, ...] = ()
    engine: str | None = None
    start: Start | None = None
    followed: Followed | None = None


PLAIN = RunOptions()


def open_link(text: str, own: OwnData, *, waits: bool = False, followed: Followed | None = None) -> tuple[Run, Link]:
    """The run of a link, and what else the link says. Raises ParameterError for what is no link, or a missing file."""
    link = read_link(text)
    values = dict(link.values)
    base = default_setup(values.get("data", Setup().data))
    changes, engine = values.pop("then", ()), values.pop("engine", None)
    options = RunOptions(changes, engine, None, followed)
    run = open_setup(base._replace(**values), set(values), own, options, link.notes, waits=waits)
    return run, link


def open_setup(
    setup: Setup,
    given: set[str],
    own: OwnData,
    options: RunOptions = PLAIN,
    notes: list[str] | None = None,
    *,
    waits: bool = False,
) -> Run:
    """A run of settings, of which a person gave those named in `given`;
    `options` are its changes, its engine and its start.

    Where no engine is given, the compiled one runs if it is ready, or if the caller `waits` for it.
    """
    changes, engine, start, followed = options
    samples = run_samples(setup, own)
    setup, changed = suited(setup._replace(then=()), given, samples)
    check_size(setup, samples.template)
    chosen = engine or available_engine(setup, samples.template, wait=waits)
    problems = [*(notes or ()), *changed]
    if engine == "numpy" and setup.data != NOTEBOOK_DATA:
        problems.append("This link asks for NumPy in place of the compiled engine: the same run, bit for bit.")
    elif engine is None and chosen == "numpy":
        problems.append("NumPy runs this network, many times slower: the compiled engine is not ready. Open it again.")
    setup = setup._replace(engine=chosen, then=tuple(changes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where the compiled engine cannot run; the notes say it
        return Run(setup, samples, problems, start, followed)


def check_size(setup: Setup, template: Template | None) -> None:
    """Raise ParameterError for a network that is too large for the page."""
    if template is not None and template.architecture.inputs == setup.shape[0]:
        setup = setup._replace(shape=(template.architecture.input_widths[-1], *setup.shape[1:]))
    if (count := parameter_count(setup.shape)) > MAX_PARAMETERS:
        raise ParameterError(f"this network has {count:,} parameters; the page takes up to {MAX_PARAMETERS:,}.")


def changed_setup(run: Run, values: dict[str, Any]) -> tuple[Setup, set[str]]:
    """The settings of a run with some changed, and which of them are a person's choice.

    With other data, all that belongs to the data starts from their defaults.
    """
    present = run.setup.at(len(run.setup.then))
    if any(values.get(name, getattr(present, name)) != getattr(present, name) for name in ("data", "target", "task")):
        carried = {name: getattr(present, name) for name in ("seed", "init")}
        if "data" not in values:
            carried |= {name: getattr(present, name) for name in ("data", "file", "target", "task")}
        return default_setup(values.get("data", present.data))._replace(**carried | values), set(values)
    setup = present._replace(**values)
    if "shape" in values and "w" not in values and values["shape"] != present.shape:
        setup = setup._replace(w=())
    return setup, set(values)

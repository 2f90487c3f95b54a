"""The commands of a page: each is a function of the session and its arguments, and returns what is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassnet.errors import DivergedError, ParameterError, unknown_name
from glassnet.play import data_commands
from glassnet.play.arguments import Arguments
from glassnet.play.divergence_notice import divergence_notice
from glassnet.play.lesson_list import lesson_of
from glassnet.play.link import MAX_LINK, write_link
from glassnet.play.opening import RunOptions, changed_setup, open_link, open_setup
from glassnet.play.player import MAX_SPEED
from glassnet.play.run import Run
from glassnet.play.session import Session
from glassnet.play.setup import MAX_STEP, NO_NAMES, Names, checked_values
from glassnet.play.view_commands import VIEW_COMMANDS

Message = dict[str, Any]
Command = Callable[[Session, Arguments], Any]
MAX_COUNT = 1_000_000  # steps of one command


def answer(session: Session, message: Message) -> Any:
    """Do a command and return its result. Raises a GlassnetError with what is wrong."""
    name = message.get("do")
    command = COMMANDS.get(name) if isinstance(name, str) else None
    if command is None:
        raise unknown_name("the command", str(name)[:40], list(COMMANDS))
    return command(session, Arguments(message))


def opened_run(session: Session) -> Run:
    """The run of a session. Raises ParameterError before one is open."""
    if session.run is None:
        raise ParameterError("no run is open; open one from a link.")
    return session.run


# Playing --------------------------------------------------------------------------------------------------------------


def play(session: Session, arguments: Arguments) -> None:
    """Train until it is paused; speed 0 is as fast as possible."""
    if (ended := opened_run(session).owner.ended) and session.t >= opened_run(session).last:
        raise ParameterError(f"this branch cannot go on: {ended}")
    session.player.play(_speed(arguments) if "speed" in arguments else None)
    session.show()


def pause(session: Session, arguments: Arguments) -> None:
    """Stop at a step."""
    session.player.pause()
    session.show()


def speed(session: Session, arguments: Arguments) -> None:
    """Change the speed, whether it plays or not."""
    value = _speed(arguments)
    if session.player.playing:
        session.player.play(value)
    else:
        session.player.speed = value
        session.show()


def _speed(arguments: Arguments) -> float:
    return arguments.number("speed", 0, MAX_SPEED)


def step(session: Session, arguments: Arguments) -> Message:
    """Go on by some steps."""
    count = arguments.whole("count", 1, MAX_COUNT)
    session.player.pause()
    return _go(session, session.t + count)


def go(session: Session, arguments: Arguments) -> Message:
    """Go to a step, before or after the current one."""
    t = arguments.whole("t", 0, MAX_STEP)
    session.player.pause()
    return _go(session, t)


def _go(session: Session, t: int) -> Message:
    run = opened_run(session)
    try:
        session.go(run, t)
    except DivergedError as error:
        session.send(divergence_notice(error, run.t))
    session.show()
    return {"t": run.t}


# Runs -----------------------------------------------------------------------------------------------------------------


def open_run(session: Session, arguments: Arguments) -> Message:
    """Open the run of a link, at its step."""
    run, link = open_link(arguments.text("link", MAX_LINK), session.own, followed=session.followed)
    run.lesson = lesson_of(link.lesson, arguments.text("link", MAX_LINK))
    show_run(session, run)
    return _go(session, link.t) if link.t else {"t": run.t}


def setup(session: Session, arguments: Arguments) -> None:
    """A new run with some settings changed, from the same seed."""
    run = opened_run(session)
    values = checked_values(arguments.mapping("set", 30), own_names(run))
    changed, given = changed_setup(run, values)
    new = open_setup(changed, given, session.own, RunOptions(start=run.start))
    new.lesson = run.lesson
    show_run(session, new)


def own_names(run: Run) -> Names:
    """The names of the entries of a person's own network."""
    return NO_NAMES if run.data.template is None else run.data.template.names()


def change(session: Session, arguments: Arguments) -> None:
    """Change settings from this step on."""
    run = opened_run(session)
    values = checked_values(arguments.mapping("set", 10), own_names(run))
    with run.lock:
        run.change(values)
    show_branch(session, run)


def branch(session: Session, arguments: Arguments) -> None:
    """Show another branch, at its last step."""
    run = opened_run(session)
    session.player.pause()
    with run.lock:
        run.select(arguments.values.get("branch"))
    show_branch(session, run)


def restart(session: Session, arguments: Arguments) -> None:
    """The same run from step 0, with the settings that hold now; with `new_start`, from another seed."""
    run = opened_run(session)
    setup = run.setup.at(len(run.setup.then))
    if arguments.flag("new_start"):
        setup = setup._replace(seed=(setup.seed + 1) % 2**31, w=())
    engine = setup.engine if setup.engine == "numpy" else None
    start = None if arguments.flag("new_start") else run.start
    new = open_setup(setup, set(), session.own, RunOptions((), engine, start))
    new.lesson = run.lesson
    show_run(session, new)


def show_run(session: Session, run: Run) -> None:
    """Make a run the session's, and tell the page."""
    session.replace_run(run)
    show_branch(session, run)


def show_branch(session: Session, run: Run) -> None:
    """Tell the page about the present branch, and draw it."""
    with run.lock:
        session.send(run_message(session, run))
    session.show()


def run_message(session: Session, run: Run) -> Message:
    """The RunInfo of a run."""
    from glassnet.frames.run_info import run_info

    drawn = session.reader(run, owner=run.owner).maker.drawn
    info = run_info(run.training, run.samples, drawn)
    info["notes"] = list(dict.fromkeys([*run.notes, *info["notes"]]))
    return info | {
        "setup": run.setup.plain(),
        "link": "" if run.setup.data == "own" else write_link(run.setup),
        "lesson": run.lesson,
        "branches": [each.message() for each in run.timeline.branches],
        "branch": run.branch.id,
    }


def use_table(session: Session, arguments: Arguments) -> None:
    """A run on a table that was read."""
    show_run(session, data_commands.use_table(session, arguments))


def points(session: Session, arguments: Arguments) -> None:
    """A run on points."""
    show_run(session, data_commands.points(session, arguments))


def report(session: Session, arguments: Arguments) -> Message:
    """The run as a single HTML file."""
    from glassnet.play.built_page import chosen_static
    from glassnet.play.hello import hello
    from glassnet.play.page_report import report_message

    run = opened_run(session)
    session.player.pause()
    title = arguments.text("title") if "title" in arguments else ""
    return report_message(run, (hello(), run_message(session, run)), title, chosen_static())


COMMANDS: dict[str, Command] = {
    "play": play,
    "pause": pause,
    "speed": speed,
    "step": step,
    "go": go,
    "open": open_run,
    "setup": setup,
    "change": change,
    "branch": branch,
    "restart": restart,
    "table": data_commands.table,
    "use_table": use_table,
    "points": points,
    "digit": data_commands.digit,
    "model": data_commands.model,
    "report": report,
    **VIEW_COMMANDS,
}

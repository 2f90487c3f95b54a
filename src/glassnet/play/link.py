"""The link of a run: `#v=1&data=moons&shape=2-8-8-1&...`, the same text for the page, the command and Python.

It is the fragment of an address, which a browser sends to no server. What a link says beside the run (which step and
which stage are shown) is for the page; only the step is read here.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from glassnet.array_likes import short_repr
from glassnet.errors import ParameterError
from glassnet.play.setup import AUTO, DRAWN, MAX_STEP, OWN_DATA, Problem, Setup, read_values

VERSION = "1"
VIEW_KEYS = ("t", "s", "ex", "sel", "view", "card", "edges", "lesson", "hash", "ax")  # what is shown of the run
MAX_LINK = 20_000
SAFE = "-_.:;,="


class Link(NamedTuple):
    """What a link says: the settings it has, the step, its lesson, and notes on what was ignored or limited."""

    values: dict[str, Any]
    t: int
    lesson: str
    hash: str
    notes: list[str]


def write_link(setup: Setup) -> str:
    """The link of a run, from `#` on."""
    parts, left_out = [f"v={VERSION}"], DRAWN if setup.data in OWN_DATA else ()
    for key, value in setup._asdict().items():
        if key in left_out:
            continue
        text = _then_text(value) if key == "then" else _text(key, value)
        if text and (key, value) not in (("engine", "compiled"), ("task", AUTO)):
            parts.append(f"{key}={quote(text, safe=SAFE)}")
    return "#" + "&".join(parts)


def read_link(link: Any) -> Link:
    """What a link says. It may be a whole address. Raises ParameterError for what is no link at all."""
    if not isinstance(link, str) or len(link) > MAX_LINK:
        raise ParameterError(f"a link is a text of at most {MAX_LINK:,} letters, such as '#v=1&data=moons'.")
    pairs = parse_qsl(link.rpartition("#")[2].strip().lstrip("?"), keep_blank_values=True)
    if not pairs or "=" not in link:
        raise ParameterError(f"{short_repr(link)} is no link to a run; one looks like '#v=1&data=moons&shape=2-8-1'.")
    problems, texts = list[Problem](), dict(pairs)
    version = texts.pop("v", VERSION)
    if version != VERSION:
        problems.append(Problem(f"the link has version {short_repr(version)}; it is read as version {VERSION}."))
    view = {key: texts.pop(key) for key in VIEW_KEYS if key in texts}
    values: dict[str, Any] = dict(texts)
    if "then" in values:
        values["then"] = _changes(values["then"], problems)
    read = read_values(values, problems)
    if read.get("data") in OWN_DATA and (drawn := [key for key in DRAWN if read.pop(key, None) is not None]):
        problems.append(
            Problem(f"a link to own data has no {' and no '.join(drawn)}; what this one says of that is ignored.")
        )
    t = _step(view.get("t", "0"), problems)
    return Link(read, t, view.get("lesson", ""), view.get("hash", ""), [problem.text for problem in problems])


def _text(key: str, value: Any) -> str:
    if key == "w":
        return ",".join(map(_number_text, value))
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return _number_text(value) if isinstance(value, float) else str(value)


def _number_text(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _then_text(changes: Any) -> str:
    return ";".join(
        f"{change.t}:" + ",".join(f"{key}={_text(key, value)}" for key, value in change.set.items())
        for change in changes
    )


def _changes(text: str, problems: list[Problem]) -> list[dict[str, Any]]:
    """The changes that a link spells, not checked yet; what cannot be split is left out with all that follow."""
    changes: list[dict[str, Any]] = []
    for part in filter(None, text.split(";")):
        t, colon, settings = part.partition(":")
        pairs = [item.partition("=") for item in settings.split(",")]
        if not (colon and t.isascii() and t.isdecimal() and len(t) < 12 and all(sign for _, sign, _ in pairs)):
            problems.append(Problem(f"then: {short_repr(part)} is ignored; a change looks like 200:lr=0.5."))
            break
        changes.append({"t": int(t), "set": {key: value for key, _, value in pairs}})
    return changes


def _step(text: str, problems: list[Problem]) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 12 and int(text) <= MAX_STEP:
        return int(text)
    problems.append(Problem(f"t is {short_repr(text)}; it must be a step from 0 to {MAX_STEP:,}, and 0 is used."))
    return 0

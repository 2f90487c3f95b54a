"""Notes and errors of the reading of files as the page says them: without the options of the command line.

What an option would do is said as what a person can do with the file instead.
"""

from __future__ import annotations

import re

VALUE = r"""(?:'[^']*'|"[^"]*"|[^\s;,]*[^\s;,.])"""  # of an option
RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"; (?:--[a-z-]+[^;]*?|\w+=\w+) (?:overrules?|refuses? them)", ""),
        (rf"; --drop {VALUE} if it is one", "; if it is one, leave it out of the file"),
        (rf"If not: --drop {VALUE}", "If not, leave it out of the file"),
        (rf"; --missing {VALUE} if it means missing", "; if it means missing, empty these cells in the file"),
        (rf", or give --missing {VALUE} or --category {VALUE}", ""),
        (r"; if so, give --no-header", "; if so, add a first line with names"),
        (r"; use --task (?:regression|classification)", ""),
        (r"if it is UTF-16 text, give --encoding [\w-]+", "if it is UTF-16 text, save it as UTF-8"),
    )
)


BEGINNING = re.compile(r"(?:a|an|all|fill|no|none|of|only|the|there|these|this|those|you) ")  # no name of a setting


def page_text(text: str) -> str:
    """A sentence of the command line as one of the page."""
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return f"{text[:1].upper()}{text[1:]}" if BEGINNING.match(text) else text


def page_note(note: str) -> str:
    """A note of the command line as a sentence of the page."""
    return f"{page_text(note).rstrip('.')}."

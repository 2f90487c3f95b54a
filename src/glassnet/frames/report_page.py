"""A recording as one HTML file: the page with its script and style inside, which works offline and without a server.

The page's built files are those of play/static; the same script that draws a live run draws the recording.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from importlib.resources import files
from pathlib import Path

from glassnet.errors import GlassnetError
from glassnet.frames.encoding import Message, json_text

MAX_BYTES = 1_500_000  # of a report
MAX_RECORDED_BYTES = 1_100_000  # of its recording, where the page itself is as long as it may be
# Nothing may be loaded: the two scripts are named by their hashes, styles stand in the file.
POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; font-src 'none'; "
    "connect-src 'none'; form-action 'none'; base-uri 'none'"
)
SCRIPT = re.compile(r"\s*<script[^>]*src=[^>]*></script>")
STYLE = re.compile(r"\s*<link[^>]*rel=\"stylesheet\"[^>]*>")
TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)


class PageMissing(GlassnetError, FileNotFoundError):
    """The built page is missing from this installation."""


def report_html(recorded: Message, static: Path | None = None) -> str:
    """A Recorded of web/src/lib/messages.ts as the text of one HTML file. `static` is another folder of built files."""
    page, script, style = (_built(name, static) for name in ("index.html", "app.js", "app.css"))
    data = f"window.__glassnet = {_in_script(json_text(recorded))};"
    scripts = " ".join(map(_hash, (data, script)))
    head = f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(scripts=scripts)}" />'
    page = SCRIPT.sub("", STYLE.sub("", page))
    page = TITLE.sub(lambda _: f"<title>{escape(str(recorded['about']['title']))}</title>", page)
    # The policy comes first: it holds for what follows it.
    page = page.replace('<meta charset="utf-8" />', f'<meta charset="utf-8" />\n    {head}', 1)
    page = page.replace("</head>", f"<style>{style}</style>\n  </head>", 1)
    return page.replace("</body>", f'<script>{data}</script>\n<script type="module">{script}</script>\n  </body>', 1)


def _built(name: str, static: Path | None) -> str:
    """A built file of the page. Raises PageMissing."""
    try:
        folder = files("glassnet").joinpath("play/static") if static is None else static
        return folder.joinpath(name).read_text(encoding="utf-8")
    except OSError:
        raise PageMissing(
            f"{name} of the page is missing from this installation, so no report can be written; install glassnet "
            "again, or build the page (CONTRIBUTING.md)."
        ) from None


def script_bytes(recorded: Message) -> int:
    """How many bytes a recording takes in a report."""
    return len(_in_script(json_text(recorded)).encode())


def _in_script(json: str) -> str:
    """JSON as a JavaScript expression that cannot end its script element, whatever names it holds."""
    json = json.replace("</", "<\\/").replace("<!--", "<\\!--").replace("<script", "<\\script")
    return json.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash(script: str) -> str:
    """The name of an inline script in a policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def page_bytes(static: Path | None = None) -> int:
    """How long a report is without its recording."""
    return sum(len(_built(name, static).encode()) for name in ("index.html", "app.js", "app.css"))

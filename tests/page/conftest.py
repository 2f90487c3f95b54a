"""The page in Chromium against a real `glassnet play`: nothing is mocked.

No test may log an error in the console, and no request may leave 127.0.0.1.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from .reading import WAIT

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/\?token=\w+")
PROGRAM = (sys.executable, "-m", "glassnet")
CHROMIUM = {
    "executable_path": shutil.which("chromium"),
    "args": [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-component-update",
    ],
}


class Server:
    """A `glassnet play` process; `start` begins another one on the same port. `options` are those of its Popen."""

    def __init__(self, *arguments: str, program: Sequence[str] = PROGRAM, **options: Any) -> None:
        self.arguments, self.program, self.options, self.port = arguments, program, options, 0
        self.process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        self.forget()
        command = [*self.program, "play", "--no-browser", "--port", str(self.port), *self.arguments]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.process = subprocess.Popen(command, **pipes, **self.options)
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            lines.append(line)
            if match := ADDRESS.search(line):
                self.url, self.port = match[0], int(match[1])
                return
        raise AssertionError("".join(lines))

    def close(self) -> None:
        self.process.kill()
        self.forget()

    def forget(self) -> None:
        """Wait for a process that was ended, and close its output."""
        if self.process is not None:
            self.process.wait(10)
            assert self.process.stdout is not None
            self.process.stdout.close()


@pytest.fixture(scope="session")
def web_packages() -> Path:
    """The folder of the packages that web/package-lock.json names, which `make test-more` installs."""
    folder = ROOT / "web/node_modules"
    if not folder.exists():
        pytest.skip("the packages of web/ are not installed (cd web && npm ci)")
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server per module."""
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return dict(CHROMIUM)


Opener = Callable[..., Any]


@pytest.fixture
def opened(server: Server, browser: Any) -> Iterator[Opener]:
    """Return a function that opens the page at a fragment; at the end, no error was logged, nothing left the machine.

    `allow` are patterns of console messages that the test causes itself, such as a connection that it cuts.
    """
    errors: list[str] = []
    requests: list[str] = []
    contexts = []
    allowed: list[str] = []

    def watch(page: Any) -> None:
        page.on(
            "console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.on("websocket", lambda socket: requests.append(socket.url))

    def open_page(fragment: str = "", *, url: str = "", allow: tuple[str, ...] = (), **options: Any) -> Any:
        allowed.extend(allow)
        context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        watch(page)
        page.goto((url or server.url) + fragment)
        return page

    yield open_page
    for context in contexts:
        context.close()
    outside = [
        url
        for url in requests
        if urlsplit(url).scheme not in ("data", "file", "blob") and urlsplit(url).hostname != "127.0.0.1"
    ]
    assert not outside
    assert not [text for text in errors if not any(re.search(pattern, text) for pattern in allowed)]

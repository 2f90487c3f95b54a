"""A page without a browser: a session in this process, or a socket to a real `glassnet play` process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

from websockets.sync.client import connect

from glassnet.play.commands import answer
from glassnet.play.opening import open_link
from glassnet.play.own_data import OwnData
from glassnet.play.session import Session

WAIT = 20.0


class Page:
    """What a page does: it acknowledges frames (unless `reads` is False) and collects what it receives."""

    def __init__(self) -> None:
        self.reads, self.messages = True, list[dict[str, Any]]()
        self.closed_with: Any = None
        self._arrived, self._id = threading.Condition(), 100

    def take(self, text: str) -> None:
        message = json.loads(text)
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()
        if message["type"] == "frame" and self.reads:
            self.put({"id": 0, "do": "ack", "number": message["number"]})

    def put(self, message: Any) -> None:
        raise NotImplementedError

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def wait_for(self, test: Any, seconds: float = WAIT) -> dict[str, Any]:
        """The last message for which `test` is true, when there is one."""
        end = time.monotonic() + seconds
        with self._arrived:
            while True:
                found = next((message for message in reversed(self.messages) if test(message)), None)
                if found is not None:
                    return found
                came = self._arrived.wait(end - time.monotonic())
                assert came, f"nothing came; last: {self.messages[-1:]!r:.300}; {self.closed_with!r}"

    def frame(self, t: int) -> dict[str, Any]:
        return self.wait_for(lambda message: message["type"] == "frame" and message["t"] == t)

    def reply(self, do: str, **arguments: Any) -> dict[str, Any]:
        self._id += 1
        number = self._id
        self.put({"id": number, "do": do, **arguments})
        return self.wait_for(lambda message: message["type"] == "reply" and message["id"] == number)

    def ask(self, do: str, **arguments: Any) -> Any:
        reply = self.reply(do, **arguments)
        assert "error" not in reply, reply["error"]
        return reply["result"]

    def error(self, do: str, **arguments: Any) -> str:
        return str(self.reply(do, **arguments)["error"])

    @property
    def run(self) -> dict[str, Any]:
        return self.of("run")[-1]


class SessionPage(Page):
    """A page on a session of this process."""

    def __init__(self, own: OwnData | None = None) -> None:
        super().__init__()
        self.session = Session(self.take, own or OwnData(), answer)
        self.session.start()

    def put(self, message: Any) -> None:
        self.session.receive(message)


@contextmanager
def session_page(link: str, own: OwnData | None = None) -> Iterator[SessionPage]:
    open_link(link, own or OwnData(), waits=True)  # the kernels are compiled: the session takes the compiled engine
    page = SessionPage(own)
    try:
        page.ask("open", link=link)
        yield page
    finally:
        page.session.close()


class Server:
    """A `glassnet play` process; `static` is the folder of the built page."""

    def __init__(self, *arguments: str, static: Path | None = None, port: int = 0, cache: Path | None = None) -> None:
        settings = {"GLASSNET_STATIC": str(static)} if static else {}
        settings |= {"GLASSNET_CACHE": str(cache)} if cache else {}
        command = [sys.executable, "-m", "glassnet", "play", "--no-browser", "--port", str(port), *arguments]
        environment = {name: value for name, value in os.environ.items() if name != "GLASSNET_STATIC"} | settings
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        found = re.search(r"http://(127\.0\.0\.1:(\d+))/\?token=(\w+)", self.first_line)
        if found:
            self.url, self.host, self.port, self.token = found[0], found[1], int(found[2]), found[3]

    @property
    def cookie(self) -> str:
        return f"glassnet-{self.port}={self.token}"

    def end(self) -> tuple[str, str]:
        """Kill the process and return what it printed."""
        self.process.kill()
        return self.process.communicate()


class SocketPage(Page):
    """A page on the WebSocket of a server."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._stack = ExitStack()
        headers = {"Cookie": server.cookie}
        address, origin = f"ws://{server.host}/socket", cast(Any, f"http://{server.host}")
        opening = connect(address, origin=origin, additional_headers=headers, max_size=None, compression=None)
        self.socket = self._stack.enter_context(opening)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            for text in self.socket:
                assert isinstance(text, str)
                self.take(text)
        except Exception as error:
            self.closed_with = error

    def put(self, message: Any) -> None:
        self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def close(self) -> None:
        self._stack.close()
        self._reader.join(10)

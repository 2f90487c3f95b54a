"""The WebSockets of the pages: each has a session of its own, and what it sends waits in a bounded line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from glassnet.play.commands import answer
from glassnet.play.hello import MAX_PAGES, hello
from glassnet.play.own_data import MAX_FILE, OwnData
from glassnet.play.session import Session

MAX_MESSAGE = 4 * (MAX_FILE // 3) + (64 << 10)  # an uploaded file as base64, and its name
MAX_PLAIN_MESSAGE = 1 << 20  # of every other command
MAX_QUEUE = 1000  # messages that wait for a page which reads nothing


class Pages:
    """The open pages."""

    def __init__(self, own: OwnData, start: str) -> None:
        self.own, self.start, self.count = own, start, 0

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one page until it closes."""
        if self.count >= MAX_PAGES:
            await websocket.accept()
            text = f"{MAX_PAGES} pages are open, which is the most; close one of them."
            await websocket.send_text(json.dumps({"type": "notice", "kind": "limited", "text": text, "t": 0}))
            await websocket.close(1013)
            return
        self.count += 1
        try:
            await self._serve(websocket)
        finally:
            self.count -= 1

    async def _serve(self, websocket: WebSocket) -> None:
        await websocket.accept()
        loop, line = asyncio.get_running_loop(), asyncio.Queue[str](MAX_QUEUE)
        session = Session(_sender(loop, line, websocket), self.own, answer)
        session.start()
        session.send(await asyncio.to_thread(hello) | {"start": self.start})
        session.receive({"id": 0, "do": "open", "link": self.start})
        sending = asyncio.create_task(_send_all(websocket, line))
        try:
            while True:
                await _receive(websocket, session)
        except WebSocketDisconnect:
            pass
        finally:
            session.close()
            sending.cancel()


def _sender(loop: asyncio.AbstractEventLoop, line: asyncio.Queue[str], websocket: WebSocket) -> Callable[[str], None]:
    """A function of any thread that puts text into the line; a page that reads nothing is closed."""

    def put(text: str) -> None:
        try:
            line.put_nowait(text)
        except asyncio.QueueFull:
            _closing.add(task := loop.create_task(websocket.close(1013)))
            task.add_done_callback(_closing.discard)

    def send(text: str) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(put, text)

    return send


_closing: set[asyncio.Task[None]] = set()  # asyncio keeps weak references only


async def _send_all(websocket: WebSocket, line: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await line.get())


async def _receive(websocket: WebSocket, session: Session) -> None:
    """Take one message; what is not JSON, or too large, is answered with a notice."""
    received = await websocket.receive()
    if received["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(received.get("code", 1000))
    text = received.get("text")
    fault = "a message must be text." if text is None else ""
    message: Any = None
    if text is not None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            fault = "a message must be JSON."
    if (
        text is not None
        and len(text) > MAX_PLAIN_MESSAGE
        and not (isinstance(message, dict) and message.get("do") == "table")
    ):
        fault = f"a message of {len(text):,} letters is too long."
    if fault:
        session.send({"type": "notice", "kind": "error", "text": fault.capitalize(), "t": session.t})
    else:
        session.receive(message)

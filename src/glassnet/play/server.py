"""The server of the page: static files and one WebSocket per page, for this machine only.

Starlette routes, uvicorn serves; what a page sees is its session's (session.py). Every request is checked by access.py
before anything is done with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from glassnet.play.access import HEADERS, Access
from glassnet.play.own_data import OwnData
from glassnet.play.pages import Pages

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}


class Site:
    """The files of the page, listed once: no other path can be asked for."""

    def __init__(self, folder: Path, access: Access) -> None:
        self.access = access
        paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix in TYPES)
        self.files = {f"/{path.relative_to(folder).as_posix()}": path for path in paths}

    async def answer(self, request: Request) -> Response:
        """Answer a request for a file."""
        if refusal := self.access.refusal(request.headers):
            return refused(403, refusal)
        token = request.query_params.get("token")
        if not self.access.knows(request.headers, token):
            return refused(403, "The address needs its token: open the address that glassnet play printed.")
        path = "/index.html" if request.url.path == "/" else request.url.path
        if path not in self.files:
            return refused(404, "There is no such page.")
        cookie = {"set-cookie": self.access.cookie_header()} if token is not None else {}
        file = self.files[path]
        return FileResponse(file, headers=HEADERS | cookie, media_type=TYPES[file.suffix])


def refused(status: int, sentence: str) -> Response:
    """A refusal: a sentence as plain text."""
    return PlainTextResponse(f"{sentence}\n", status, HEADERS)


def make_app(folder: Path, access: Access, own: OwnData, start: str) -> Starlette:
    """The application. `start` is the link that a page opens with."""
    site, pages = Site(folder, access), Pages(own, start)

    async def socket(websocket: WebSocket) -> None:
        headers: Mapping[str, Any] = websocket.headers
        if access.refusal(headers, socket=True) or not access.knows(headers):
            await websocket.close(1008)  # before it is accepted: the browser gets a 403
            return
        await pages.serve(websocket)

    routes = [WebSocketRoute("/socket", socket), Route("/{path:path}", site.answer, methods=["GET"])]
    return Starlette(routes=routes, exception_handlers={405: _not_allowed})


async def _not_allowed(request: Request, error: Exception) -> Response:
    return refused(405, "Only GET is allowed here.")

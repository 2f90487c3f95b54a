"""Starts the server of the page: takes a port, prints the address, opens the browser, serves until Ctrl-C."""

from __future__ import annotations

import os
import socket
import warnings
import webbrowser
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from glassnet.errors import ParameterError, printable
from glassnet.play.built_page import static_folder
from glassnet.play.own_data import OwnData

NEEDED = ("starlette", "uvicorn", "websockets")


def check_installed() -> None:
    """Raise ParameterError where the extra is missing."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        reason = f"glassnet play needs {' and '.join(missing)}"
        raise ParameterError(f'{reason}; install with: pip install "glassnet[play]"')


def serve(port: int, *, browser: bool, link: str, own: OwnData | None = None, notes: Sequence[str] = ()) -> None:
    """Serve the page until Ctrl-C. `link` is the run with which it opens, from `#` on; `notes` follow the address."""
    check_installed()
    folder, listener = static_folder(), listening_socket(port)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a deprecation inside uvicorn is nothing for the person at the page
        _serve(folder, listener, (browser, link, notes), own or OwnData())


def _serve(folder: Path, listener: socket.socket, start: tuple[bool, str, Sequence[str]], own: OwnData) -> None:
    import uvicorn

    from glassnet.play.access import Access, stored_token
    from glassnet.play.hello import hello
    from glassnet.play.pages import MAX_MESSAGE
    from glassnet.play.server import make_app

    browser, link, notes = start
    number = listener.getsockname()[1]
    access = Access(number, stored_token(number))
    hello()  # loads what a first page needs
    config = uvicorn.Config(
        make_app(folder, access, own, link),
        log_level="critical",
        lifespan="off",
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        server_header=False,
        timeout_graceful_shutdown=1,
        limit_concurrency=64,
        h11_max_incomplete_event_size=16 << 10,
    )
    address = f"http://127.0.0.1:{number}/?token={access.token}"
    print(f"glassnet play: {address}", flush=True)
    print("The page is for this machine only. Ctrl-C ends it.", *map(printable, notes), sep="\n", flush=True)
    if browser:
        webbrowser.open(address)
    uvicorn.Server(config).run(sockets=[listener])


def listening_socket(port: int) -> socket.socket:
    """A socket on 127.0.0.1; port 0 takes any that is free. Raises ParameterError where the port is taken."""
    if not 0 <= port <= 65535:
        raise ParameterError(f"--port is {port}; it must be from 0 to 65535.")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # so that a server can start again at once on the same port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)  # before the address is printed: who opens it at once must wait, not fail
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise ParameterError(f"port {port} cannot be used ({reason}); --port 0 takes any free one.") from error
    return listener

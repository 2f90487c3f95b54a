"""Who may talk to the server: pages of this machine that know its token.

The address that is printed carries the token once; a cookie holds it from then on. Host and Origin are compared with
the server's own address, so that no page of another site can reach it, whatever its name resolves to.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

ADDRESS = "127.0.0.1"
TOKEN_BYTES = 16
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


class Access:
    """The token of one server, and the names under which it is reached."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.hosts = {f"{name}:{port}" for name in (ADDRESS, "localhost")}
        self.origins = {f"http://{host}" for host in self.hosts}
        self.cookie = f"glassnet-{port}"  # cookies do not know ports: two servers must not share one

    def refusal(self, headers: Mapping[str, str], *, socket: bool = False) -> str:
        """Why the address of a request is refused; empty where it is not. A WebSocket must name its Origin."""
        if headers.get("host", "") not in self.hosts:
            return "The Host header is not this server's address."
        origin = headers.get("origin")
        if (origin is None and socket) or (origin is not None and origin not in self.origins):
            return "The Origin header is not this server's address."
        return ""

    def knows(self, headers: Mapping[str, str], token: str | None = None) -> bool:
        """Whether a request carries the token: in its cookie, or as given."""
        return self._is_token(token) or self._is_token(_cookie(headers.get("cookie", ""), self.cookie))

    def _is_token(self, token: str | None) -> bool:
        return token is not None and hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())

    def cookie_header(self) -> str:
        """The Set-Cookie header."""
        return f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"


def _cookie(text: str, name: str) -> str | None:
    try:
        morsel = SimpleCookie(text[:4096]).get(name)
    except CookieError:
        return None
    return morsel.value if morsel is not None else None


def stored_token(port: int) -> str:
    """The token of a port: a server that is started again on the same port still knows the pages of the last one.

    It lies in a file that only this user can read, beside the compiled kernels; where that cannot be, it is new.
    """
    from glassnet.engine.cache_folder import cache_folder, is_owned

    try:
        folder = cache_folder().path
        if folder is None:
            return secrets.token_hex(TOKEN_BYTES)
        path = folder / f"play-{port}.token"
        if path.is_file() and is_owned(status := path.lstat()) and not status.st_mode & 0o077:
            token = path.read_text("ascii").strip()
            if len(token) == 2 * TOKEN_BYTES and set(token) <= set("0123456789abcdef"):
                return token
        token = secrets.token_hex(TOKEN_BYTES)
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(token)
        return token
    except (OSError, UnicodeDecodeError):
        return secrets.token_hex(TOKEN_BYTES)

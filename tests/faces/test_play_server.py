"""The server of the page: who may talk to it, what it refuses, and what happens when it is killed and started again."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from glassnet.errors import GlassnetError
from glassnet.play.own_data import OwnData
from glassnet.play.start import start_link

from .play_page import Page, Server, SocketPage

MOONS = "#v=1&data=moons"


def built_page(folder: Path) -> Path:
    """A folder with the names of the built page, so that these tests need no built page."""
    (folder / "assets").mkdir()
    for name in ("index.html", "app.js", "app.css", "widget.js", "widget.css"):
        (folder / name).write_text(f"/* {name} */")
    (folder / "secret.pem").write_text("not a page")
    return folder


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_page(tmp_path_factory.mktemp("static"))


@pytest.fixture(scope="module")
def server(static: Path) -> Iterator[Server]:
    running = Server(static=static)
    yield running
    output, errors = running.end()
    assert "Traceback" not in output + errors


@pytest.fixture
def opened(server: Server) -> Iterator[SocketPage]:
    page = SocketPage(server)
    yield page
    page.close()


def get(server: Server, path: str = "/", method: str = "GET", **headers: str) -> httpx.Response:
    names = {"Cookie": server.cookie} | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(method, f"http://{server.host}{path}", headers=names)


def socket_status(server: Server, origin: Any, cookie: str) -> int:
    """How an attempt to open the WebSocket is answered."""
    headers = {"Cookie": cookie}
    with (
        pytest.raises(InvalidStatus) as caught,
        connect(f"ws://{server.host}/socket", origin=origin, additional_headers=headers),
    ):
        pass
    return int(caught.value.response.status_code)


# What a page gets -----------------------------------------------------------------------------------------------------


def test_the_address_opens_the_page(server: Server) -> None:
    answer = httpx.get(server.url)
    assert (answer.status_code, answer.text) == (200, "/* index.html */")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(server.cookie)
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    for name in ("app.js", "app.css", "widget.js"):
        assert get(server, f"/{name}").text == f"/* {name} */"
    assert get(server, "/app.js").headers["content-type"].startswith("text/javascript")


def test_every_answer_has_the_policy(server: Server) -> None:
    answers = [httpx.get(server.url), get(server, "/app.js"), get(server, "/nothing"), get(server, Host="evil.example")]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 403]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers


def test_the_server_listens_on_this_machine_alone(server: Server) -> None:
    addresses = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in addresses - {"127.0.0.1"}:
        if not str(address).startswith("127."):
            with pytest.raises(OSError):
                socket.create_connection((str(address), server.port), timeout=2)


def test_a_page_gets_hello_a_run_and_a_frame(opened: SocketPage) -> None:
    page = opened
    frame = page.frame(0)
    hello = page.of("hello")[0]
    assert [message["type"] for message in page.messages[:3]] == ["hello", "run", "reply"] or page.of("run")
    assert hello["engine"] in ("compiled", "numpy")
    assert hello["live"] is True
    assert {choice["name"] for choice in hello["choices"]["data"]} >= {
        "moons",
        "xor",
        "spirals",
        "digits",
        "csv",
        "points",
    }
    assert [lesson["number"] for lesson in hello["lessons"]] == list(range(1, 10))
    assert page.run["link"].startswith("#v=1&data=moons&")
    assert "token" not in page.run["link"]
    assert len(frame["hash"]) == 64
    assert page.ask("ping") == {}


def test_every_lesson_opens(opened: SocketPage) -> None:
    page = opened
    page.frame(0)
    for lesson in page.of("hello")[0]["lessons"]:
        page.ask("open", link=lesson["link"])
        assert page.run["lesson"] == lesson["key"]
        assert page.run["notes"] == []
    assert page.ask("step", count=1)["t"] == 1


def test_two_pages_have_runs_of_their_own(server: Server, opened: SocketPage) -> None:
    page = opened
    other = SocketPage(server)
    page.frame(0)
    other.frame(0)
    other.ask("step", count=7)
    assert page.ask("step", count=2) == {"t": 2}
    other.close()
    assert page.ask("step", count=1) == {"t": 3}


# Who is refused -------------------------------------------------------------------------------------------------------

FOREIGN = [
    "evil.example",
    "127.0.0.1",
    "localhost:1",
    "evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "[::1]:{port}",
    "",
]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_is_refused(server: Server, host: str) -> None:
    assert get(server, Host=host.format(port=server.port)).status_code in (400, 403)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "file://"]
)
def test_a_foreign_origin_is_refused(server: Server, origin: str) -> None:
    origin = origin.format(port=server.port)
    assert get(server, Origin=origin).status_code == 403
    assert socket_status(server, origin, server.cookie) == 403


@pytest.mark.parametrize(
    "cookie",
    ["", "glassnet-{port}=", "glassnet-{port}=00000000000000000000000000000000", "glassnet={token}", "{token}"],
)
def test_without_the_token_nothing_is_shown(server: Server, cookie: str) -> None:
    cookie = cookie.format(port=server.port, token=server.token)
    for path in ("/", "/app.js", "/?token=", "/?token=" + 32 * "0", "/?token=%ff"):
        answer = httpx.get(f"http://{server.host}{path}", headers={"Cookie": cookie})
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        assert "glassnet play" in answer.text
    assert socket_status(server, f"http://{server.host}", cookie) == 403


def test_a_socket_without_an_origin_or_with_a_foreign_host_is_refused(server: Server) -> None:
    for headers in (
        {},
        {"Host": "evil.example"},
        {"Origin": f"http://{server.host}", "Host": f"evil.example:{server.port}"},
    ):
        connection = http.client.HTTPConnection(server.host)
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        upgrade |= {"Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(), "Cookie": server.cookie}
        connection.request("GET", "/socket", headers=upgrade | headers)
        assert connection.getresponse().status == 403
        connection.close()


# Forty requests of an attacker: each is a 4xx or a sentence, and the server goes on ----------------------------------

PATHS = [
    "/../../etc/passwd",
    "/..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/etc/passwd",
    "/index.html/..",
    "/index.html%00.js",
    "/secret.pem",
    "/app.js/",
    "/assets",
    "/assets/../secret.pem",
    "/lessons.json",
    "/static/app.js",
    "/.git/config",
    "/socket",
    "/" + "a" * 5000,
    "/\\..\\secret.pem",
    "/app.js;x=1",
    "/<script>",
]
METHODS = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"]
MESSAGES = [
    "not json",
    "[1, 2",
    "null",
    "3",
    '"text"',
    "[]",
    "{}",
    '{"do": 5}',
    '{"id": {}, "do": "step", "count": {}}',
    '{"do": "__init__"}',
    '{"do": "open", "link": "' + "a" * 30000 + '"}',
    "[" * 100000,
    '{"do": "step", "count": 1e999}',
    '{"do": "table", "name": "../../x.csv", "content": "' + base64.b64encode(b"a\n").decode() + '"}',
    '{"id": 9, "do": "table", "name": 5, "content": ["a"]}',
    '{"do": "use_table", "file": "/etc/passwd", "target": "x"}',
    '{"do": "ack", "number": 1e300}',
    '{"do": "setup", "set": {"act": [[["relu"]]]}}',
    '{"do": "x", "x": "' + "y" * 2_000_000 + '"}',
    '{"do": "walk", "t": NaN}',
    '{"do": "nudge", "t": 0, "quantity": "__class__[0,0]"}',
]


@pytest.mark.parametrize("path", PATHS)
def test_no_other_path_is_served(server: Server, path: str) -> None:
    connection = http.client.HTTPConnection(server.host)
    try:
        connection.putrequest("GET", path.replace("\\", "%5C").replace("<", "%3C").replace(">", "%3E"), skip_host=True)
    except http.client.InvalidURL:
        pytest.skip("this client does not send it")
    connection.putheader("Host", server.host)
    connection.putheader("Cookie", server.cookie)
    connection.endheaders()
    answer = connection.getresponse()
    assert 400 <= answer.status < 500
    assert b"root:" not in answer.read()
    connection.close()


@pytest.mark.parametrize("method", METHODS)
def test_no_other_method_is_served(server: Server, method: str) -> None:
    assert get(server, "/", method).status_code in (400, 404, 405)


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\xff\xfe\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\r\nHost: a\r\nHost: b\r\n\r\n",
        b"G" * 70000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(server: Server, request_: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(request_)
        answer = raw.recv(200)
    assert answer == b"" or re.match(rb"HTTP/1.1 4\d\d", answer)
    assert get(server).status_code == 200


def test_every_hostile_message_is_answered_in_a_sentence(opened: SocketPage) -> None:
    page = opened
    page.frame(0)
    for text in MESSAGES:
        before = len(page.messages)
        page.put(text)
        if '"ack"' not in text:
            found = page.wait_for(
                lambda message, before=before: (
                    message in page.messages[before:] and ("error" in message or message["type"] == "notice")
                )
            )
            sentence = found.get("error", found.get("text"))
            assert sentence.rstrip().endswith((".", "?"))
            assert "unexpected" not in sentence
        assert page.ask("ping") == {}
    page.put(b"\x00\x01")
    page.wait_for(lambda message: message["type"] == "notice" and "must be text" in message["text"])
    assert page.ask("step", count=1)["t"] == 1


def test_a_message_that_is_too_large_ends_its_page_alone(server: Server, opened: SocketPage) -> None:
    page = opened
    other = SocketPage(server)
    other.frame(0)
    with suppress(ConnectionClosed):
        other.put('{"do": "table", "content": "' + "a" * (40 << 20) + '"}')
    other._reader.join(20)
    assert not other._reader.is_alive()
    assert page.ask("ping") == {}


def test_a_file_beyond_the_limit_is_refused_in_a_sentence(opened: SocketPage) -> None:
    page = opened
    content = base64.b64encode(b"a" * ((20 << 20) + 1)).decode()
    assert "20 MB" in page.error("table", name="large.csv", content=content)
    assert page.ask("ping") == {}


def test_eight_pages_are_the_most(static: Path) -> None:
    server = Server(static=static)
    pages: list[Page] = []
    try:
        for _ in range(8):
            pages.append(SocketPage(server))
            pages[-1].frame(0)
        ninth = SocketPage(server)
        notice = ninth.wait_for(lambda message: message["type"] == "notice")
        assert (notice["kind"], "8 pages are open" in notice["text"]) == ("limited", True)
        pages[0].close()  # type: ignore[attr-defined]
        time.sleep(0.5)
        SocketPage(server).frame(0)
    finally:
        server.end()


# Ends and beginnings --------------------------------------------------------------------------------------------------


def test_a_killed_server_comes_back_on_its_port_with_the_same_run(static: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    first = Server(static=static, cache=cache)
    page = SocketPage(first)
    page.frame(0)
    page.ask("setup", set={"engine": "numpy"})
    page.ask("step", count=20)
    page.ask("change", set={"lr": 0.7})
    page.ask("step", count=9)
    before, link = page.frame(29), page.run["link"]
    os.kill(first.process.pid, signal.SIGKILL)
    page._reader.join(1.0)
    assert not page._reader.is_alive()
    first.end()
    second = Server(static=static, port=first.port, cache=cache)
    try:
        assert second.token == first.token
        assert stat.S_IMODE((cache / f"play-{first.port}.token").stat().st_mode) == 0o600
        again = SocketPage(second)
        assert again.ask("open", link=f"{link}&t=29") == {"t": 29}
        after = again.frame(29)
        assert after["hash"] == before["hash"]
        assert after["quantities"] == before["quantities"]
    finally:
        second.end()


def test_a_token_that_others_could_read_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from glassnet.play.access import stored_token

    tmp_path.chmod(0o700)
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path))
    token = stored_token(4321)
    assert len(token) == 32
    assert stored_token(4321) == token
    assert stored_token(4322) != token
    (tmp_path / "play-4321.token").chmod(0o644)
    other = stored_token(4321)
    assert other != token
    (tmp_path / "play-4321.token").write_text("short")
    assert len(stored_token(4321)) == 32


def refused(*arguments: str, **settings: str) -> str:
    command = [sys.executable, "-m", "glassnet", "play", "--no-browser", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **settings})
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    return result.stderr


def test_missing_files_of_the_page_are_named(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("")
    assert "app.js, app.css missing" in refused(GLASSNET_STATIC=str(tmp_path))


def test_a_missing_extra_is_named_with_its_line(tmp_path: Path, static: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name in ('starlette', 'uvicorn') else find(name, *a)\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    text = refused(GLASSNET_STATIC=str(static), PYTHONPATH=path)
    assert 'pip install "glassnet[play]"' in text
    assert "starlette and uvicorn" in text


def test_a_port_that_is_taken_is_said(server: Server, static: Path) -> None:
    assert f"port {server.port} cannot be used" in refused("--port", str(server.port), GLASSNET_STATIC=str(static))
    assert "from 0 to 65535" in refused("--port", "70000", GLASSNET_STATIC=str(static))


def test_what_cannot_be_opened_is_said(static: Path, tmp_path: Path) -> None:
    assert "give FILE as well" in refused("--target", "a", GLASSNET_STATIC=str(static))
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n3,4\n")
    for given, target, words in (
        (tmp_path / "nothing.csv", "a", "nothing.csv"),
        (table, None, "Columns: a, b"),
        (table, "c", "has no column 'c'"),
    ):
        with pytest.raises(GlassnetError, match=re.escape(words)):
            start_link(OwnData(), str(given), target)


def test_play_opens_a_link_and_a_file(static: Path, tmp_path: Path) -> None:
    table = tmp_path / "flowers.csv"
    table.write_text("width,height,kind\n" + "".join(f"{n * n % 41},{n % 7},{'ab'[n % 2]}\n" for n in range(60)))
    for arguments, data, shape in (
        (("#v=1&data=circles&shape=2-3-1",), "circles", [2, 3, 1]),
        ((str(table), "--target", "kind"), "csv", [2, 16, 1]),
    ):
        server = Server(*arguments, static=static)
        try:
            page = SocketPage(server)
            page.frame(0)
            assert (page.run["setup"]["data"], page.run["setup"]["shape"]) == (data, shape)
        finally:
            server.end()


def test_a_frozen_server_answers_again(server: Server, opened: SocketPage) -> None:
    page = opened
    page.frame(0)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        page.put({"id": 77, "do": "ping"})
        time.sleep(0.5)
        assert not any(message.get("id") == 77 for message in page.of("reply"))
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    page.wait_for(lambda message: message.get("id") == 77, 10)


def test_ctrl_c_ends_it_without_a_traceback(static: Path) -> None:
    server = Server(static=static)
    page = SocketPage(server)
    page.frame(0)
    page.ask("play", speed=0)
    server.process.send_signal(signal.SIGINT)
    _, errors = server.process.communicate(timeout=20)
    assert "Traceback" not in errors


def test_messages_are_json_without_nan(opened: SocketPage) -> None:
    page = opened
    page.frame(0)
    page.ask("open", link="#v=1&data=curve&lr=900")
    page.ask("step", count=1000)
    page.wait_for(lambda message: message["type"] == "notice" and message["kind"] == "diverged")

    def no_constant(name: str) -> Any:
        raise AssertionError(name)

    for message in page.messages:
        json.loads(json.dumps(message), parse_constant=no_constant)

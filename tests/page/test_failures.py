"""The engine is killed, frozen and restarted, and strangers knock: the page says so, and the server stays alive."""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Iterator

import pytest

from glassnet.play.lesson_list import lessons

from .conftest import Server
from .reading import MOONS, hash_of, scrub, show_stage, step_of, wait_for_stage, wait_for_step

pytestmark = pytest.mark.browser
CUT = (r"WebSocket connection to .* failed", r"ERR_CONNECTION_REFUSED", r"Error in connection establishment")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of its own for each test: it is killed here."""
    running = Server()
    yield running
    running.close()


def test_a_killed_engine_is_told_at_once_and_resumed_exactly(opened, server):
    page = opened(MOONS + "&view=watch", allow=CUT)
    wait_for_step(page, 0)
    page.locator("footer select").first.select_option("100")
    page.get_by_test_id("play").click()
    page.wait_for_function(
        "() => Number(document.querySelector('[data-testid=t]').textContent.replace(/\\D/g, '')) > 50"
    )
    page.get_by_test_id("play").click()
    page.get_by_test_id("play").filter(has_text="Play").wait_for()
    page.wait_for_timeout(300)
    t, state = step_of(page), hash_of(page)
    server.process.kill()
    banner = page.get_by_test_id("banner-stopped")  # by the socket that closed; the heartbeat has another banner
    banner.wait_for()
    assert f"step {t}" in banner.inner_text()
    assert page.get_by_test_id("play").is_disabled()
    shown = page.get_by_test_id("t").inner_text()
    page.get_by_label("First step").click()  # the nearest one that arrived
    page.wait_for_function("t => document.querySelector('[data-testid=t]').textContent !== t", arg=shown)
    assert step_of(page) < t
    server.process.wait()
    server.start()
    resumed = page.get_by_test_id("banner-resumed")
    resumed.wait_for()
    assert "Resumed exactly" in resumed.inner_text()
    wait_for_step(page, t)
    assert hash_of(page) == state
    page.get_by_test_id("step-on").click()
    wait_for_step(page, t + 1)


def test_a_lesson_goes_on_after_a_restart(opened, server):
    page = opened(f"#{lessons()[0]['link']}", allow=CUT)
    wait_for_stage(page, "batch")
    show_stage(page, "forward.1")
    page.get_by_test_id("next-card").click()
    page.get_by_role("button", name="Card 1, done").wait_for()
    server.process.kill()
    server.process.wait()
    page.get_by_test_id("banner-stopped").wait_for()
    server.start()
    page.get_by_test_id("banner-resumed").wait_for()
    page.get_by_role("region", name="Lesson 1: One neuron, by hand").wait_for()
    page.get_by_role("button", name="Card 1, done").wait_for()
    assert page.get_by_role("button", name="Card 2").get_attribute("aria-current") == "step"
    assert page.get_by_test_id("check").get_attribute("data-done") == "false"
    wait_for_stage(page, "forward.1")
    assert "lesson=neuron" in page.evaluate("location.hash")
    show_stage(page, "forward.1.a")
    page.get_by_role("button", name="Card 2, done").wait_for()


def test_a_frozen_engine_is_told(opened, server):
    page = opened(MOONS + "&view=watch")
    wait_for_step(page, 0)
    page.wait_for_timeout(1200)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        page.get_by_test_id("banner-frozen").wait_for()
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    page.get_by_test_id("banner-frozen").wait_for(state="detached")
    page.get_by_test_id("step-on").click()
    wait_for_step(page, 1)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {"Host": "evil.example"}),
        ("/?token=0", {}),
        ("/", {}),
        ("/app.js", {"Host": "evil.example"}),
        ("/socket", {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "http://evil.example"}),
        ("/socket", {"Upgrade": "websocket", "Connection": "Upgrade"}),
    ],
)
def test_strangers_are_refused(server, path, headers):
    for _ in range(2):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        if "Upgrade" in headers:
            headers = headers | {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        connection.request("GET", path, headers=headers)
        assert connection.getresponse().status == 403
        connection.close()
    assert server.process.poll() is None


def test_the_page_still_scrubs_after_two_reconnections(opened, server):
    page = opened(MOONS + "&t=30&view=watch", allow=CUT)
    wait_for_step(page, 30)
    state = hash_of(page)
    for _ in range(2):
        server.process.kill()
        server.process.wait()
        page.get_by_test_id("banner-stopped").wait_for()
        server.start()
        page.get_by_test_id("banner-resumed").wait_for()
        assert hash_of(page) == state
    scrub(page, 7)
    scrub(page, 30)
    assert hash_of(page) == state

"""Minutes of training at full speed before one page: neither the browser's heap nor the server's memory grows."""

from __future__ import annotations

import os
import re
import statistics
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Server
from .reading import MOONS, step_of, wait_for_step

pytestmark = [pytest.mark.browser, pytest.mark.soak]
MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
SETTLING, SHARE = 90.0, 0.10  # s that are not measured; growth that is allowed
PAUSE = 5.0  # s between two measurements


def heap_of(devtools: Any) -> float:
    """Bytes of the page's live objects and array buffers."""
    devtools.send("HeapProfiler.collectGarbage")
    usage = devtools.send("Runtime.getHeapUsage")
    return usage["usedSize"] + usage["embedderHeapUsedSize"] + usage["backingStorageSize"]


def resident(pid: int) -> float:
    """Bytes of a process that are in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * float(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]


def growth(values: list[float]) -> float:
    """By which share the last fifth is above the first fifth."""
    count = max(1, len(values) // 5)
    return statistics.median(values[-count:]) / statistics.median(values[:count]) - 1


def test_memory_is_flat_at_full_speed(opened: Any, server: Server) -> None:
    page = opened(MOONS + "&engine=compiled&view=watch")
    wait_for_step(page, 0)
    page.locator("footer select").first.select_option("0")
    page.get_by_test_id("play").click()
    devtools = page.context.new_cdp_session(page)
    page.wait_for_timeout(1000 * SETTLING)
    heap, memory, began = [], [], time.monotonic()
    while time.monotonic() - began < 60 * MINUTES:
        heap.append(heap_of(devtools))
        memory.append(resident(server.process.pid))
        print(
            f"{step_of(page):,} steps: {heap[-1] / 1e6:.1f} MB of heap, {memory[-1] / 1e6:.1f} MB of server", flush=True
        )
        page.wait_for_timeout(1000 * PAUSE)
    assert step_of(page) > 1000 * 60 * MINUTES  # it was at full speed indeed
    assert growth(heap) < SHARE
    assert growth(memory) < SHARE

"""Makes the pictures of the page that README shows: docs/watch.png and docs/step.png, from a real `glassnet play`.

Needs Chromium. Run it after the page has changed: python tools/page_pictures.py
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).resolve().parents[1] / "docs"
SIZE = {"width": 1360, "height": 850}
COLOURS = 128  # of a picture: half the bytes, and no difference to the eye
MOONS = "v=1&data=moons&n=200&noise=0.1&shape=2-8-8-1&act=tanh-tanh-sigmoid&lr=0.3&seed=7"
STEP = "v=1&data=moons&n=200&noise=0.1&shape=2-4-3-1&act=tanh-tanh-sigmoid&batch=4&lr=0.3&seed=7"


@contextmanager
def address() -> Iterator[str]:
    """The address of a server that ends with the block."""
    command = [sys.executable, "-m", "glassnet", "play", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
        finally:
            server.terminate()


def wait_for_step(page: Page, t: int) -> None:
    """Wait until a run has come to a step, and everything of it is drawn."""
    script = "t => document.querySelector('[data-testid=t]')?.textContent.replace(/\\D/g, '') === String(t)"
    page.wait_for_function(script, arg=t, timeout=120_000)
    page.wait_for_timeout(2500)


def watch(page: Page, url: str) -> None:
    """A network that has learnt for 4,000 steps."""
    page.goto(f"{url}#{MOONS}&t=4000&view=watch")
    wait_for_step(page, 4000)


def step(page: Page, url: str) -> None:
    """The first half of BP2, with one sum spelled out."""
    page.goto(f"{url}#{STEP}&t=20&view=step&s=bp2.1.arrives&ex=82")
    wait_for_step(page, 20)
    page.locator('[data-q^="da/1/"], [data-q^="da1/"]').first.click()
    page.wait_for_timeout(2500)


def saved(page: Page, name: str) -> None:
    """Save the page's picture in few colours."""
    picture: Any = Image.open(BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(DOCS / name, optimize=True)


def main() -> None:
    """Make both pictures."""
    with address() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, show in (("watch.png", watch), ("step.png", step)):
            page = browser.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
            show(page, url)
            saved(page, name)
        browser.close()


if __name__ == "__main__":
    main()

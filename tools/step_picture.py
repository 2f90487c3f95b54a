"""Draw docs/step.png: a part of the page that `glassnet step --html` writes, rendered by Chromium.

`python tools/step_picture.py` needs a program named chromium on the PATH. Run it again after the page has changed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

DOCS = Path(__file__).resolve().parents[1] / "docs"
STEP = [str(DOCS / "data" / "iris.csv"), "--target", "species", "--row", "3", "--hidden", "2"]
SECTIONS = (
    "forward · layer 1, the weighted sum",
    "BP1 · layer 2, the shortcut",
    "BP2 ·",
    "BP4 · layer 1",
    "did it help",
)
WIDTH, HEIGHT, SCALE, MARGIN, COLOURS = 1060, 2000, 2, 20, 16  # WIDTH, HEIGHT and MARGIN in CSS pixels
STYLE = f"""
body {{ margin: {MARGIN}px; background: white; color: black }}
.glassnet-step {{ display: grid; grid-template-columns: 600px 1fr; column-gap: 30px; max-width: none }}
.glassnet-step .terms {{ gap: .3em }}
.glassnet-step .term {{ gap: .3em }}
.glassnet-step td {{ padding: .1em .3em }}
.glassnet-step section:nth-of-type(-n + 2) h4 {{ margin-top: 0; border: 0 }}
"""
GLASSNET = [sys.executable, "-c", "from glassnet.cli import main; main()"]
CHROMIUM = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
LIGHT = "--blink-settings=preferredColorScheme=1"


def excerpt(page: str) -> str:
    """Keep only the sections of the page that SECTIONS names, in two columns."""
    sections = re.findall(r"<section>.*?</section>", page, re.DOTALL)
    headings = [re.sub(r"<h4>(.*?)</h4>.*", r"\1", section.removeprefix("<section>")) for section in sections]
    if missing := [name for name in SECTIONS if not any(heading.startswith(name) for heading in headings)]:
        raise SystemExit(f"The page has no section {missing[0]!r}; change SECTIONS to name its sections: {headings}")
    kept = [section for section, heading in zip(sections, headings, strict=True) if heading.startswith(SECTIONS)]
    head = page[: page.index("<div class='glassnet-step'>")]
    return f"{head}<style>{STYLE}</style><div class='glassnet-step'>{''.join(kept)}</div>"


def crop(picture: Image.Image) -> Image.Image:
    """Cut off the white below the text and reduce the colours to a palette."""
    last = int(np.flatnonzero((np.asarray(picture.convert("L")) < 250).any(axis=1))[-1])
    return picture.crop((0, 0, picture.width, last + SCALE * MARGIN)).convert("L").quantize(COLOURS)


def main() -> None:
    """Write the page, render the excerpt and save the picture."""
    with tempfile.TemporaryDirectory() as folder:
        page, picture = Path(folder) / "step.html", Path(folder) / "step.png"
        subprocess.run([*GLASSNET, "step", *STEP, "--html", str(page)], check=True)
        page.write_text(excerpt(page.read_text(encoding="utf-8")), encoding="utf-8")
        options = [f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{HEIGHT}", LIGHT]
        options += [f"--force-device-scale-factor={SCALE}", f"--screenshot={picture}", page.as_uri()]
        subprocess.run([*CHROMIUM, *options], check=True, stderr=subprocess.DEVNULL)
        crop(Image.open(picture)).save(DOCS / "step.png", optimize=True)


if __name__ == "__main__":
    main()

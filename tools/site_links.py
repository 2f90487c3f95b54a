"""Checks a built site: every internal link and its anchor lead somewhere, and no page needs anything from a network.

Usage: python tools/site_links.py FOLDER. Links to other sites are left alone; they are for people to follow.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

ASSETS = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("object", "data")}
LINKS = {("a", "href"), ("area", "href")} | ASSETS
SPECIAL = {"mailto", "data", "javascript"}
OUTSIDE = re.compile(r"""(?:url\(|@import )\s*["']?((?:https?:)?//[^"')]+)""")


class Page(NamedTuple):
    """What a page has: its anchors, and its links as (tag, attribute, address)."""

    anchors: frozenset[str]
    links: tuple[tuple[str, str, str], ...]


class Reader(HTMLParser):
    """Collects the anchors and links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note ids, names and addresses."""
        for name, value in attributes:
            if value and (name == "id" or (tag == "a" and name == "name")):
                self.anchors.add(value)
            elif value and (tag, name) in LINKS:
                self.links.append((tag, name, value))


def read(path: Path) -> Page:
    """The anchors and links of a file."""
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return Page(frozenset(reader.anchors), tuple(reader.links))


def faults(site: Path) -> Iterator[str]:
    """A sentence for each link that leads nowhere, and for each asset from outside."""
    pages = {path: read(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}
    if not pages:
        yield f"{site} has no page."
    for path, page in pages.items():
        for tag, attribute, address in page.links:
            fault = fault_of(site, pages, path, (tag, attribute), address)
            if fault:
                yield f"{path.relative_to(site)}: {address} {fault}"
    for path in sorted(site.rglob("*.css")):
        for address in OUTSIDE.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)}: {address} is an asset from outside"


def fault_of(site: Path, pages: dict[Path, Page], path: Path, kind: tuple[str, str], address: str) -> str:
    """What is wrong with one link, or an empty text."""
    parts = urlsplit(address)
    if parts.scheme in SPECIAL:
        return ""
    if parts.scheme or parts.netloc:
        return "is an asset from outside" if kind in ASSETS else ""
    if parts.path.startswith("/"):
        return "is no relative address"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file() or not target.is_relative_to(site.resolve()):
        return "leads to no file of the site"
    anchor = unquote(parts.fragment)
    known = pages.get(target)
    return "leads to no such anchor" if anchor and known and anchor not in known.anchors else ""


def main() -> None:
    """Print the faults of the site that the command names, and exit 1 if there is any."""
    found = list(faults(Path(sys.argv[1]).resolve()))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()

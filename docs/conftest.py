"""Which files of docs/ are no tests: Sphinx's settings, and what a build of the site writes."""

from __future__ import annotations

collect_ignore_glob = ["conf.py", "ext/*", "gallery/*", "reference/*"]

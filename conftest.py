"""What holds for the tests of the documents too: no figure stays open from one to the next."""

from __future__ import annotations

import sys


def pytest_runtest_teardown() -> None:
    """Close what a test drew, because pyplot warns of many open figures."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")

"""The freeze scripts contain no doctests, and their peers need not be installed."""

collect_ignore_glob = ["freeze_*.py"]

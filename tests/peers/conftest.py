"""The scripts that freeze hold no doctests, and their peers need not be installed."""

collect_ignore_glob = ["freeze_*.py"]

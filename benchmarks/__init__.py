"""Benchmarks of glassnet and its peers: `python -m benchmarks` measures them side by side in one run."""

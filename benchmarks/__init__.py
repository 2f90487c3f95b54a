"""What glassnet is measured with: `python -m benchmarks` compares it with its peers, side by side in one run."""

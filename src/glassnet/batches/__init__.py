"""From the arrays a person passes to mini-batches: checks, samples as rows, orders, sparse x."""

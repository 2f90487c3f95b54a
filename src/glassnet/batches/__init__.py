"""From the arrays that the user passes to mini-batches: checks, samples as rows, orders, sparse x."""

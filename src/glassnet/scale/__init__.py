"""Rounds of lanes: training on many blocks of rows at once, in this process or on a cluster of Dask."""

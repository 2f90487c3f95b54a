"""From files to arrays: readers for tables and arrays, and preprocessing that is learnt in fit.

Tables (CSV, Parquet) and arrays (.npz, IDX) come in as people store them, one sample a row; what leaves for the network
is float32. Nothing here knows about layers, costs or training.
"""

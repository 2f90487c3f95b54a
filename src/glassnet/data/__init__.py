"""Readers of data files, and preprocessing that is fitted on the training rows.

Tables (CSV, Parquet) and arrays (.npz, IDX) are read with one sample per row; preprocessing turns them into float32
inputs of a network. Nothing here depends on layers, costs or training.
"""

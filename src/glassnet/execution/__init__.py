"""Runs programs: the equations in NumPy as the oracle, the choice of executor, and passes outside of training."""

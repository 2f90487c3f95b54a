"""Training on many blocks of rows at once, in lanes whose parameters are averaged: in this process, or on a cluster."""

from glassnet.scale.fitting import fit

__all__ = ["fit"]

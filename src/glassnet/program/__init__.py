"""A training step as a table of equations: the layers, the parameters, and the equations that are built from them."""

"""The parts a network can be made of: one entry per activation, cost, layer, optimiser, schedule and initialiser.

An entry is a class; its fields are its settings. Each formula is written once, with NumPy's functions; the program, the
compiled engine and the exports read it from here.
"""

"""What a network can be made of: one row for each activation, cost, optimiser, schedule and initialiser.

A row's class is its entry in the table and its fields are its settings. Everything a row computes is written in NumPy's
words, once; the program, the compiled engine and the exports read it from here.
"""

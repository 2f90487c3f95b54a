"""The page: `glassnet play` opens it in a browser, `net.play()` in a notebook; both show a run of the engine.

A `setup` defines a run, a link spells it. A `run` trains it and can go back in time; a `session` answers the commands
of one page; `server` and `widget` carry its messages. Nothing here computes a number of a network.
"""

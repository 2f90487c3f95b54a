"""`python -m glassnet`: the command line, also where the program `glassnet` is not on the PATH."""

from __future__ import annotations

from glassnet.cli import main

if __name__ == "__main__":
    main()

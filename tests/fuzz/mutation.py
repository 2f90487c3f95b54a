"""Random changes of the bytes of a file: what a fuzzer does that does not see which code runs."""

from __future__ import annotations

import numpy as np

INTERESTING = (0, 1, 9, 10, 13, 32, 34, 44, 127, 128, 255)
MAX_LENGTH = 1 << 16


def mutated(content: bytes, others: list[bytes], tokens: tuple[bytes, ...], rng: np.random.Generator) -> bytes:
    """The content with one to eight changes, one of which may be a part of another file."""
    data = bytearray(content)
    for _ in range(2 ** rng.integers(0, 4)):
        start = int(rng.integers(len(data) + 1))
        end = min(len(data), start + int(2 ** rng.integers(0, 9)))
        kind = rng.integers(8)
        if kind == 0 and data:
            data[start % len(data)] ^= 1 << int(rng.integers(8))
        elif kind == 1 and data:
            data[start % len(data)] = INTERESTING[rng.integers(len(INTERESTING))]
        elif kind == 2:
            del data[start:end]
        elif kind == 3:
            data[start:start] = data[start:end] * int(rng.integers(1, 5))
        elif kind == 4:
            token = tokens[rng.integers(len(tokens))]
            data[start : start + (len(token) if rng.random() < 0.5 else 0)] = token
        elif kind == 5:
            data[start:end] = rng.bytes(end - start)
        elif kind == 6:
            other = others[rng.integers(len(others))]
            place = int(rng.integers(len(other) + 1))
            data[start:end] = other[place : place + (end - start)]
        else:
            del data[start : len(data) if rng.random() < 0.3 else start + 1]
    return bytes(data[:MAX_LENGTH])

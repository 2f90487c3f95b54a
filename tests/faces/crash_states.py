"""What a disk may hold after a power cut in the middle of a save, from the calls that the save made.

`Recorder` stands for the calls to the system of `glassnet.files.atomic_file`, and may fail one of them. `crash_states`
replays their record: of what was written since the last fsync any part may be lost, and a block may be torn; a rename
is on the disk once the folder is synced, and may be before.
"""

from __future__ import annotations

import errno
import io
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

BLOCK = 4096
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}


class Call(NamedTuple):
    """One call: open, write (bytes), fsync, replace or fsync of the folder."""

    name: str
    content: bytes = b""


class Recorder:
    """Records the calls of a save. The `failing`th call raises `error`, or is a short write that goes on."""

    def __init__(self, monkeypatch: Any, failing: int = -1, error: str = "") -> None:
        self.calls, self.failing, self.error = list[Call](), failing, error
        self.real = {name: getattr(os, name) for name in ("open", "fdopen", "fsync", "replace")}
        for name in self.real:
            monkeypatch.setattr(os, name, getattr(self, name))

    def record(self, name: str, content: bytes = b"") -> bool:
        """Note a call. Raises the error if it is this call's turn to fail; whether a write must be short."""
        self.calls.append(Call(name, content))
        if len(self.calls) - 1 != self.failing:
            return False
        if self.error in ERRORS:
            raise OSError(ERRORS[self.error], os.strerror(ERRORS[self.error]))
        return True

    def open(self, path: Any, flags: int, *mode: int) -> int:
        self.record("open" if flags & os.O_CREAT else "look")
        return self.real["open"](path, flags, *mode)

    def fsync(self, descriptor: int) -> None:
        self.record("fsync folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "fsync")
        self.real["fsync"](descriptor)

    def replace(self, *paths: Any) -> None:
        self.record("replace")
        self.real["replace"](*paths)

    def fdopen(self, descriptor: int, mode: str, *rest: Any) -> Any:
        return io.BufferedWriter(RecordedFile(descriptor, self))


class RecordedFile(io.FileIO):
    """A file whose writes are recorded."""

    def __init__(self, descriptor: int, recorder: Recorder) -> None:
        super().__init__(descriptor, "wb")
        self.recorder = recorder

    def write(self, content: Any) -> int:
        part = bytes(content)
        return super().write(part[: len(part) // 2 or 1] if self.recorder.record("write", part) else part)


def crash_states(calls: list[Call], old: bytes, random_states: int) -> Iterator[bytes]:
    """The content of the file after a power cut at any moment of the save: for each call, several legal states."""
    chance = random.Random(0)
    for count in range(len(calls) + 1):
        done = calls[:count]
        names = [call.name for call in done]
        written = b"".join(call.content for call in done if call.name == "write")
        synced = written if "fsync" in names else b""
        new = [disk_state(written, len(synced), chance) for _ in range(random_states)]
        if "replace" not in names:
            yield old
        elif "fsync folder" in names[names.index("replace") :]:
            yield from new
        else:
            yield from [old, *new]


def disk_state(written: bytes, synced: int, chance: random.Random) -> bytes:
    """What may be on the disk of a file of which `synced` bytes are certain: blocks are lost, zeros, or torn."""
    length = max(synced, chance.choice([0, len(written) // 2, len(written) - 1, len(written)]))
    content = bytearray(written[:length])
    for start in range(synced, length, BLOCK):
        kind = chance.choice(["whole", "whole", "lost", "torn"])
        cut = {"whole": BLOCK, "lost": 0, "torn": chance.randrange(BLOCK)}[kind]
        end = min(start + BLOCK, length)
        content[min(start + cut, end) : end] = bytes(max(0, end - start - cut))
    return bytes(content)


def opens_as(path: Path, content: bytes, read: Any) -> Any:
    """What `read` makes of a file of this content."""
    path.write_bytes(content)
    return read(path)

"""Whether a data file fits in memory, from its size and what the system leaves to this process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from glassnet.data.parquet_file import parquet_parts
from glassnet.data.reading import MAX_BYTES, FilePath, file_kind
from glassnet.errors import counted

NEEDED = {"text": 8, "npy": 3, "parquet": 3}  # bytes of memory per byte of a file, or of the cells that Parquet holds
SHARE = 0.5  # of the memory that is available which a table may take
UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def exceeds_memory(path: FilePath) -> str:
    """Why a table is read block by block, as a phrase; empty where it fits in memory."""
    kind, size = file_kind(path), data_bytes(path)
    if kind in ("folder", "parquet"):
        kind, size = "parquet", max(size, _cells(path) * 8)
    needed, available = NEEDED.get(kind, 0) * size, available_bytes()
    if needed <= SHARE * available and size <= MAX_BYTES:
        return ""
    return f"it would take about {size_text(needed)} of memory, of which {size_text(available)} are free"


def size_text(size: int) -> str:
    """A number of bytes as people write it."""
    for unit, name in UNITS:
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return counted(size, "byte")


def available_bytes() -> int:
    """The memory that this process may still take: what is free, within the limits of its group and of itself."""
    return max(1, min(_limits()))


def _limits() -> Iterator[int]:
    yield 1 << 62
    with contextlib.suppress(OSError, ValueError, IndexError), open("/proc/meminfo") as file:
        yield next(int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable"))
    for path in CGROUPS:
        with contextlib.suppress(OSError, ValueError), open(path) as file:
            yield int(file.read())
    with contextlib.suppress(ImportError, OSError):
        import resource

        for name in ("RLIMIT_AS", "RLIMIT_DATA"):
            limit = resource.getrlimit(getattr(resource, name))[0]
            if limit != resource.RLIM_INFINITY:
                yield limit


def data_bytes(path: FilePath) -> int:
    """The bytes of a file, or of the Parquet files of a folder."""
    return sum(map(os.path.getsize, parquet_parts(path) if os.path.isdir(path) else [path]))


def _cells(path: FilePath) -> int:
    """The cells of a Parquet file or folder, 0 where their number cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = [pq.read_metadata(part) for part in (parquet_parts(path) if os.path.isdir(path) else [path])]
        return sum(part.num_rows * part.num_columns for part in metadata)
    except (pa.ArrowException, OSError):
        return 0

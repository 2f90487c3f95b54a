"""What `train` is given as the data of a run: arrays, or files that may be larger than memory.

Files are read block by block. Arrays go through the same blocks where a person asks for it, with the same bits.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from glassnet.batches.array_samples import ArraySamples
from glassnet.batches.block_order import Blocks, default_block_samples
from glassnet.batches.sources import Sources, checked_fraction, checked_sources, with_validation
from glassnet.batches.streamed_sources import HeldOut, StreamedSources, StreamedValidation
from glassnet.data.array_pass import array_pass
from glassnet.data.array_rows import ArrayFile
from glassnet.data.reading import file_kind
from glassnet.errors import ParameterError, ParameterTypeError, counted
from glassnet.program.architecture import Architecture

if TYPE_CHECKING:
    from glassnet.batches.table_samples import TableSamples
    from glassnet.data.preprocessing import Preparation
    from glassnet.data.target import TargetColumn

FileSamples: TypeAlias = "TableSamples | ArraySamples"


class Given(NamedTuple):
    """The arguments of `train` that are data, as a person passes them."""

    x: Any
    y: Any
    sample_weight: Any = None
    validation: Any = None
    blocks: Any = None
    batch_size: int = 1


class RunData(NamedTuple):
    """The data of a run: what it trains on and validates with, in which blocks, and notes about the file.

    `blocks` are those of the training samples, `row_blocks` the same with what is held out of each. `table` is the
    preparation of the columns of a table, and its target; None for arrays as they are.
    """

    sources: Sources | StreamedSources
    validation: Sources | StreamedValidation | None
    blocks: Blocks | None = None
    row_blocks: Blocks | None = None
    notes: tuple[str, ...] = ()
    table: tuple[Preparation, TargetColumn] | None = None

    @property
    def described_blocks(self) -> list[int | list[int]]:
        """The numbers of samples of the blocks, as `train(..., blocks=)` takes them; none where all are shuffled."""
        return [] if self.row_blocks is None else self.row_blocks.described()


def run_data(architecture: Architecture, dtype: Any, seed: int, given: Given) -> RunData:
    """The data of a run, checked. Raises DataError, ParameterError or ParameterTypeError."""
    if is_path(given.x) or hasattr(given.x, "preparation"):  # a StreamedTable, whose module takes long to import
        return _from_files(architecture, dtype, seed, given)
    sources = checked_sources(architecture, dtype, given.x, given.y, given.sample_weight)
    if given.blocks is None:
        return RunData(*with_validation(sources, architecture, dtype, given.validation, seed))
    return _in_blocks(sources, architecture, dtype, seed, given)


def is_path(value: Any) -> bool:
    """Whether an argument names a file."""
    return isinstance(value, (str, os.PathLike))


def _in_blocks(sources: Sources, architecture: Architecture, dtype: Any, seed: int, given: Given) -> RunData:
    """Arrays whose samples are shuffled, and held out, block by block, as those of a file are."""
    blocks = Blocks.checked(given.blocks, len(sources.x))
    if given.validation is None or isinstance(given.validation, (tuple, list)):
        return RunData(*with_validation(sources, architecture, dtype, given.validation, seed), blocks, blocks)
    held_out = _held_out(blocks, given.validation, seed)
    parts = [held_out.split(blocks, block) for block in range(blocks.number)]
    chosen = (
        np.concatenate([part[kind] + first for part, first in zip(parts, blocks.starts, strict=False)])
        for kind in (0, 1)
    )
    train, validation = chosen
    return RunData(sources.part(train), sources.part(validation), blocks.of_part(train), blocks)


def _held_out(blocks: Blocks, fraction: Any, seed: int) -> HeldOut:
    """The fraction of each block that is held out. Raises ParameterError where a block would have none left."""
    result = HeldOut(checked_fraction(fraction), seed)
    if (blocks.sizes - result.counts(blocks)).min() < 1:
        reason = f"a block of {counted(int(blocks.sizes.min()), 'sample')} would have none left to train on"
        raise ParameterError(f"validation={fraction:g}: {reason}; take larger blocks or another fraction.")
    return result


# Files ----------------------------------------------------------------------------------------------------------------


def _from_files(architecture: Architecture, dtype: Any, seed: int, given: Given) -> RunData:
    if given.sample_weight is not None:
        raise ParameterError("sample_weight is for arrays; a file is trained without weights.")
    file = _opened(given.x, given.y, architecture, dtype, "y")
    blocks = _blocks_of(file, given)
    validation, held_out = _validation(file, blocks, seed, given)
    sources = StreamedSources(file, blocks, held_out)
    sizes = sources.blocks.sizes
    if len(sizes) > 1 and 2 * int(sizes.min()) < given.batch_size:
        advice = "take larger blocks or smaller batches"
        raise ParameterError(
            f"a block of {int(sizes.min())} samples is too small for batches of {given.batch_size}; {advice}."
        )
    prepared = file.prepared if isinstance(file, ArraySamples) else file.table
    table = None if prepared is None else (prepared.preparation, prepared.target)
    note = file.sorted_note(int(blocks.sizes.max()))
    return RunData(sources, validation, sources.blocks, blocks, (note,) if note else (), table)


def _opened(x: Any, y: Any, architecture: Architecture, dtype: Any, name: str = "y") -> FileSamples:
    """The files of x and y: a table with the name of a column, or two .npy files; or those that are opened already."""
    if is_path(x) and file_kind(x) == "npy":
        if not is_path(y):
            fault = f"{name} must be the .npy file of the targets of {os.fspath(x)}, not of type {type(y).__name__}"
            raise ParameterTypeError(f"{fault}; to train in memory, give arrays for both.")
        if not os.path.exists(y):
            fault = f"{name} is {os.fspath(y)!r}, which is no file"
            raise ParameterError(f"{fault}; the targets of {os.fspath(x)} are in a second .npy file, not in a column.")
        files = ArrayFile.of(x), ArrayFile.of(y)
        return ArraySamples(files, array_pass(files[0]), architecture, dtype)
    from glassnet.batches.table_samples import opened_table
    from glassnet.data.streamed_arrays import StreamedArrays

    if isinstance(x, StreamedArrays):
        return ArraySamples((x.x_file, x.y_file), array_pass(x.x_file), architecture, dtype, x)
    return opened_table(x, y, architecture, dtype)


def _blocks_of(file: FileSamples, given: Given) -> Blocks:
    """The blocks of a file: as a person asks for them, or of a default size; Parquet's keep to its row groups."""
    rows, largest = file.x.shape[0], given.blocks
    if largest is None:
        x_bytes, y_bytes = (shape.dtype.itemsize * int(np.prod(shape.shape[1:])) for shape in (file.x, file.y))
        share = (
            1.0 if given.validation is None or not np.isscalar(given.validation) else 1 - _fraction(given.validation)
        )
        batch, table = int(given.batch_size / share) + 1, not isinstance(file, ArraySamples)
        largest = default_block_samples(x_bytes, y_bytes, batch, table=table)
    if file.groups is not None and isinstance(largest, int) and largest >= 1:
        return Blocks.of_groups(file.groups, largest)
    return Blocks.checked(largest, rows)


def _fraction(validation: Any) -> float:
    """The fraction that is held out; 0 where validation is a file."""
    return 0.0 if is_path(validation) else checked_fraction(validation)


def _validation(
    file: FileSamples, blocks: Blocks, seed: int, given: Given
) -> tuple[Sources | StreamedValidation | None, HeldOut | None]:
    """What validates a run on files: nothing, a part of each block, another file, or arrays."""
    validation = given.validation
    if validation is None:
        return None, None
    architecture, dtype = file.architecture, file.dtype
    if is_path(validation) or (isinstance(validation, (tuple, list)) and validation and is_path(validation[0])):
        other = _other_file(file, [validation] if is_path(validation) else list(validation))
        return StreamedValidation(other, _blocks_of(other, given._replace(blocks=None))), None
    if isinstance(validation, (tuple, list)):
        return with_validation(_nothing(file), architecture, dtype, validation, seed)[1], None
    held_out = _held_out(blocks, validation, seed)
    return StreamedValidation(file, blocks, held_out), held_out


def _other_file(file: FileSamples, paths: list[Any]) -> FileSamples:
    """The second file, or pair of files, that validates a run."""
    if not isinstance(file, ArraySamples):
        return file.like(paths)
    if len(paths) != 2:
        raise ParameterError("validation of .npy files is a pair of files: (x, y).")
    return _opened(paths[0], paths[1], file.architecture, file.dtype, "validation[1]")


def _nothing(file: FileSamples) -> Sources:
    return Sources(np.empty((0, *file.x.shape[1:])), np.empty(0))

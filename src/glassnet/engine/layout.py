"""The int64 slots through which executor and kernels talk: what each number in a row, a context or a call means.

`executor.py` and `row_table.py` write these slots, the kernels read them. The names are attributes of modules, because
Numba replaces these by constants as fast as literals: `row[AFFINE.w]` compiles to the machine code of `row[5]`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple


def _slots(fields: str, first: int = 0) -> Any:
    """A namespace of consecutive slot numbers, beginning with `first`."""
    slots = ModuleType("slots")
    vars(slots).update({name: number for number, name in enumerate(fields.split(), first)})
    return slots


# The context of a thread, as wide as two cache lines: what is the same for all rows of a step. ------------------------
# scalars: address of this step's scalars. order: address of the sample numbers of the run. abort: address of a flag.
# scratch: address of memory of this thread for the panels of products (PANEL_BYTES), then for a transposed gradient.

CONTEXT = _slots("thread threads samples first_sample step scalars order scratch abort")
CONTEXT_SIZE = CONTEXT.abort + 1
PANEL_BYTES, TRANSPOSED_BYTES = 96 << 10, 24 << 10  # with the widest vectors and in float64
SCRATCH_BYTES = PANEL_BYTES + TRANSPOSED_BYTES

# A row of the table: four numbers, addresses of the operands, then what else a kind of row needs. ---------------------


class RowHeader(NamedTuple):
    """What every row of the table begins with; the operands follow, inputs before outputs."""

    kernel: int  # address of the kernel
    barrier: int  # 1 where all threads wait for each other before the row
    units: int  # length of the outer loop; 0 where it is the number of samples of the batch
    width: int  # length of the inner loop; number of operands of mean_cost and clip_scale


ROW = _slots(" ".join(RowHeader._fields))
FIRST_OPERAND = len(RowHeader._fields)  # the scalars' indices of a formula follow its operands

GATHER = _slots("source batch stride dtype", FIRST_OPERAND)
ONE_HOT = _slots("labels targets", FIRST_OPERAND)
SAMPLE_WEIGHTS = _slots("source weights scalar", FIRST_OPERAND)
AFFINE = _slots("a w b z terms epilogue operand_count operands", FIRST_OPERAND)
PROPAGATE = _slots("delta w da terms epilogue operand_count operands", FIRST_OPERAND)
BP4 = _slots("delta a dw", FIRST_OPERAND)
BFLOAT16 = _slots("x by_columns by_rows", FIRST_OPERAND)  # addresses of words, 0 where none are needed
MEAN = _slots("p mean", FIRST_OPERAND)
MEAN_PRODUCT = _slots("p q mean", FIRST_OPERAND)
MOMENTS = _slots("x mean variance", FIRST_OPERAND)
SOFTMAX = _slots("z a groups", FIRST_OPERAND)  # groups: how many there are; their sizes follow
SOFTMAX_ERROR = _slots("da a delta groups", FIRST_OPERAND)
SOFTMAX_COST = _slots("z y cost groups", FIRST_OPERAND)
SOFTMAX_AND_COST = _slots("z y a cost groups", FIRST_OPERAND)
SELECT = _slots("x result width copies count columns", FIRST_OPERAND)
CONCATENATE = _slots("left right result left_width right_width", FIRST_OPERAND)
SPLIT = _slots("x left right left_width right_width", FIRST_OPERAND)
GROUPED_AFFINE = _slots("x w b z outputs terms", FIRST_OPERAND)
GROUPED_PROPAGATE = _slots("delta w dx outputs terms", FIRST_OPERAND)
GROUPED_BP4 = _slots("delta x dw outputs terms", FIRST_OPERAND)
LOOK_UP = _slots("x vectors result width outputs count columns", FIRST_OPERAND)  # columns: number and levels of each
LOOK_UP_GRADIENT = _slots("delta x dvectors width outputs count columns", FIRST_OPERAND)
DROPOUT = _slots("x result threshold key0 key1 scale", FIRST_OPERAND)
SCHEDULED_DROPOUT = _slots("x result rate key0 key1 factor", FIRST_OPERAND)  # factor: index of the scalar
NOISE = _slots("x result scale key0 key1", FIRST_OPERAND)
SQUARE_MEANS = _slots("w mean fan_in", FIRST_OPERAND)
PROGRAM = _slots("table", FIRST_OPERAND)  # the row of a kernel that runs a whole program: address of the table
MEAN_COST = _slots("weighted penalties units")  # after the operands: 0 or 1, number of penalties, units of each
CLIP_SCALE = _slots("sums units")  # after the operands: number of sums, units of each, index of the scalar `limit`

# Calls that are not rows. ---------------------------------------------------------------------------------------------
# GEMM: c = start + a·b, then times 1/divisor. x_row is the row stride of x, a_term a's stride from term to term;
# transposed: whether b is read as b[j, k]; start: address of the row at which every row of c starts, or 0.
# Of mixed precision, a and b are words of two numbers, and terms counts words.
# EPILOGUE, after them: the formula that follows; offset: index of the product's first number in its operands.

GEMM = _slots("a a_row a_term b b_row transposed c c_row start rows columns terms divisor")
EPILOGUE = _slots("kernel operand_count operands offset", GEMM.divisor + 1)
SHUFFLE = _slots("orders epochs samples draws")


class InterpreterArguments(NamedTuple):
    """The arguments of one call of the interpreter; addresses where no comment says otherwise."""

    table: int
    rows: int  # number of rows to run
    row_size: int  # slots
    context: int
    batches: int  # (first sample, samples) of each step
    scalars: int
    scalar_bytes: int  # from step to step
    first_step: int  # number of the first step
    steps: int  # number of steps
    costs: int  # where the cost of each step is written
    cost: int  # where the program writes its cost
    steps_done: int  # written by the interpreter
    flush: int  # 1: denormals count as 0
    counters: int  # layout.COUNTERS


CALL = _slots(" ".join(InterpreterArguments._fields))

# What the threads of a call count together, a cache line each: how often one of them has come to a barrier, how many
# have begun, and how many have ended.

COUNTERS = _slots("barrier begun ended")
COUNTER_STRIDE = 8
COUNTERS_SIZE = COUNTER_STRIDE * (COUNTERS.ended + 1)

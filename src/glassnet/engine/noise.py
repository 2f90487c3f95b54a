"""The noise kernel: a normal number of each position, from two hashes of it (the first is that of dropout)."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.ir import Value
from numba.core import types

from glassnet.engine.dropout import as_float64, mix, operands, position_hashes, uint32
from glassnet.engine.formula_ir import evaluate
from glassnet.engine.kernel_functions import inlined, thread_range
from glassnet.engine.kernel_spec import KernelSpec
from glassnet.engine.layout import NOISE, ROW
from glassnet.engine.llvm_vectors import LANES, LLVM, broadcast, constant
from glassnet.engine.simd import convert, for_each_block, load_block, store_block
from glassnet.program.equations import SECOND_HASH, with_noise
from glassnet.tables.formula import trace

NOISY = trace(with_noise, 4)


def noise(spec: KernelSpec) -> Any:
    """result = x + scale·n, n normal with variance 1."""
    add = noise_loop(getattr(types, spec.dtype))

    def noise(row: Any, context: Any) -> None:
        start, stop = thread_range(row, context)
        scale, width = as_float64(row[NOISE.scale]), row[ROW.width]
        add(row, context, scale, start * width, (stop - start) * width)

    return noise


def noise_loop(dtype: types.Type) -> Any:
    """An inlined add(row, context, scale, offset, count) along `count` numbers of the row's operands."""
    real = LLVM[dtype]
    kind = ir.VectorType(real, LANES)

    @inlined()
    def add(builder: ir.IRBuilder, row: Value, context: Value, scale: Value, offset: Value, count: Value) -> None:
        x, result = operands(builder, row, offset, real)
        hashes = position_hashes(builder, row, context, offset)
        deviation = broadcast(builder, convert(builder, scale, real), LANES)

        def share(h: Value, more: int) -> Value:
            """(The upper 24 bits + `more`) / 2²⁴, exact in every dtype."""
            upper = builder.add(builder.lshr(h, uint32(h.type, 8)), uint32(h.type, more))
            return builder.fmul(builder.uitofp(upper, kind), constant(kind, 2.0**-24))

        def body(first: Value, mask: Value | None) -> None:
            h = hashes(first)
            second = mix(builder, builder.add(h, uint32(h.type, SECOND_HASH)))
            inputs = [load_block(builder, x, first, mask, real), share(h, 1), share(second, 0), deviation]
            store_block(builder, result, first, mask, evaluate(builder, NOISY, inputs, kind)[0])

        for_each_block(builder, count, body)

    return add

"""The plan of a run: which mini-batches its steps read, in the order that its seed, its data and its recipe ask for."""

from __future__ import annotations

from glassnet.batches.block_order import Blocks, shuffled_blocks
from glassnet.batches.mini_batches import BatchPlan, in_order, shuffled
from glassnet.batches.sources import Sources
from glassnet.batches.streamed_sources import StreamedSources, StreamPlan
from glassnet.execution.executor import StepExecutor
from glassnet.execution.streamed_executor import StreamedExecutor
from glassnet.training.recipe import Recipe


def shuffled_plan(
    executor: StepExecutor, sources: Sources | StreamedSources, recipe: Recipe, seed: int, blocks: Blocks | None
) -> BatchPlan | StreamPlan:
    """Mini-batches in an order that is drawn from the seed: of all samples, or of blocks and of the samples in each."""
    key, size = (seed, recipe.run), recipe.batch_size
    if isinstance(executor, StreamedExecutor):
        plan = StreamPlan(executor.sources.blocks, size, key, executor.shuffle)
        executor.follow(plan.order)
        return plan
    orders = shuffled(key, executor.shuffle) if recipe.shuffle else in_order
    if blocks is not None:
        orders = shuffled_blocks(blocks, key, executor.shuffle)
    return BatchPlan(sources.x.shape[0], size, sources.weights, orders, recipe.epochs)

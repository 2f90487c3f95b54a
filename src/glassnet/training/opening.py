"""From the arguments of `train` to a run that is ready to begin: its data are opened, its recipe is fitted to them."""

from __future__ import annotations

import warnings

from glassnet.batches.run_data import Given, RunData, run_data
from glassnet.execution.model import Model
from glassnet.training.recipe import Recipe
from glassnet.training.training import Training
from glassnet.training.validation import MetricLike, validator


def opened_training(
    model: Model, given: Given, recipe: Recipe, metric: MetricLike | None = None
) -> tuple[Training, RunData]:
    """A run of a model on what was given, and its data; `metric` chooses the best epoch.

    Notes about the data become warnings, which the History keeps.
    """
    data = run_data(model.architecture, model.dtype, model.seed, given)
    evaluate = validator(model, data.validation, recipe, metric)
    recipe = recipe._replace(batch_size=min(recipe.batch_size, data.sources.x.shape[0]))
    training = Training(model, data.sources, recipe, evaluate, blocks=data.blocks)
    training.executor.warnings.extend(data.notes)
    for note in data.notes:
        warnings.warn(note, RuntimeWarning, stacklevel=4)  # where train was called
    return training, data

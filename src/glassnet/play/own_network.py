"""A person's own network and arrays as a run of the page: what `net.play()` shows in a notebook.

The page trains a float64 copy, since its settings may change on the way; the network itself stays as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.batches.sources import checked_fraction, checked_sources
from glassnet.batches.sparse import dense
from glassnet.errors import ParameterError
from glassnet.frames.report_samples import class_names
from glassnet.network import NeuralNetwork
from glassnet.play.opening import RunOptions, open_setup
from glassnet.play.own_data import OwnData
from glassnet.play.run import Run
from glassnet.play.run_samples import RunSamples, held_out_rows
from glassnet.play.setup import MAX_DENSE, NOTEBOOK_DATA, Setup, checked_values
from glassnet.play.template import Start, Template
from glassnet.tables.optimizers import optimizer

DTYPE = np.dtype("float64")


def own_run(network: NeuralNetwork, data: tuple[Any, Any, Any], settings: dict[str, Any], own: OwnData) -> Run:
    """The run of a network on x, y and a fraction held out, trained with settings such as lr, batch and opt.

    Raises ParameterError for a network that the page cannot show.
    """
    entry = optimizer(settings.pop("opt"))
    template = Template(network.astype(DTYPE).model, entry)
    samples = own_samples(network, *data)._replace(template=template)
    setup = own_setup(template, network.seed)._replace(**checked_values(settings), file=own.add_arrays(samples))
    engine = "numpy" if network.engine == "numpy" else None  # which a person chose to step through the equations
    return open_setup(setup, set(), own, RunOptions((), engine, Start.of(template.model)))


def own_setup(template: Template, seed: int) -> Setup:
    """The settings of a network. Raises ParameterError where it has too many layers."""
    architecture = template.architecture
    if len(architecture.dense) > MAX_DENSE:
        raise ParameterError(f"play shows up to {MAX_DENSE} layers; this network has {len(architecture.dense)}.")
    return Setup(
        data=NOTEBOOK_DATA,
        test=0.0,
        shape=(architecture.inputs, *(layer.fan_out for layer in architecture.dense)),
        act=tuple(layer.activation.name for layer in architecture.dense),
        cost=architecture.cost.name,
        opt=template.optimizer.name,
        l1=architecture.l1,
        l2=architecture.l2,
        init=template.model.initializer.name,
        seed=seed,
        lr=0.1,
    )


def own_samples(network: NeuralNetwork, x: Any, y: Any, validation: float | None) -> RunSamples:
    """x (fan_in, batch) and y of a person as the samples of a run; None takes those of the last training."""
    sources = network.recent_samples if x is None else None
    if sources is None:
        if x is None or y is None:
            raise ParameterError("play needs x and y, samples as columns: this network has not been trained yet.")
        sources = checked_sources(network.architecture, DTYPE, x, y, None)
    rows, targets = np.asarray(dense(sources.x), np.float64), sources.y
    held_out = np.zeros(len(rows), bool)
    if validation is not None:
        held_out = held_out_rows(len(rows), checked_fraction(validation))
    names = tuple(f"x{number}" for number in range(1, rows.shape[1] + 1))
    classes = class_names(network.architecture, targets, ())
    outputs = () if classes else tuple(f"y{number}" for number in range(1, network.architecture.outputs + 1))
    y_columns = targets if targets.ndim == 1 else np.ascontiguousarray(np.asarray(targets, np.float64).T)
    return RunSamples(
        "Your data", np.ascontiguousarray(rows.T), y_columns, held_out, names, outputs, classes, is_ready=True
    )

"""`glassnet.scale.fit`: trains a network or an estimator in lanes, wherever its data lie."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any

from glassnet.errors import ParameterTypeError
from glassnet.network import NeuralNetwork
from glassnet.scale.blocks import RawBlocks, raw_blocks
from glassnet.scale.encoding import NetworkEncoding
from glassnet.scale.lane_settings import LANES, WARM_UP, LaneOptions
from glassnet.scale.network_fit import NetworkArguments, fit_network
from glassnet.scale.opening import Dealing, opened_runner


def fit(
    model: Any,
    blocks: Any,
    y: Any = None,
    *,
    client: Any = None,
    lanes: int = LANES,
    steps_per_round: int | None = None,
    rate_factor: float | None = None,
    warm_up: float = WARM_UP,
    sample_weight: Any = None,
    validation: Any = None,
    timeout: float | None = None,
    same_bits: bool = True,
    **options: Any,
) -> Any:
    """Train `model` in lanes: each trains on blocks of its own, and after each round their parameters are averaged.

    The result depends on the data, the seed and the settings alone, not on where it is computed: any number of workers
    gives the same bits as this process by itself.

    Parameters
    ----------
    model : a NeuralNetwork, an MLPClassifier or an MLPRegressor
    blocks, y : the data, with samples as rows: a dask.array, a dask.dataframe, a list of blocks (x, y) or of Delayed, a
        folder of Parquet files, or arrays in memory; y is divided as x is, or names a column
    client : a Client of Dask; None starts workers on this machine for the time of the call; False computes in this
        process, without Dask
    lanes : how many parts of the data are trained on at the same time
    steps_per_round : the steps of each lane between two averages (τ); None: so many that communication takes a tenth of
        the time at most
    rate_factor, warm_up : the learning rate is multiplied by this factor, which it reaches after so many epochs; None
        for the factor that docs/scale.md finds best
    sample_weight : divided as y is
    validation : the fraction of each block to hold out, or the validation data, as (x, y) or as blocks
    timeout : for how many seconds a worker may give no sign of life
    same_bits : refuse workers whose results would differ in the last bits
    options : of a NeuralNetwork the other arguments of `train`; of an estimator `checkpoint`, `every` and `resume`

    Returns
    -------
    The History of a NeuralNetwork; the estimator itself, fitted.

    Raises ParameterError, DataError (which names the block), DivergedError (which names lane and block) or
    ClusterError; the model then has the state of the last round.
    """
    asked = LaneOptions.checked(lanes, steps_per_round, rate_factor, warm_up)
    raw = raw_blocks(blocks, y, sample_weight, lanes=asked.lanes)
    fraction, others = (validation, None) if isinstance(validation, Real) else (None, _validation(validation, y))
    if isinstance(model, NeuralNetwork):
        arguments = NetworkArguments.checked(model, options, fraction)
        encoding = NetworkEncoding(model.architecture, str(model.dtype))
        dealing = Dealing(asked.lanes, arguments.recipe.batch_size, model.architecture.inputs * model.dtype.itemsize)
        opening = {"validation": others, "timeout": timeout, "same_bits": same_bits}
        return fit_network(model, arguments, asked, partial(opened_runner, raw, encoding, dealing, client, **opening))
    raise ParameterTypeError(f"model must be a NeuralNetwork or an estimator, not {type(model).__name__}.")


def _validation(validation: Any, y: Any) -> RawBlocks | None:
    """The validation blocks that a person passes."""
    if validation is None:
        return None
    if isinstance(validation, tuple) and len(validation) in (2, 3):
        return raw_blocks(*validation, lanes=1)
    return raw_blocks(validation, y if isinstance(y, str) else None)

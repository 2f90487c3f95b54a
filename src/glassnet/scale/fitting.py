"""`glassnet.scale.fit`: trains a network or an estimator in lanes, wherever its data lie."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any, NamedTuple

from sklearn.base import is_classifier

from glassnet.batches.table_samples import checked_table
from glassnet.errors import ParameterTypeError
from glassnet.estimators.base_mlp import BaseMLP
from glassnet.network import NeuralNetwork
from glassnet.scale.backend import Backend, Dealing
from glassnet.scale.blocks import RawBlocks, raw_blocks
from glassnet.scale.encoding import NetworkEncoding
from glassnet.scale.estimator_encoding import EstimatorEncoding, EstimatorTableEncoding, representative_of
from glassnet.scale.estimator_fit import EstimatorArguments, expected_batch_size, fit_estimator
from glassnet.scale.first_pass import representative, table_pass
from glassnet.scale.lane_run import Runner
from glassnet.scale.lane_settings import LANES, WARM_UP, LaneOptions
from glassnet.scale.network_fit import NetworkArguments, fit_network
from glassnet.scale.opening import opened_backend
from glassnet.scale.table_encoding import NetworkTableEncoding
from glassnet.training.history import History


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
    outer_momentum: float | None = None,
    sample_weight: Any = None,
    validation: Any = None,
    timeout: float | None = None,
    same_bits: bool = True,
    **options: Any,
) -> Any:
    """Train `model` in lanes: each trains on blocks of its own, and after each round their parameters are averaged.

    The result depends only on the data, the seed and the settings, not on where it is computed: any number of workers
    gives the same bits as this process alone.

    Parameters
    ----------
    model : a NeuralNetwork, an MLPClassifier or an MLPRegressor
    blocks, y : the data, with samples as rows: a dask.array, a dask.dataframe, a list of blocks (x, y) or of Delayed, a
        folder of Parquet files, or arrays in memory; y is divided as x is, or names a column
    client : a Client of Dask; None starts workers on this machine for the duration of the call; False computes in this
        process, without Dask
    lanes : how many parts of the data are trained on at the same time
    steps_per_round : the steps of each lane between two averages (τ); None chooses it so that communication takes at
        most a tenth of the time
    rate_factor, warm_up : a factor on the learning rate, which is reached after `warm_up` epochs; None means √lanes, at
        most 3
    outer_momentum : the momentum of the mean from round to round, but not in the last round; None means 0.5, but 0 for
        fewer than 4 lanes and with `max_norm`
    sample_weight : the weights of the samples, divided into blocks as y is
    validation : the fraction of each block to hold out, or the validation data, as (x, y) or as blocks
    timeout : the seconds for which a worker, or the scheduler, may give no sign of life; None means 60
    same_bits : refuse workers whose results would differ in the last bits
    options : for a NeuralNetwork the other arguments of `train`; for an estimator `checkpoint`, `every` and `resume`

    Returns
    -------
    The History of a NeuralNetwork; the estimator itself, fitted.

    Raises ParameterError, DataError (which names the block), DivergedError (which names lane and block) or
    ClusterError; the model then has the state of the last complete round.
    """
    asked = LaneOptions.checked(lanes, steps_per_round, rate_factor, warm_up, outer_momentum)
    if not isinstance(model, (NeuralNetwork, BaseMLP)):
        raise ParameterTypeError(
            f"model must be a NeuralNetwork, an MLPClassifier or an MLPRegressor, not {type(model).__name__}."
        )
    is_fraction = isinstance(validation, Real)
    fraction, others = (validation, None) if is_fraction else (None, _validation(validation, y))
    data = GivenBlocks(raw_blocks(blocks, y, sample_weight, lanes=asked.lanes), others, same_bits)
    if isinstance(model, NeuralNetwork):
        network = NetworkArguments.checked(model, options, fraction)
        with opened_backend(client, timeout) as backend:
            return _fit_network(backend, model, data, asked, network)
    estimator = EstimatorArguments.checked(model, asked, options, fraction)
    with opened_backend(client, timeout) as backend:
        return _fit_estimator(backend, model, data, estimator)


class GivenBlocks(NamedTuple):
    """The data as a person passes them, in blocks: what is trained on, what validates; `same_bits` as in `fit`."""

    raw: RawBlocks
    validation: RawBlocks | None
    same_bits: bool

    def runner(self, backend: Backend, encoding: Any, dealing: Dealing) -> Runner:
        """What runs the lanes on these blocks."""
        return backend.runner(self.raw, encoding, dealing, self.validation, self.same_bits)


def _fit_network(
    backend: Backend, network: NeuralNetwork, data: GivenBlocks, lanes: LaneOptions, arguments: NetworkArguments
) -> History:
    architecture, dtype = network.architecture, str(network.dtype)
    dealing = Dealing(lanes.lanes, arguments.recipe.batch_size, architecture.inputs * network.dtype.itemsize)
    encoding: Any = NetworkEncoding(architecture, dtype)
    if data.raw.are_tables:
        task = "auto" if architecture.cost.target_sum is None else "classification"
        table = checked_table(table_pass(backend, data.raw, task=task), architecture)
        encoding = NetworkTableEncoding(table, architecture, dtype)
        network.preparation, network.target = table.preparation, table.target
    return fit_network(network, arguments, lanes, partial(data.runner, backend, encoding, dealing))


def _fit_estimator(backend: Backend, estimator: BaseMLP, data: GivenBlocks, arguments: EstimatorArguments) -> BaseMLP:
    classes, batch_size = is_classifier(estimator), expected_batch_size(estimator)

    def open_runner(encoding: EstimatorEncoding) -> Runner:
        estimator.preparation_ = preparation  # belongs to the model from now on, also if the run is broken off
        network = estimator._network
        dealing = Dealing(arguments.lanes.lanes, batch_size, network.architecture.inputs * network.dtype.itemsize)
        return data.runner(backend, encoding if table is None else EstimatorTableEncoding(table, encoding), dealing)

    table, preparation = None, None
    if data.raw.are_tables:
        task = "classification" if classes else "regression"
        table = table_pass(backend, data.raw, task=task, standardise=False)
        rows, preparation = representative_of(table), table.preparation
    else:
        rows = representative(backend, data.raw, classes=classes)
    return fit_estimator(estimator, rows, open_runner, arguments)


def _validation(validation: Any, y: Any) -> RawBlocks | None:
    """The validation blocks that a person passes."""
    if validation is None:
        return None
    if isinstance(validation, tuple) and len(validation) in (2, 3):
        return raw_blocks(*validation, lanes=1)
    return raw_blocks(validation, y if isinstance(y, str) else None)

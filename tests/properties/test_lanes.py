"""Rounds of lanes: the same bits whoever runs them, in which order, on how many threads, and after a break."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet import BatchNorm, Dropout, NeuralNetwork
from glassnet.batches.sources import Sources
from glassnet.batches.streamed_sources import HeldOut
from glassnet.errors import DivergedError
from glassnet.files.checkpoint import read_checkpoint, write_checkpoint
from glassnet.scale import fit
from glassnet.scale.averaging import mean_results, tree_mean
from glassnet.scale.lane_files import describe_lanes
from glassnet.scale.lane_run import LaneData, LaneTraining
from glassnet.scale.lane_settings import LaneOptions, LaneSettings
from glassnet.scale.lanes import LanePlan
from glassnet.scale.local import LocalRunner, limit_threads
from glassnet.scale.outer_step import outer_step_into
from glassnet.scale.placement import LanePlacement, sender
from glassnet.scale.rates import LaneRates, with_given_rates
from glassnet.scale.round import LaneResult, lane_round, lane_seed
from glassnet.scale.round_length import StateSize, communication_seconds, step_seconds, steps_per_round
from glassnet.scale.round_times import RoundTimes
from glassnet.tables.optimizers import optimizer
from glassnet.tables.schedules import schedule
from glassnet.training.recipe import Recipe

FEATURES, CLASSES = 6, 3
OPTIONS = {"batch_size": 10, "epochs": 3, "lr": 0.05, "client": False, "verbose": 0}


def data(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=(rows, FEATURES)).astype(np.float32)
    return x, x[:, :CLASSES].argmax(axis=1).astype(np.int64)


def network(*between: object, **options: object) -> NeuralNetwork:
    cost = "categorical_cross_entropy"
    return NeuralNetwork([FEATURES, 8, *between, CLASSES], ["tanh", "softmax"], cost, seed=5, **options)  # type: ignore


def cut(x: np.ndarray, y: np.ndarray, sizes: list[int], weights: np.ndarray | None = None) -> list[Sources]:
    ends = np.cumsum(sizes)
    whole = Sources(x, y, weights)
    return [whole.part(slice(end - size, end)) for size, end in zip(sizes, ends, strict=True)]


class OtherOrder(LocalRunner):
    """Runs the lanes one by one from the last to the first, each twice, as a cluster may do."""

    def round(self, tasks, shared):  # type: ignore[no-untyped-def]
        results = {}
        for task in reversed([task for task in tasks if task is not None]):
            for _ in range(2):
                results[task.lane] = lane_round(task, shared, [self.blocks[block] for block in task.blocks])
        return tree_mean(len(tasks), results.get, mean_results)


def training(
    net: NeuralNetwork, sizes: list[int], lanes: int, kind: type = LocalRunner, **options: object
) -> LaneTraining:
    x, y = data(sum(sizes))
    blocks = cut(x, y, sizes, options.pop("weights", None))  # type: ignore[arg-type]
    threads, rounds = options.pop("threads", None), options.pop("steps_per_round", 2)
    runner = kind(LaneData(tuple(sizes), blocks[0].part(slice(0, 5)), "digest", lanes), blocks)
    limit_threads(runner, threads)  # type: ignore[arg-type]
    recipe = Recipe(10, 3, 0.05, optimizer(options.pop("optimizer", "adam")), schedule("cosine"))  # type: ignore
    held_out = options.pop("held_out", None)
    return LaneTraining(net.model, runner, recipe, LaneSettings(lanes, rounds, 2.0, 1.0), held_out)  # type: ignore


# The same bits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_one_lane_equals_plain_training_on_the_same_blocks(optimizer: str, engine: str) -> None:
    """Where no batch crosses the end of a block: with dropout, batch normalisation and a schedule."""
    x, y = data(150)
    layers = (BatchNorm(), Dropout(0.3))
    options = {**OPTIONS, "optimizer": optimizer, "schedule": "cosine"}
    lanes, plain = network(*layers, engine=engine), network(*layers, engine=engine)
    blocks = [(x[:40], y[:40]), (x[40:90], y[40:90]), (x[90:], y[90:])]
    history = fit(lanes, blocks, lanes=1, steps_per_round=5, **options)
    del options["client"]
    expected = plain.train(x.T, y, blocks=[40, 50, 60], **options)
    assert lanes.parameters.vector.tobytes() == plain.parameters.vector.tobytes()
    assert lanes.statistics.vector.tobytes() == plain.statistics.vector.tobytes()
    np.testing.assert_allclose(history["cost"], expected["cost"], rtol=1e-12)
    assert history["step"].tolist() == expected["step"].tolist()


def test_the_order_in_which_lanes_run_and_the_threads_do_not_matter() -> None:
    sizes, hashes = [30, 25, 40, 20, 35, 31, 12], set()
    for kind, threads in ((LocalRunner, 1), (LocalRunner, 2), (OtherOrder, 1)):
        run = training(network(Dropout(0.2)), sizes, 3, kind, threads=threads)
        run.run()
        hashes.add(run.hash())
    assert len(hashes) == 1


def test_a_run_goes_on_in_the_middle_of_an_epoch(tmp_path) -> None:  # type: ignore[no-untyped-def]
    sizes = [30, 25, 40, 20]
    whole = training(network(Dropout(0.2)), sizes, 2)
    whole.run()
    for rounds in (1, 2, 4, 6):
        first = training(network(Dropout(0.2)), sizes, 2)
        for _ in range(rounds):
            first.run(steps=1)
        description = describe_lanes(first, first.recipe._replace(schedule=schedule("cosine")))
        write_checkpoint(tmp_path / "run", first, description)
        second = training(network(Dropout(0.2)), sizes, 2, OtherOrder)
        second.restore(read_checkpoint(tmp_path / "run", second, description))
        assert second.counters.batch % second.lane_plan.batches_per_epoch == (2 * rounds) % 7 or rounds > 3
        second.run()
        assert second.hash() == whole.hash()


def test_a_lane_that_diverges_is_named_and_changes_nothing() -> None:
    net, (x, _) = NeuralNetwork([FEATURES, 8, 1], ["relu", "linear"], seed=5), data(200)
    before = net.parameters.vector.copy()
    with pytest.raises(DivergedError, match=r"diverged in epoch 1, lane \d, block \d.*, at step \d"):
        fit(net, x, x[:, 0], lanes=2, **OPTIONS | {"lr": 1e6})
    assert net.parameters.vector.tobytes() == before.tobytes()


# The mean -------------------------------------------------------------------------------------------------------------


def test_a_round_is_the_mean_weighted_by_rows() -> None:
    """Computed by hand from two plain Trainings, of 20 and 10 rows."""
    sizes, net = [40, 10], network()
    run = training(net, sizes, 2, steps_per_round=2, optimizer="sgd")
    before = {name: vector.copy() for name, vector in run.shared().items()}
    tasks = run.tasks(with_given_rates(run.recipe, np.arange(2.0), 4))
    parts = [lane_round(task, before, [run.runner.blocks[task.blocks[0]]]) for task in tasks]
    run.run(steps=1)
    assert [part.weight for part in parts] == [20, 10]
    for name, vector in run.shared().items():
        a, b = (part.arrays[name].astype(np.float64) for part in parts)
        np.testing.assert_array_equal(vector, ((2 / 3) * a + (1 / 3) * b).astype(np.float32), strict=True)
    assert not np.array_equal(run.shared()["parameters"], before["parameters"])


def test_a_weighted_round_counts_weights_as_rows() -> None:
    weights = np.repeat([1.0, 3.0], [40, 10])
    run = training(network(), [40, 10], 2, steps_per_round=2, weights=weights)
    tasks = run.tasks(with_given_rates(run.recipe, np.arange(2.0), 4))
    parts = [lane_round(task, run.shared(), [run.runner.blocks[task.blocks[0]]]) for task in tasks]
    assert [part.weight for part in parts] == [20, 30] == [part.weight_sum for part in parts]


def test_a_lane_without_work_leaves_the_others_as_they_are() -> None:
    run = training(network(), [40, 10], 2, steps_per_round=2)
    run.run(steps=2)
    before = {name: vector.copy() for name, vector in run.shared().items()}
    tasks = run.tasks(with_given_rates(run.recipe, np.arange(2.0, 4.0), 4))
    assert tasks[1] is None
    alone = lane_round(tasks[0], before, run.runner.blocks[:1])
    run.run(steps=1)
    assert run.shared()["parameters"].tobytes() == alone.arrays["parameters"].tobytes()


def test_the_outer_step_is_nesterovs() -> None:
    """By hand, in two rounds of momentum ½: v = Δ, w = mean + v/2; v = v/2 + Δ, w = mean + v/2."""
    w, velocity = np.array([1.0], np.float32), np.zeros(1, np.float32)
    outer_step_into(w, np.array([3.0], np.float32), velocity, 0.5)
    assert (w[0], velocity[0]) == (4, 2)
    outer_step_into(w, np.array([5.0], np.float32), velocity, 0.5)
    assert (w[0], velocity[0]) == (6, 2)


def test_the_last_round_ends_at_the_mean() -> None:
    (x, y), ends = data(80), {}
    for epochs, momentum in [(1, 0.0), (1, 0.5), (2, 0.0), (2, 0.5)]:
        net = network()
        fit(net, x, y, lanes=4, steps_per_round=99, outer_momentum=momentum, **OPTIONS | {"epochs": epochs})
        ends[epochs, momentum] = net.parameters.vector.tobytes()
    assert ends[1, 0.0] == ends[1, 0.5]  # the only round
    assert ends[2, 0.0] != ends[2, 0.5]


def test_the_outer_step_stays_within_the_range_of_the_dtype() -> None:
    w, velocity = np.array([-3e38], np.float32), np.zeros(1, np.float32)
    outer_step_into(w, np.array([3e38], np.float32), velocity, 0.9)
    assert np.isfinite(w).all() and np.isfinite(velocity).all()


def test_the_state_that_lanes_share_is_only_read() -> None:
    run = training(network(BatchNorm()), [40, 30], 2)
    shared = {name: vector.copy() for name, vector in run.shared().items()}
    for vector in shared.values():
        vector.flags.writeable = False
    task = run.tasks(with_given_rates(run.recipe, np.arange(2.0), 4))[0]
    assert np.any(lane_round(task, shared, run.runner.blocks[:1]).arrays["statistics"] != shared["statistics"])


@given(st.integers(1, 40), st.sets(st.integers(0, 39)))
def test_the_tree_depends_on_the_number_of_lanes_only(count: int, idle: set[int]) -> None:
    active = [lane for lane in range(count) if lane not in idle]
    if not active:
        with pytest.raises(ValueError, match="no lane"):
            tree_mean(count, lambda lane: None, lambda a, b: a)
        return
    tree = tree_mean(count, lambda lane: None if lane in idle else f"{lane}", lambda a, b: f"({a} {b})")
    assert [int(name) for name in tree.replace("(", " ").replace(")", " ").split()] == active
    waiting, most = 0, 0

    def leaf(lane: int) -> str | None:
        nonlocal waiting, most
        waiting += lane not in idle
        most = max(most, waiting)
        return None if lane in idle else str(lane)

    def join(a: str, b: str) -> str:
        nonlocal waiting
        waiting -= 1
        return f"{a} {b}"

    tree_mean(count, leaf, join)
    assert waiting == 1
    assert most <= 1 + int(np.ceil(np.log2(count)))


def test_the_tree_of_five() -> None:
    assert tree_mean(5, str, lambda a, b: f"({a} {b})") == "(((0 1) (2 3)) 4)"


def test_a_mean_is_rounded_once() -> None:
    a, b = (LaneResult(weight, {"p": np.array([value], np.float32)}, 1.0, weight) for weight, value in ((1, 1), (2, 7)))
    assert mean_results(a, b) == LaneResult(3, {"p": np.array([5], np.float32)}, 2.0, 3)


# Which samples a lane reads -------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(1, 12), st.integers(1, 9), st.integers(1, 8))
def test_every_batch_of_every_block_is_read_once_per_epoch(sizes: list[int], batch: int, tau: int, lanes: int) -> None:
    lanes = min(lanes, len(sizes))
    plan = LanePlan(sizes, LaneSettings(lanes, tau), batch, (3, 0))
    read: list[tuple[int, int]] = []
    position = 0
    while position < plan.batches_per_epoch:
        for lane, parts in enumerate(plan.parts(2, position, shuffled)):
            assert all(part.block % lanes == lane for part in parts)
            assert sum(part.stop - part.first for part in parts) <= plan.round_steps(position) <= tau
            read += [(part.block, number) for part in parts for number in range(part.first, part.stop)]
        position += plan.round_steps(position)
    assert sorted(read) == [(block, number) for block, size in enumerate(sizes) for number in range(-(-size // batch))]


def shuffled(orders: np.ndarray, draws: np.ndarray) -> None:
    """A permutation from random draws, as an executor makes one."""
    orders[:] = np.argsort(draws, axis=1)


def test_the_order_of_blocks_and_samples_differs_between_epochs() -> None:
    plan = LanePlan([20] * 8, LaneSettings(2, 4), 10, (3, 0))
    orders = {tuple(part.block for part in plan.parts(epoch, 0, shuffled)[0]) for epoch in range(6)}
    assert len(orders) > 1


def test_held_out_samples_are_never_trained_on() -> None:
    """Other targets for them change nothing of what is learnt."""
    held_out, results = HeldOut(0.3, 5), []
    for changed in (False, True):
        run = training(network(), [40, 30], 2, held_out=held_out)
        for block, (x, y, _) in enumerate(run.runner.blocks):
            chosen = held_out.of_block(block, len(y))[1]
            y[chosen] = (y[chosen] + changed) % CLASSES
            assert len(chosen) == round(0.3 * len(x))
        run.run()
        results.append(run.hash())
    assert results[0] == results[1]


def test_rates_rise_to_their_factor_during_the_warm_up() -> None:
    rates = LaneRates(schedule("constant"), 3.0, 2.0).rates(0.1, np.arange(30), 100, 10)
    np.testing.assert_allclose(rates[[0, 9, 19, 29]], [0.1 * (1 + 2 / 20), 0.2, 0.3, 0.3])
    recipe = Recipe(10, 10, 0.1, optimizer("sgd"), LaneRates(schedule("cosine"), 3.0, 2.0))
    given_rates = with_given_rates(recipe, np.arange(40.0, 45.0), 10).schedule.rates(0.1, np.arange(40, 45), 1, 1)
    np.testing.assert_array_equal(given_rates, recipe.schedule.rates(0.1, np.arange(40, 45), 100, 10))


@pytest.mark.parametrize(("lanes", "factor", "momentum"), [(1, 1, 0), (2, 2**0.5, 0), (4, 2, 0.5), (16, 3, 0.5)])
def test_the_settings_that_are_chosen(lanes: int, factor: float, momentum: float) -> None:
    recipe = Recipe(64, 10, 0.1, optimizer("adam"), schedule("constant"))
    chosen = LaneOptions().settings(network().model, recipe, lanes, 100)
    assert chosen == LaneSettings(lanes, 25, factor, 1.0, momentum)
    limited = LaneOptions(lanes, 7, 5.0, 2.0, 0.25).settings(network().model, recipe, lanes, 100)
    assert limited == LaneSettings(lanes, 7, 5.0, 2.0, 0.25)
    assert LaneOptions().settings(network().model, recipe._replace(max_norm=1.0), lanes, 100).outer_momentum == 0


def test_a_round_is_so_long_that_communication_takes_a_tenth_of_it() -> None:
    size = StateSize(2_000_000, 3, 4)
    steps = steps_per_round(size, 64, 8, 1000)
    computed, sent = steps * step_seconds(size, 64), communication_seconds(size, 8)
    assert 0.05 < sent / (sent + computed) <= 0.1
    assert [steps_per_round(size, 64, 8, steps * part // 8) for part in (9, 7, 5)] == [
        steps * part // 8 for part in (9, 7, 5)
    ]
    assert steps_per_round(StateSize(100, 3, 4), 64, 8, 1000) == 250  # of an epoch that is much too short


def test_the_times_of_rounds_say_what_communication_takes() -> None:
    times = RoundTimes()
    times.add(100.0, 1.0, 8, 2)  # compiles the engine
    assert times.share is None and times.warning(1000) == ""
    times.add(6.0, 8.0, 8, 3)  # 3 lanes of 1 s on the busiest thread
    assert times.share == 0.5
    assert times.warning(10) == ""
    times.add(6.0, 8.0, 8, 8)
    assert times.share == pytest.approx(8 / 12) and times.warning(1000) == ""
    slow = RoundTimes()
    for seconds in (9.0, 4.0):
        slow.add(seconds, 1.0, 1, 1)
    assert "about 100 s for all epochs, instead of 400 s, of which 75% are communication;" in slow.warning(100)


def test_neighbouring_lanes_have_one_worker_which_another_replaces() -> None:
    placement = LanePlacement(None)
    assert placement.worker(0, 8) is None
    placement.take({"a": 2, "b": 1})
    assert [placement.worker(lane, 8) for lane in range(8)] == ["a"] * 6 + ["b"] * 2
    placement.take({"b": 1, "c": 2})
    assert [placement.worker(lane, 8) for lane in range(8)] == ["c"] * 6 + ["b"] * 2
    placement.take({"c": 2, "b": 1, "d": 1})
    assert [placement.worker(lane, 4) for lane in range(4)] == ["c", "c", "b", "d"]
    placement.take({"d": 1})
    assert placement.worker(0, 4) is None


def test_each_worker_that_has_the_state_sends_it_on() -> None:
    senders = [sender(worker) for worker in range(1, 12)]
    assert senders == [0, 0, 1, 0, 1, 2, 3, 0, 1, 2, 3]


def test_lanes_draw_other_dropout_masks() -> None:
    assert lane_seed(7, 0) == 7
    assert len({lane_seed(seed, lane) for seed in range(3) for lane in range(50)}) == 150

"""Lanes on a cluster of Dask: the same bits on every cluster, what it opens, and what it says of what goes wrong."""

import json
import os
import re
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import dask.dataframe
import numpy as np
import pytest

from glassnet import MLPClassifier, load
from glassnet.errors import ClusterError, DataError, ParameterError
from glassnet.scale import DaskMLPClassifier, DaskMLPRegressor, fit, worker_tasks
from glassnet.scale.cluster_watch import ClusterWatch
from tests.faces.dask_cluster import (
    alarm,
    cluster,
    digest,
    isolated,
    network,
    reviving_cluster,
    samples,
    trained,
    worker_processes,
)

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer"),
    pytest.mark.filterwarnings("ignore:one process would be faster"),
]


@pytest.fixture(autouse=True)
def no_hang():
    with alarm():
        yield


@pytest.fixture(scope="module")
def expected():
    """The parameters of the same lanes in this process."""
    return trained(False)[0]


@pytest.fixture(scope="module")
def own():
    with reviving_cluster(2) as started:
        yield started


@pytest.fixture(scope="module")
def client(own):
    return own.client


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_give_the_bits_of_one_process(expected, workers):
    with cluster(workers, processes=False) as threads:
        assert trained(threads)[0] == expected


def test_processes_give_the_bits_of_one_process(expected, client):
    assert trained(client)[0] == expected
    assert trained(client, steps_per_round=7)[0] == trained(False, steps_per_round=7)[0] != expected


def arrivals(dask_worker):
    """What has come to a worker from others: (name of the result, sender)."""
    log = list(dask_worker.transfer_incoming_log)
    return [(str(key), transfer["who"]) for transfer in log for key in transfer["keys"]]


def test_the_lanes_of_a_worker_send_one_mean_and_each_worker_passes_the_state_on(expected):
    with dask.config.set({"distributed.scheduler.work-stealing": False}), cluster(4, processes=False) as threads:
        assert trained(threads, lanes=8)[0] == expected
        sent = [arrival for log in threads.run(arrivals).values() for arrival in log]
    assert not [name for name, _ in sent if name.startswith("lane")]
    assert [name for name, _ in sent if name.startswith("a mean of lanes")]
    assert len({who for name, who in sent if name.startswith("the state of a round")}) > 1


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_processes_gives_these_bits(expected, workers):
    with cluster(workers) as processes:
        assert trained(processes)[0] == expected


def test_fits_at_once_on_one_cluster_end_as_alone(client):
    epochs = [1, 2, 3, 1, 2]
    alone = {count: trained(False, epochs=count)[0] for count in set(epochs)}
    with ThreadPoolExecutor(5) as pool:
        results = list(pool.map(lambda count: trained(client, epochs=count)[0], epochs))
    assert results == [alone[count] for count in epochs]


def test_a_run_goes_on_from_its_checkpoint_with_and_without_dask(client, expected, tmp_path):
    for first, then in [(client, False), (False, client)]:
        path = tmp_path / f"run{then is False}"

        def interrupted(report):
            return report.epoch == 2

        trained(first, checkpoint=path, callbacks=[interrupted])
        assert trained(then, checkpoint=path, resume=True)[0] == expected


def test_validation_is_computed_where_the_blocks_are(client):
    x, y = samples()
    options = {"validation": 0.2, "patience": 1, "epochs": 4}
    here, there = (trained(where, x, y, **options)[1] for where in (False, client))
    assert [report.validation_cost for report in here] == [report.validation_cost for report in there]
    here, there = (trained(where, x, y, validation=(x[:300], y[:300]))[1] for where in (False, client))
    assert [report.accuracy for report in here] == [report.accuracy for report in there]


# Estimators and collections -----------------------------------------------------------------------------------------


def test_estimators_train_and_predict_on_collections(client):
    import dask.array as da

    x, y = samples()
    words = np.array(["a", "b", "c"])[y]
    options = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 1, "batch_size": 20, "lanes": 4}
    lazy_x, lazy_y = da.from_array(x, chunks=(300, 4)), da.from_array(words, chunks=500)
    model = DaskMLPClassifier(client=client, **options).fit(lazy_x, lazy_y)
    same = DaskMLPClassifier(client=False, **options).fit(lazy_x, lazy_y)
    assert digest(model._network) == digest(same._network)
    local = model.to_local()
    assert type(local) is MLPClassifier
    np.testing.assert_array_equal(model.predict(lazy_x).compute(), local.predict(x))
    np.testing.assert_array_equal(model.predict_proba(lazy_x).compute(), local.predict_proba(x))
    assert model.score(lazy_x, lazy_y).compute() == local.score(x, words)
    regressor = DaskMLPRegressor(client=client, **options).fit(lazy_x, lazy_x[:, :2])
    assert regressor.predict(lazy_x).compute().shape == (len(x), 2)
    assert regressor.score(lazy_x, lazy_x[:, :2]).compute() == pytest.approx(regressor.score(x, x[:, :2]), abs=1e-6)


def test_raw_columns_are_prepared_on_the_workers(client, tmp_path):
    import dask.dataframe as dd
    import pandas as pd

    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.normal(size=200), "t": rng.choice(["u", "v"], 200)})
    frame["y"] = np.where(frame["t"] == "u", "yes", "no")
    frame.loc[3, "a"] = np.nan
    blocks, options = dd.from_pandas(frame, npartitions=4), {"max_iter": 5, "random_state": 1, "batch_size": 10}
    model = DaskMLPClassifier((8,), client=client, lanes=4, learning_rate_init=0.02, **options)
    model.fit(blocks[["a", "t"]], blocks["y"])
    assert model.preparation_.features == ["a", "a is missing", "t = u", "t = v"]
    assert model.score(blocks[["a", "t"]], blocks["y"]).compute() > 0.9
    assert model.predict(blocks[["a", "t"]]).compute().index.equals(frame.index)
    np.testing.assert_array_equal(model.to_local().predict(frame[["a", "t"]]), model.predict(frame[["a", "t"]]))
    model.predict(blocks[["a", "t"]]).to_frame("y").to_parquet(tmp_path / "predictions")
    assert list(pd.read_parquet(tmp_path / "predictions")["y"]) == model.predict(frame[["a", "t"]]).tolist()
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(frame), model.predict(frame[["a", "t"]]))


def test_the_first_code_of_the_page_runs(client, tmp_path, monkeypatch):
    """With files of this machine in place of those of S3, and this cluster in place of the page's."""
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
    code = re.findall("```python\n(.*?)```", page, re.DOTALL)[0]
    code = code.replace("s3://bucket", f"file://{tmp_path}").replace("scheduler:8786", client.scheduler.address)
    x, y = samples(400)
    frame = pd.DataFrame(x, columns=list("abcdef")).assign(label=np.array(["u", "v", "w"])[y])
    (tmp_path / "train").mkdir()
    for number in range(4):
        frame[number::4].to_parquet(tmp_path / "train" / f"part.{number}.parquet")
    names = {"new_table": dask.dataframe.from_pandas(frame[list("abcdef")], npartitions=2)}
    exec(code, names)
    names["client"].close()
    predicted = pd.read_parquet(tmp_path / "predictions")["label"].tolist()
    assert predicted == load(tmp_path / "model.safetensors").predict(frame[list("abcdef")]).tolist()
    assert (tmp_path / "run.checkpoint").exists()


def test_model_selection_runs_on_the_cluster(client):
    import joblib
    from sklearn.model_selection import GridSearchCV

    x, y = samples(300)
    model = MLPClassifier((8,), max_iter=3, random_state=1)
    search = GridSearchCV(model, {"alpha": [1e-4, 1e-1]}, cv=2)
    alone = search.fit(x, y).cv_results_["mean_test_score"]
    with joblib.parallel_config("dask", client=client):
        search.fit(x, y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], alone)


# Blocks that cannot be used -----------------------------------------------------------------------------------------


def test_bad_blocks_are_named_on_a_cluster_too(client):
    from dask import delayed

    x, y = samples()
    bad = x[:50].copy()
    bad[7, 1] = np.nan
    with pytest.raises(DataError, match=r"block 2: x is NaN in row 7, column 1"):
        fit(network(), [(x, y), (x, y), (bad, y[:50])], client=client)

    def missing(number):
        if number == 1:
            raise FileNotFoundError("part-1.npy")
        return x, y

    with pytest.raises(ClusterError, match=r"block 1: FileNotFoundError: part-1\.npy"):
        fit(network(), [delayed(missing)(number) for number in range(3)], client=client)
    assert trained(client)[0] == trained(False)[0]  # the cluster is as it was


def test_a_thousand_tiny_blocks_and_empty_ones_train(client):
    x, y = samples(1000)
    blocks = [(x[n : n + 1], y[n : n + 1]) for n in range(1000)] + [(x[:0], y[:0])]
    assert trained(client, blocks, None, epochs=1)[0] == trained(False, blocks, None, epochs=1)[0]


# What a cluster opens, and whom it trusts -----------------------------------------------------------------------------

SOCKETS = """
import json, warnings
import psutil
from tests.faces.dask_cluster import trained
def addresses(report):
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    found = {end.ip for process in processes for socket in process.net_connections("inet")
             for end in (socket.laddr, socket.raddr) if end}
    print(json.dumps([len(processes), sorted(found)]))
if __name__ == "__main__":
    warnings.simplefilter("ignore")
    trained(None, epochs=1, callbacks=[addresses])
"""


def test_every_socket_of_the_default_way_is_on_this_machine():
    processes, addresses = json.loads(isolated(SOCKETS))
    assert processes > 1
    assert addresses == ["127.0.0.1"]


def test_workers_that_would_give_other_bits_are_refused(client, monkeypatch):
    other = worker_tasks.worker_facts()._replace(version="0.0.9", fma=not worker_tasks.worker_facts().fma)
    monkeypatch.setattr("glassnet.scale.dask.worker_facts", lambda: other)
    sentence = r"the worker tcp://127.0.0.1:\d+ has glassnet .* and fused multiply-add .*pass same_bits=False"
    with pytest.raises(ParameterError, match=sentence):
        trained(client)
    assert trained(client, same_bits=False)[0] == trained(False)[0]


def test_a_small_network_is_told_that_one_process_is_faster(client, monkeypatch):
    monkeypatch.setattr("glassnet.scale.round_times.MIN_SECONDS", 0.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = trained(client, steps_per_round=1, epochs=2)[1]
    assert 0 < history.communication < 1
    sentences = [str(warning.message) for warning in caught if "one process" in str(warning.message)]
    assert len(sentences) == 1
    assert re.search(r"about [\d,]+ s for all epochs, instead of [\d,]+ s", sentences[0])


def test_the_script_that_starts_workers_needs_a_main_guard():
    from tests.faces.dask_cluster import isolated

    script = "import multiprocessing; multiprocessing.current_process()._inheriting = True\n"
    script += "from glassnet.scale.own_cluster import OwnCluster\ntry: OwnCluster()\nexcept ValueError as e: print(e)"
    assert "if __name__ == '__main__':" in isolated(script)


# Faults -------------------------------------------------------------------------------------------------------------


def strike(number, delay, process):
    """Send a signal to a process after some time."""

    def act():
        time.sleep(delay)
        if process.is_running():
            os.kill(process.pid, number)

    threading.Thread(target=act, daemon=True).start()


def long_run(where, **options):
    x, y = samples(8000)
    return trained(where, x, y, epochs=3, steps_per_round=10, **options)[0]


def test_a_worker_that_is_killed_costs_no_bit():
    with reviving_cluster(2) as own:
        trained(own.client, epochs=1)
        strike(signal.SIGKILL, 0.7, worker_processes()[0])
        assert long_run(own.client) == long_run(False)


def test_a_worker_that_freezes_is_restarted():
    with reviving_cluster(2) as own:
        trained(own.client, epochs=1)
        strike(signal.SIGSTOP, 0.7, worker_processes()[0])
        assert long_run(own.client, timeout=4) == long_run(False)


def test_a_worker_that_computes_is_not_idle(client):
    """Or a long task would be taken for a stalled cluster, and sent again."""
    watch, future = ClusterWatch(client, 60.0), client.submit(time.sleep, 6, pure=False)
    while not future.done():
        watch.check()
        time.sleep(0.2)
    assert watch.idle_seconds < 4


def deadly(x, y):
    """A block that ends the process that reads it."""
    os._exit(1)


def test_a_block_that_kills_every_worker_is_named():
    from dask import delayed

    x, y = samples()
    with reviving_cluster(2) as own, pytest.raises(ClusterError) as caught:
        fit(network(), [(x, y), delayed(deadly)(x, y)], client=own.client, timeout=10)
    assert re.search(r"block 1 was given up after \d+ workers died over it, the last of them tcp://", str(caught.value))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "times"), [(signal.SIGKILL, 20), (signal.SIGSTOP, 6)])
def test_random_workers_that_die_or_freeze_cost_no_bit(number, times):
    rng, expected = np.random.default_rng(1), long_run(False)
    with reviving_cluster(2) as own:
        trained(own.client, epochs=1)
        for _ in range(times):
            started = time.monotonic()
            with alarm(240):
                workers = worker_processes()
                if workers:
                    strike(number, rng.uniform(0, 3), workers[rng.integers(len(workers))])
                assert long_run(own.client, timeout=5) == expected
            print(f"{time.monotonic() - started:.1f} s")

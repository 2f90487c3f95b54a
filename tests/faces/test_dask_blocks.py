"""What people pass to `glassnet.scale.fit`: every kind of blocks, and sentences about those that cannot be used."""

import hashlib

import fsspec
import numpy as np
import pandas as pd
import pytest

from glassnet import MLPClassifier, MLPRegressor, NeuralNetwork
from glassnet.data.streamed_table import streamed_table
from glassnet.errors import DataError, ParameterError, ParameterTypeError
from glassnet.scale import estimator_fit, fit
from glassnet.scale.pieces import dealt

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # two epochs do not suffice
ROWS = 240
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 4)).astype(np.float32)
Y = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")


def classifier(**options):
    return MLPClassifier((8,), max_iter=2, random_state=1, batch_size=8, n_iter_no_change=99, **options)


def bits(model):
    return hashlib.sha256(model._network.parameters.vector.tobytes()).hexdigest()


def fitted(x, y=None, **options):
    return fit(classifier(), x, y, client=False, **options)


@pytest.fixture
def frame():
    table = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "t": RNG.choice(["u", "v", "w"], ROWS)})
    table["d"] = pd.date_range("2020-01-01", periods=ROWS)
    table["y"] = Y
    table.loc[5, "a"] = np.nan
    return table


def pairs(size=60):
    return [(X[n : n + size], Y[n : n + size]) for n in range(0, ROWS, size)]


def lazy_pairs(size=60):
    from dask import delayed

    return [delayed(lambda block: block)(pair) for pair in pairs(size)]


def dask_arrays(x_chunks, y_chunks):
    import dask.array as da

    return da.from_array(X, chunks=x_chunks), da.from_array(Y, chunks=y_chunks)


def test_all_kinds_of_the_same_blocks_give_the_same_bits():
    import dask.dataframe as dd

    numbers = pd.DataFrame(X, columns=list("abcd"))
    x, y = dd.from_pandas(numbers, npartitions=4), dd.from_pandas(pd.Series(Y, name="y"), npartitions=4)
    kinds = [(pairs(),), (lazy_pairs(),), dask_arrays((60, 3), 60), dask_arrays((60, 4), 80), (x, y)]
    assert len({bits(fitted(*kind)) for kind in kinds}) == 1
    assert list(fitted(x, y).feature_names_in_) == list("abcd")


def test_the_labels_of_all_blocks_are_the_classes():
    order = np.argsort(Y)  # each block of few has a single class
    x, y = X[order], Y[order]
    model = fitted([(x[n : n + 40], y[n : n + 40]) for n in range(0, ROWS, 40)])
    assert list(model.classes_) == ["no", "yes"]


def test_the_order_of_the_samples_is_drawn_from_the_seed_of_an_estimator(monkeypatch):
    keys, inner = [], estimator_fit.lane_training

    def recorded(*arguments):
        keys.append(arguments[-1])
        return inner(*arguments)

    monkeypatch.setattr(estimator_fit, "lane_training", recorded)
    for seed in (1, 1, 2):
        fit(classifier().set_params(random_state=seed), pairs(), client=False)
    assert keys[0] == keys[1] != keys[2]


def test_a_network_and_a_regressor_take_them_too():
    network = NeuralNetwork([4, 3, 1], ["tanh", "linear"], seed=1)
    history = fit(network, X, X[:, 0], client=False, epochs=3, lr=0.05, batch_size=8, verbose=0)
    assert history["cost"][-1] < history["cost"][0]
    model = fit(MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=1), X, X[:, :2], client=False)
    assert model.predict(X).shape == (ROWS, 2)


def test_raw_columns_are_read_as_those_of_a_file(frame, tmp_path):
    import dask.dataframe as dd

    frame.to_parquet(tmp_path / "one.parquet")
    from_file = streamed_table(tmp_path / "one.parquet", "y", standardise=False).preparation
    blocks = dd.from_pandas(frame, npartitions=3)
    model = fitted(blocks, "y")
    assert model.preparation_.features == from_file.features
    assert str(fitted(blocks[["a", "b", "t", "d"]], blocks["y"]).preparation_.to_json()) == str(
        model.preparation_.to_json()
    )
    for ours, theirs in zip(model.preparation_.columns, from_file.columns, strict=True):
        assert ours.reading == theirs.reading
        for name, value in vars(theirs.encoding).items():
            other = getattr(ours.encoding, name)
            assert other == pytest.approx(value) if isinstance(value, float) else other == value


def test_parquet_folders_are_read_by_path_and_by_url(frame, tmp_path):
    for number in range(3):
        frame[number * 80 : number * 80 + 80].to_parquet(tmp_path / f"part{number}.parquet")
    by_path = fitted(str(tmp_path), "y")
    assert bits(by_path) == bits(fitted(f"file://{tmp_path}", "y"))
    assert by_path.preparation_.width == 16
    network = NeuralNetwork([16, 4, 2], ["relu", "softmax"], cost="categorical_cross_entropy", seed=1)
    fit(network, str(tmp_path), "y", client=False, epochs=1, verbose=0)
    assert network.target.classes == ["no", "yes"]


def test_any_url_of_fsspec_is_read(frame, tmp_path):
    frame.to_parquet(tmp_path / "part.parquet")
    memory = fsspec.filesystem("memory")
    memory.pipe("/lanes/train/part.parquet", (tmp_path / "part.parquet").read_bytes())
    memory.pipe("/lanes/notes/readme.txt", b"no table")
    try:
        expected = bits(fitted(str(tmp_path), "y"))
        assert expected == bits(fitted("memory://lanes/train", "y"))
        assert expected == bits(fitted("memory://lanes/train/part.parquet", "y"))
        for url, sentence in (("other", "there is no file or folder"), ("notes", "has no file that ends in .parquet")):
            with pytest.raises(DataError, match=sentence):
                fitted(f"memory://lanes/{url}", "y")
    finally:
        memory.rm("/lanes", recursive=True)


@pytest.mark.parametrize(
    ("failure", "kind", "sentence"),
    [
        (ImportError("Install s3fs to access S3"), ParameterError, "needs a library .*: Install s3fs to access S3\\.$"),
        (ValueError("Protocol not known: s3"), ParameterError, "cannot be opened: Protocol not known: s3\\.$"),
    ],
)
def test_a_url_that_cannot_be_opened_is_named(monkeypatch, failure, kind, sentence):
    def fails(url):
        raise failure

    monkeypatch.setattr("fsspec.core.url_to_fs", fails)
    with pytest.raises(kind, match=f"^s3://bucket/train {sentence}"):
        fitted("s3://bucket/train", "y")


def test_a_url_that_cannot_be_listed_is_named(monkeypatch):
    def fails(system, path):
        raise RuntimeError("Unable to locate credentials\nand more")

    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "isdir", fails)
    with pytest.raises(DataError, match=r"^memory://lanes cannot be listed \(Unable to locate credentials\)\.$"):
        fitted("memory://lanes", "y")


def test_parquet_files_of_other_columns_are_named(frame, tmp_path):
    frame.to_parquet(tmp_path / "a.parquet")
    frame.drop(columns="t").to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet has other columns than .*a\.parquet \(t\)"):
        fitted(str(tmp_path), "y")


def test_a_folder_without_parquet_files_is_named(tmp_path):
    with pytest.raises(DataError, match=r"has no file that ends in \.parquet"):
        fitted(str(tmp_path), "y")


def test_empty_blocks_are_left_out_and_tiny_ones_joined():
    empty = (X[:0], Y[:0])
    first, *others = pairs()
    assert bits(fitted([empty, first, empty, *others])) == bits(fitted(pairs()))
    model = fitted([(X[n : n + 1], Y[n : n + 1]) for n in range(ROWS)])
    assert any("240 small blocks joined into" in note for note in model._network.history.warnings)


@pytest.mark.parametrize(
    ("blocks", "sentence"),
    [
        ([*pairs(), (np.full((3, 4), np.nan), Y[:3])], r"block 4: x is NaN in row 0, column 0 \(12 such entries"),
        ([*pairs(), (X[:9, :3], Y[:9])], r"block 4: x has shape \(9, 3\), but this network has 4 inputs"),
        ([*pairs(), (X[:9], Y[:8])], r"block 4: it has 9 rows of x, but y has shape \(8,\)"),
        ([(X[:0], Y[:0])], "no block has a row"),
        ([(X, Y), 3], "block 1 is of type int; it must be a pair"),
    ],
)
def test_blocks_that_cannot_be_used_are_named(blocks, sentence):
    with pytest.raises((DataError, ParameterTypeError), match=sentence):
        fitted(blocks)


def test_blocks_of_a_network_are_named():
    network = NeuralNetwork([4, 3, 1], seed=1)
    before = network.parameters.vector.copy()
    bad = X[:9].copy()
    bad[7, 2] = np.inf
    with pytest.raises(DataError, match=r"block 1: x is infinite in row 7, column 2"):
        fit(network, [(X, X[:, 0]), (bad, bad[:, 0])], client=False)
    with pytest.raises(DataError, match=r"block 1: x has shape \(9, 3\), but this network has 4 inputs"):
        fit(network, [(X, X[:, 0]), (X[:9, :3], X[:9, 0])], client=False)
    np.testing.assert_array_equal(network.parameters.vector, before)


def test_collections_that_are_divided_differently_are_named(frame):
    import dask.array as da
    import dask.dataframe as dd

    blocks = dd.from_pandas(frame, npartitions=3)
    other = blocks.repartition(divisions=[0, 100, ROWS - 1])
    with pytest.raises(DataError, match=r"divisions of x are .* those of y are .*y\.repartition"):
        fitted(blocks[["a"]], other["y"])
    with pytest.raises(DataError, match="y has 100 rows, but x has 240"):
        fitted(da.from_array(X, chunks=60), da.from_array(Y[:100], chunks=50))
    with pytest.raises(DataError, match=r"no column 'z'\. Columns: a, b, t, d, y"):
        fitted(blocks, "z")
    with pytest.raises(ParameterTypeError, match="y is of type ndarray; it must be a collection of Dask"):
        fitted(da.from_array(X, chunks=60), Y)


def test_columns_that_differ_between_blocks_are_named_or_put_in_order(frame):
    parts = [frame[:120], frame[120:]]
    swapped = [parts[0], parts[1][["y", "d", "t", "b", "a"]]]
    assert bits(fitted(swapped, "y")) == bits(fitted(parts, "y"))
    with pytest.raises(DataError, match=r"block 1: it has other columns than the first block \(t\)"):
        fitted([parts[0], parts[1].drop(columns="t")], "y")
    other = parts[1].assign(a="word")
    with pytest.raises(DataError, match="column 'a' holds float in one part and text in another"):
        fitted([parts[0], other], "y")


def test_clients_of_other_libraries_are_refused():
    with pytest.raises(ParameterTypeError, match="client is of type str; pass a Client of Dask, None or False"):
        fit(classifier(), X, Y, client="localhost:8786")
    with pytest.raises(ParameterError, match="sample_weight is for arrays"):
        fit(classifier(), pairs(), sample_weight=np.ones(ROWS), client=False)


@pytest.mark.parametrize("lanes", [1, 3, 8])
@pytest.mark.parametrize("sizes", [[100] * 9, [1000], [3] * 1000, [0, 50, 60, 0], [5], [10**6] * 40, [1, 9999]])
def test_dealt_blocks_have_every_row_once_and_lanes_even_shares(sizes, lanes):
    pieces = dealt(sizes, lanes, 20, row_bytes=80)
    seen = [row for block in pieces.blocks for piece in block for row in (piece.block, piece.first, piece.last)]
    assert seen == [part for number, size in enumerate(sizes) for part in flat(pieces, number, size)]
    rows = [sum(pieces.sizes[lane :: pieces.lanes]) for lane in range(pieces.lanes)]
    assert min(pieces.sizes) > 0
    assert max(rows) * pieces.lanes <= 1.2 * sum(sizes) + len(pieces.blocks)
    assert pieces.lanes == min(lanes, max(1, sum(sizes) // 20))


def flat(pieces, number, size):
    """The pieces of one block, which must follow each other from its first row to its last."""
    own = [piece for block in pieces.blocks for piece in block if piece.block == number]
    ends = [0, *(piece.last for piece in own)]
    assert [piece.first for piece in own] == ends[:-1]
    assert ends[-1] == size
    return [part for piece in own for part in piece]


def test_columns_of_one_parquet_folder_stay_divided_alike(frame, tmp_path):
    import dask.dataframe as dd

    for number in range(4):
        frame[number * 60 : (number + 1) * 60].to_parquet(tmp_path / f"{number}.parquet")
    table = dd.read_parquet(tmp_path)
    assert len(table["y"].to_delayed()) < table.npartitions  # Dask joins them
    whole, bits_of = dd.from_pandas(frame, npartitions=4), []
    for each in (table, whole):
        bits_of.append(bits(fit(classifier(), each.drop(columns="y"), each["y"], client=False, lanes=4)))
    assert bits_of[0] == bits_of[1]

"""Links of the page: they survive writing and reading, say what they cannot use, and repeat the very run in Python."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet
from glassnet.play.code import program
from glassnet.play.link import read_link, write_link
from glassnet.play.opening import open_link
from glassnet.play.own_data import OwnData
from glassnet.play.setup import OWN_DATA, RANGES, TASKS, WHOLE, Change, Setup
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS
from glassnet.tables.optimizers import OPTIMIZERS

LINKS = [
    "#v=1&data=moons&t=70",
    "#v=1&data=circles&opt=momentum&batch=7&l1=0.001&l2=0.01&t=53",
    "#v=1&data=xor&n=4&noise=0&test=0&shape=2-2-1&act=sigmoid-sigmoid&w=.5,-.4,3,1,.1,2,.8,-1.2,.2&t=10",
    "#v=1&data=spirals&t=65",
    "#v=1&data=clusters&init=normal:1&t=41",
    "#v=1&data=one&t=5",
    "#v=1&data=plane&cost=huber&t=40",
    "#v=1&data=curve&init=normal:2&t=33",
    "#v=1&data=digits&n=200&t=20",
    "#v=1&data=moons&cost=categorical_cross_entropy&shape=2-5-2&t=12",
    "#v=1&data=moons&cost=quadratic&shape=2-5-2&act=relu-sigmoid&t=12",
    "#v=1&data=moons&engine=numpy&t=9",
]


def numbers(key: str) -> st.SearchStrategy[Any]:
    allowed = RANGES[key]
    if key in WHOLE:
        return st.integers(int(allowed.low), int(allowed.high))
    return st.floats(allowed.low, allowed.high)


def setups() -> st.SearchStrategy[Setup]:
    change = st.builds(
        Change,
        st.integers(0, 9),
        st.fixed_dictionaries(
            {"lr": numbers("lr")}, optional={"opt": st.sampled_from(list(OPTIMIZERS)), "l2": numbers("l2")}
        ),
    )
    ordered = st.lists(change, max_size=3).map(lambda changes: tuple(sorted(changes, key=lambda each: each.t)))
    return st.builds(
        Setup,
        data=st.sampled_from(["moons", "digits", "csv", "points"]),
        **{key: numbers(key) for key in RANGES},
        shape=st.lists(st.integers(1, 50), min_size=2, max_size=6).map(tuple),
        act=st.lists(st.sampled_from(list(ACTIVATIONS)), min_size=1, max_size=5).map(tuple),
        cost=st.sampled_from(list(COSTS)),
        opt=st.sampled_from(list(OPTIMIZERS)),
        init=st.sampled_from(["auto", "he", "normal:2"]),
        target=st.text(max_size=30),
        file=st.sampled_from(["", "0123456789abcdef" * 4]),
        task=st.sampled_from(TASKS),
        w=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=5).map(tuple),
        engine=st.sampled_from(["compiled", "numpy"]),
        then=ordered,
    )


@given(setups())
def test_a_link_says_all_of_a_setup(setup: Setup) -> None:
    link = read_link(write_link(setup))
    assert link.notes == []
    drawn = Setup() if setup.data in OWN_DATA else setup  # samples of one's own are not drawn
    assert Setup()._replace(**link.values) == setup._replace(n=drawn.n, noise=drawn.noise)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/?token=x#v=1&data=xor&t=4", "v=1&data=xor&t=4", "#v=1&data=xor&t=4"]
)
def test_a_link_may_be_a_whole_address(address: str) -> None:
    link = read_link(address)
    assert (link.values, link.t, link.notes) == ({"data": "xor"}, 4, [])


@pytest.mark.parametrize(
    ("link", "values", "words"),
    [
        ("#v=1&bogus=1", {}, "'bogus' is no setting and is ignored"),
        ("#v=9&lr=0.1", {"lr": 0.1}, "version '9'"),
        ("#v=1&lr=1e9", {"lr": 1000.0}, "1,000 is used"),
        ("#v=1&lr=nan", {}, "finite"),
        ("#v=1&lr=abc", {}, "must be a number"),
        ("#v=1&n=2.5", {}, "whole number"),
        ("#v=1&n=-4", {"n": 1}, "1 is used"),
        ("#v=1&shape=2", {}, "shape is '2'"),
        ("#v=1&shape=2-0-1", {}, "widths from 1"),
        ("#v=1&shape=2-a-1", {}, "such as 2-8-8-1"),
        ("#v=1&shape=1000-1024-1", {}, "at most 1,000,000"),
        ("#v=1&act=tanhh", {}, "tanh"),
        ("#v=1&opt=sdg", {}, "sgd"),
        ("#v=1&cost=&data=mons", {}, "moons"),
        ("#v=1&file=../etc/passwd", {}, "64 hexadecimal digits"),
        ("#v=1&w=1,x", {}, "must be numbers"),
        ("#v=1&w=1,inf", {}, "finite"),
        ("#v=1&t=-1", {}, "step from 0"),
        ("#v=1&then=5", {"then": ()}, "200:lr=0.5"),
        ("#v=1&then=5:seed=2", {"then": ()}, "'seed' cannot change during a run"),
        ("#v=1&then=5:lr=x", {"then": ()}, "must be a number"),
        ("#v=1&then=9:lr=1;5:lr=2", {"then": (Change(9, {"lr": 1.0}),)}, "no change of settings after a step"),
        ("#v=1&init=normal:x", {}, "init"),
        ("#v=1&engine=gpu", {}, "numpy"),
    ],
)
def test_what_a_link_says_wrong_is_listed(link: str, values: dict[str, Any], words: str) -> None:
    read = read_link(link)
    assert read.values == values
    assert any(words in note for note in read.notes), read.notes


@pytest.mark.parametrize("link", ["", "#", "hello", None, 3, "#" + "v=1&" * 6000])
def test_what_is_no_link_is_refused(link: Any) -> None:
    with pytest.raises(glassnet.ParameterError, match="link"):
        read_link(link)


@pytest.mark.parametrize("link", LINKS)
def test_a_link_repeats_the_run_of_train(link: str) -> None:
    """The same bits as NeuralNetwork(...).train(...), by the code that the page shows."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = glassnet.from_link(link)
    run.train(epochs=2)
    code = program(run._run).code
    assert "from_link" not in code
    names: dict[str, Any] = {}
    exec(code.replace("print(history)", ""), names)
    network = names["network"]
    run.go(network.history[-1].step)
    assert np.array_equal(network.parameters.vector, run.network.parameters.vector)
    assert network.engine == run.network.engine
    started = glassnet.from_link(link).network
    assert not np.array_equal(started.parameters.vector, network.parameters.vector)


@pytest.mark.parametrize(
    "link", [*LINKS, "#v=1&data=moons&then=20:lr=0.5,opt=adam;31:act=relu-relu-sigmoid,batch=20&t=60"]
)
def test_train_goes_to_the_step_of_the_link_with_the_same_hash(link: str) -> None:
    run, again = glassnet.from_link(link), glassnet.from_link(link)
    run.train()
    assert run.step == run.target_step > 0
    again.train(steps=run.step - 2)
    assert again.hash != run.hash
    again.train(steps=2)
    assert again.hash == run.hash
    run.go(3)
    run.go(run.target_step)
    assert run.hash == again.hash


def test_changes_change_the_run() -> None:
    plain, changed = (glassnet.from_link(f"#v=1&data=moons{then}") for then in ("", "&then=20:lr=0.5"))
    plain.train(steps=20)
    changed.train(steps=20)
    assert np.array_equal(plain.network.parameters.vector, changed.network.parameters.vector)
    plain.train(steps=1)
    changed.train(steps=1)
    assert not np.array_equal(plain.network.parameters.vector, changed.network.parameters.vector)


def test_a_linked_run_has_its_data() -> None:
    run = glassnet.from_link("#v=1&data=clusters&n=50&test=0.2")
    assert run.x.shape == (2, 40)
    assert run.y.shape == (40,)
    assert run.validation is not None
    assert run.validation[0].shape == (2, 10)
    assert run.train(epochs=2)[-1].epoch == 2
    assert run.setup["n"] == 50
    assert "clusters" in repr(run)
    with pytest.raises(glassnet.ParameterError, match="not both"):
        run.train(3, epochs=3)


def test_what_a_link_cannot_use_is_a_warning_and_a_note() -> None:
    with pytest.warns(RuntimeWarning, match="bogus"):
        run = glassnet.from_link("#v=1&data=moons&bogus=1&shape=3-4-2")
    assert any("bogus" in note for note in run.notes)
    assert any("shape is 2-4-1" in note for note in run.notes)


def test_settings_that_do_not_suit_the_data_are_changed_with_a_note() -> None:
    run, _ = open_link("#v=1&data=clusters&cost=huber&act=tanh-tanh", OwnData(), waits=True)
    assert (run.setup.cost, run.setup.act, run.setup.shape) == (
        "categorical_cross_entropy",
        ("tanh", "softmax"),
        (2, 8, 3),
    )
    assert [note.split()[0] for note in run.notes] == ["cost", "act"]


def test_start_weights_must_be_as_many_as_the_network_has() -> None:
    with pytest.raises(glassnet.ParameterError, match=r"w has 2 numbers; this network has 9"):
        open_link("#v=1&data=one&w=1,2", OwnData())

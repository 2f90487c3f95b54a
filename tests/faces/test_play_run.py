"""Time on the page: going back and forth gives the same bits, in bounded memory; changes branch; divergence is said."""

from __future__ import annotations

import itertools
import json
import random
import time
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet.frames.encoding import decoded
from glassnet.play import near_states, progress, timeline
from glassnet.play.cost_curve import cost_curve
from glassnet.play.cost_log import CostLog
from glassnet.play.divergence_notice import divergence_notice
from glassnet.play.opening import open_link
from glassnet.play.own_data import OwnData
from glassnet.play.run import Run
from glassnet.play.setup import Setup

from .play_page import session_page

MOONS = "#v=1&data=moons&opt=adam&lr=0.01"


def opened(link: str = MOONS) -> Run:
    return open_link(link, OwnData(), waits=True)[0]


def fresh_hash(link: str, t: int) -> str:
    """The hash of a run that goes straight to step t."""
    run = opened(link)
    run.training.run(steps=t) if t else None
    return run.training.hash()


def test_scrubbing_is_exact() -> None:
    run, hashes = opened(), dict[int, str]()
    order = [0, 500, 37, 500, 1, 36, 499, 0, 613, 500]
    for t in order:
        run.seek(t)
        assert run.t == t
        assert run.training.hash() == hashes.setdefault(t, run.training.hash())
    assert len(set(hashes.values())) == len(hashes)
    for t in (37, 500):
        assert hashes[t] == fresh_hash(MOONS, t)
    assert run.last == 613


def test_snapshots_are_bounded_and_what_is_between_them_is_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = opened()
    state = run.snapshot()
    monkeypatch.setattr(timeline, "MAX_BYTES", 10 * timeline.size_of(state))
    for _ in range(60):
        run.seek(run.t + 3)
        run.snapshot()
        kept = [state for branch in run.timeline.branches for state in branch.states.values()]
        assert run.timeline.bytes == sum(map(timeline.size_of, kept)) <= timeline.MAX_BYTES
        assert run.timeline.count == len(kept)
    branch = run.branch
    assert branch.times == sorted(branch.states)
    assert branch.times[0] == 0
    assert len(branch.times) >= 4
    assert max(np.diff(branch.times)) <= 2 * 180 / 9  # evenly: the old ones are not thinned more
    end = run.training.hash()
    for t in random.Random(3).sample(range(180), 12):
        run.seek(t)
        assert run.training.hash() == fresh_hash(MOONS, t)
    run.seek(180)
    assert run.training.hash() == end


def test_snapshots_are_few_and_evenly_spaced_however_long_a_run_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MAX_SNAPSHOTS", 100)
    line, rng = timeline.Timeline(Setup(), {"arrays": {}}), random.Random(0)
    first, t = line.branches[0], 0
    for _ in range(3000):
        t += rng.randint(50, 150)
        line.add(first, t, {"arrays": {}})
        assert line.count == len(first.times) <= 100
        assert max(np.diff(first.times)) < 2 * 150 + 3 * t / 100
    line.add_branch(0, t, "", Setup(), {"arrays": {}})
    monkeypatch.setattr(timeline, "MAX_SNAPSHOTS", 1)
    line.add(first, t + 1, {"arrays": {}})
    assert [branch.times for branch in line.branches] == [[0], [t]]  # where a branch begins stays


def test_a_few_steps_back_from_a_step_that_was_replayed_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    run = opened()
    run.seek(5000)
    run.seek(3003)
    states = [run.nearest(run.owner, t)["step"] for t in (3002, 3001, 2999, 2995, 2971)]
    assert states == [3002, 3001, 2999, 2995, 2971]
    assert run.nearest(run.owner, 2938)["step"] <= 2938
    done, advance = list[int](), run.training.run
    monkeypatch.setattr(run.training, "run", lambda **options: (done.append(options["steps"]), advance(**options)))
    for t in range(3002, 2970, -1):
        run.seek(t)
        done.append(t - 1 - run.nearest(run.owner, t - 1)["step"])  # for its frame, which shows the last change
    assert sum(done) < 32 * 16
    assert run.training.hash() == fresh_hash(MOONS, 2971)


def test_states_near_a_step_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_states, "MAX_STATES", 5)
    run = opened()
    for t in (100, 60, 80, 40):
        run.seek(t)
    assert len(run._near._states) == 5
    monkeypatch.setattr(near_states, "MAX_BYTES", 1)
    run.seek(33)
    assert len(run._near._states) == 2
    assert run.nearest(run.owner, 32)["step"] == 32


@pytest.mark.parametrize(
    "change",
    [{"lr": 0.5}, {"opt": "sgd"}, {"act": ("relu", "tanh", "sigmoid")}, {"batch": 7}, {"l1": 0.01}, {"l2": 0.1}],
    ids=lambda change: next(iter(change)),
)
def test_a_change_makes_a_branch_and_the_old_future_stays(change: dict[str, Any]) -> None:
    run = opened()
    run.seek(60)
    old = run.training.hash()
    run.seek(33)
    before = run.training.network.parameters.vector.copy()
    run.change(change)
    assert np.array_equal(run.training.network.parameters.vector, before)
    assert (run.t, run.branch.id, run.branch.parent, run.branch.first) == (33, 1, 0, 33)
    run.seek(60)
    new = run.training.hash()
    assert new != old
    run.seek(20)
    assert run.training.hash() == fresh_hash(MOONS, 20)
    run.seek(60)
    assert run.training.hash() == new
    run.select(0)
    assert (run.t, run.training.hash()) == (60, old)
    run.select(1)
    assert (run.t, run.training.hash()) == (60, new)


def test_another_optimiser_starts_with_states_of_0() -> None:
    run = opened()
    run.seek(10)
    assert run.training.vectors.states[0].vector.any()
    run.change({"opt": "momentum"})
    assert not run.training.vectors.states[0].vector.any()
    run.seek(11)
    run.change({"lr": 0.5})
    assert run.training.vectors.states[0].vector.any()


def test_a_replay_begins_at_the_last_snapshot() -> None:
    run = opened()
    for t in (10, 20, 30):
        run.seek(t)
        run.snapshot()
    branch = run.branch
    assert [run.timeline.nearest(branch, t)["step"] for t in (0, 9, 10, 25, 30, 99)] == [0, 0, 10, 20, 30, 30]


def test_a_link_repeats_the_changes() -> None:
    from glassnet.play.link import write_link

    run = opened()
    for t, change in ((20, {"lr": 0.05}), (35, {"opt": "sgd", "batch": 32}), (35, {"l2": 0.01})):
        run.seek(t)
        run.change(change)
    run.seek(80)
    link = write_link(run.setup)
    assert "then=20:lr=0.05;35:opt=sgd,batch=32;35:l2=0.01" in link
    again = opened(link)
    again.seek(80)
    assert again.training.hash() == run.training.hash()
    assert [branch.first for branch in again.timeline.branches] == [0, 20, 35, 35]


def test_a_branch_of_a_branch_passes_through_all_settings() -> None:
    run = opened()
    run.seek(10)
    run.change({"lr": 0.02})
    run.seek(20)
    run.change({"lr": 0.04})
    run.seek(30)
    end = run.training.hash()
    run.seek(5)
    assert run.owner.id == 0
    run.advance(100, 10.0)  # stops where the settings change
    assert (run.t, run.owner.id) == (10, 1)
    run.advance(100, 10.0)
    assert (run.t, run.owner.id) == (20, 2)
    run.advance(10, 10.0)
    assert run.training.hash() == end


def test_a_change_to_the_present_value_is_none() -> None:
    run = opened()
    run.change({"lr": 0.01})
    assert len(run.timeline.branches) == 1
    with pytest.raises(glassnet.ParameterError, match="seed cannot change during a run"):
        run.change({"seed": 3})


def test_a_run_that_diverges_stops_at_its_last_finite_step() -> None:
    run = opened("#v=1&data=curve&lr=900")
    with pytest.raises(glassnet.DivergedError) as caught:
        run.seek(1000)
    notice = divergence_notice(caught.value, run.t)
    assert 0 < run.t < 1000
    assert (notice["kind"], notice["t"]) == ("diverged", run.t)
    assert notice["quantity"] in str(caught.value)
    assert notice["quantity"].startswith(("c[", "z", "a", "δ", "dW", "W", "C"))
    assert np.isfinite(run.training.network.parameters.vector).all()
    last, end = run.t, run.training.hash()
    run.seek(2)
    run.seek(last)
    assert run.training.hash() == end
    with pytest.raises(glassnet.DivergedError):
        run.seek(last + 1)


def test_changes_behind_a_divergence_are_left_out_with_a_note() -> None:
    run = opened("#v=1&data=curve&lr=900&then=5000:lr=0.1")
    assert len(run.timeline.branches) == 1
    assert any("are left out" in note for note in run.notes)


def test_costs_are_those_of_every_step() -> None:
    run = opened()
    run.seek(50)
    run.seek(10)
    run.seek(90)
    first, end, every, costs = run.log.take()
    assert (first, end, every, len(costs)) == (0, 90, 1, 90)
    again = opened()
    for t in range(90):
        again.seek(t + 1)
        assert again.log.take().values == [costs[t]]


def test_costs_that_wait_are_bounded_and_have_no_gap() -> None:
    log, rng, costs = CostLog(5, most=16), random.Random(1), np.arange(5, 1000.0)
    step = 5
    while step < 1000:
        count = rng.choice([1, 2, 7, 31])
        log.add(step, costs[step - 5 : step - 5 + count])
        step = min(1000, step + count)
        first, end, every, values = log.part()
        assert (first, end) == (5, step)
        assert len(values) == -(-(end - first) // every) <= 17
        exact = [costs[begin : min(begin + every, end - 5)].mean() for begin in range(0, end - 5, every)]
        assert np.allclose(values, exact)
    again = CostLog()
    again.begin_with(log.part())
    for each in (log, again):
        each.add(1000, np.arange(1000, 1030.0))
    assert again.part().values.tolist() == log.part().values.tolist()
    assert log.take().every == 64
    log.add(1030, np.arange(1030, 1033.0))
    log.add(1015, np.arange(1015, 1020.0))
    log.add(1020, np.arange(1020, 1035.0))  # repeated steps are noted once
    assert log.take().values.tolist() == [1030, 1031, 1032, 1033, 1034]


@pytest.mark.parametrize("most", [1 << 15, 64])
def test_the_curve_of_a_line_of_branches_is_whole(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MAX_CURVE", most)
    link = "#v=1&data=moons&then=300:lr=0.2;420:batch=20;420:l2=0.001"
    run, again = opened(link), opened(link)
    for each in (run, again):
        each.seek(1000)
    exact = again.log.take().values
    assert len(exact) == 1000
    run.seek(300)
    run.change({"lr": 0.7})  # the line that is left stays as it was
    run.seek(2000)
    first, end, every, values = cost_curve(run.timeline, run.timeline.branches[3], 1000, 4000)
    assert (first, end) == (0, 1000)
    assert len(values) == -(-1000 // every)
    assert (every == 1) == (most > 1000)
    means = [exact[begin : begin + every].mean() for begin in range(0, 1000, every)]
    assert np.abs(values - means).max() <= (0 if every == 1 else 0.05)
    assert np.allclose(values[: 300 // every], means[: 300 // every])
    assert np.isclose(np.dot(values, np.diff([*range(0, 1000, every), 1000])), exact.sum(), rtol=0.01)
    few = cost_curve(run.timeline, run.timeline.branches[3], 1000, 30)
    assert len(few.values) <= 30
    assert few.every % every == 0


# In a session --------------------------------------------------------------------------------------------------------


def steps_of_costs(frame: Any) -> tuple[int, int]:
    """The first step whose cost a frame has, and the end of its steps: a fast engine makes it send means of several."""
    costs = frame["costs"]
    return costs["from"], min(costs["from"] + costs.get("every", 1) * len(decoded(costs["train"])), frame["t"])


def test_a_session_plays_pauses_and_goes_back() -> None:
    with session_page(MOONS) as page:
        page.frame(0)
        page.ask("play", speed=0)
        page.wait_for(lambda message: message["type"] == "frame" and message["t"] > 2000 and message["playing"])
        page.ask("pause")
        last = page.wait_for(
            lambda message: message["type"] == "frame" and not message["playing"] and message["t"] > 2000
        )
        assert page.ask("go", t=100) == {"t": 100}
        early = page.frame(100)
        page.ask("go", t=last["t"])
        again = page.wait_for(
            lambda message: (
                message["type"] == "frame" and message["t"] == last["t"] and message["number"] > early["number"]
            )
        )
        assert again["hash"] == last["hash"]
        assert again["quantities"] == last["quantities"]
        assert early["hash"] == fresh_hash(MOONS, 100)
        assert "change1" in early["quantities"]
        frames = page.of("frame")
        pieces = [steps_of_costs(frame) for frame in frames if decoded(frame["costs"]["train"]).size]
        assert pieces[0][0] == 0
        assert all(end == start for (_, end), (start, _) in itertools.pairwise(pieces))
        assert pieces[-1][1] == last["t"]
        assert page.of("notice") == []


def test_a_long_way_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(progress, "PAUSE_SECONDS", 0.0)
    with session_page(MOONS) as page:
        page.ask("step", count=5000)
        new = page.of("progress")[0]
        assert new["text"] == "Running 5,000 steps to step 5,000: at step 0."
        page.ask("go", t=700)
        back = page.of("progress")[-1]
        assert {name: back[name] for name in ("type", "to", "repeated")} == {
            "type": "progress",
            "to": 700,
            "repeated": True,
        }
        assert 0 <= back["from"] <= back["t"] < 700
        page.ask("go", t=20_000)
        ways = [message["text"].split(":")[0] for message in page.of("progress")]
        assert ways[-1] == "Running 15,000 steps to step 20,000"


def test_the_way_to_the_changes_of_a_link_is_said_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    with session_page(MOONS) as page:
        page.frame(0)
        before = len(page.of("frame"))
        page.put({"id": 1, "do": "open", "link": MOONS + "&then=900000000:lr=0.1"})
        page.wait_for(lambda message: message["type"] == "progress" and message["to"] == 900_000_000)
        assert len(page.of("frame")) == before  # the run that is opened is not the page's yet
        page.ask("pause")
        assert any("Later changes are left out" in note for note in page.run["notes"])
        assert len(page.run["branches"]) == 1
        page.ask("open", link=MOONS + "&then=3000:lr=0.1")
        assert len(page.run["branches"]) == 2


def test_a_way_that_is_short_is_not_said() -> None:
    with session_page(MOONS) as page:
        page.ask("step", count=50)
        page.ask("go", t=3)
        assert page.of("progress") == []


def test_a_speed_is_kept() -> None:
    with session_page(MOONS) as page:
        page.frame(0)
        page.ask("play", speed=50)
        time.sleep(2)
        page.ask("pause")
        t = page.ask("step", count=1)["t"]
        assert 50 <= t <= 130
        assert len({frame["t"] for frame in page.of("frame")}) >= 10


def test_a_page_that_reads_nothing_gets_two_frames_and_no_step_is_lost() -> None:
    with session_page(MOONS) as page:
        page.frame(0)
        page.reads = False
        before = len(page.of("frame"))
        page.ask("play", speed=1000)
        time.sleep(1.5)
        assert len(page.of("frame")) <= before + 2
        page.ask("pause")
        page.reads = True
        page.put({"do": "ack", "number": page.of("frame")[-1]["number"]})
        end = page.wait_for(
            lambda message: message["type"] == "frame" and not message["playing"] and message["t"] > 300
        )
        costs = [decoded(frame["costs"]["train"]) for frame in page.of("frame")]
        assert sum(map(len, costs)) == end["t"]


def test_a_session_branches_and_restarts() -> None:
    with session_page(MOONS) as page:
        page.ask("step", count=30)
        page.ask("change", set={"lr": 0.2})
        assert page.run["branches"][1] == {"id": 1, "parent": 0, "from": 30, "label": "lr 0.01 → 0.2", "steps": 30}
        assert page.run["branch"] == 1
        assert page.run["setup"]["then"] == [{"t": 30, "set": {"lr": 0.2}}]
        assert page.run["link"].endswith("&then=30:lr=0.2")
        page.ask("step", count=5)
        page.ask("branch", branch=0)
        assert page.run["branch"] == 0
        seed = page.run["setup"]["seed"]
        page.ask("restart", new_start=False)
        assert (page.run["setup"]["seed"], page.run["setup"]["then"]) == (seed, [])
        page.ask("restart", new_start=True)
        assert page.run["setup"]["seed"] == seed + 1
        page.ask("setup", set={"shape": [2, 3, 1]})
        assert (page.run["setup"]["shape"], page.run["setup"]["act"]) == ([2, 3, 1], ["tanh", "sigmoid"])
        page.ask("setup", set={"data": "clusters"})
        assert page.run["setup"]["shape"] == [2, 8, 3]
        assert page.run["kind"] == "classes"


def test_divergence_is_a_notice_and_the_page_goes_on() -> None:
    with session_page("#v=1&data=curve&lr=900") as page:
        page.ask("play", speed=0)
        notice = page.wait_for(lambda message: message["type"] == "notice")
        assert (notice["kind"], notice["t"] > 0) == ("diverged", True)
        page.frame(notice["t"])
        assert "cannot go on" in page.error("play")
        page.ask("go", t=1)
        page.ask("change", set={"lr": 0.01})
        assert page.ask("step", count=50)["t"] == 51
        assert len(page.of("notice")) == 1


def test_a_walk_is_of_any_step_that_was_reached() -> None:
    with session_page(MOONS) as page:
        page.ask("step", count=20)
        page.ask("change", set={"lr": 0.2})
        page.ask("step", count=20)
        for t in (0, 5, 19, 20, 39, 40):
            walk = page.ask("walk", t=t)
            assert walk["t"] == t
            page.ask("go", t=t)
            assert page.frame(t)["hash"] == walk["hash"]
        assert "step 41 has not been reached" in page.error("walk", t=41)


def test_a_series_is_that_of_the_steps() -> None:
    with session_page(MOONS) as page:
        page.ask("step", count=20)
        series = page.ask("series", quantity="w1[0,1]")
        assert series["steps"] == list(range(21))
        values, run = decoded(series["values"]), opened()
        for t in (0, 7, 20):
            run.seek(t)
            assert run.training.network.weights[0][0, 1] == values[t]
        assert series["gradient"] is not None
        assert page.ask("series", quantity="delta1[0]")["gradient"] is None
        assert "unknown" in page.error("series", quantity="omega[0]")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"do": "bogus"}, "The command 'bogus' is unknown"),
        ({}, "The command 'None' is unknown"),
        ({"do": ["step"]}, "unknown"),
        ({"do": "step"}, "count must be a whole number"),
        ({"do": "step", "count": 0}, "from 1 to"),
        ({"do": "step", "count": 1e300}, "from 1 to"),
        ({"do": "step", "count": True}, "whole number"),
        ({"do": "go", "t": -1}, "from 0 to"),
        ({"do": "go", "t": "5"}, "whole number"),
        ({"do": "play", "speed": -1}, "speed is -1"),
        ({"do": "follow", "sample": 10**6}, "sample is"),
        ({"do": "field", "axes": [0, 0]}, "two different inputs"),
        ({"do": "field", "axes": [0, 7]}, "inputs from 0 to 1"),
        ({"do": "open", "link": "nonsense"}, "is no link"),
        ({"do": "open", "link": "#v=1&data=csv&target=a&file=" + 64 * "a"}, "needs the file with SHA-256"),
        ({"do": "open", "link": "#v=1&data=csv"}, "target is missing"),
        ({"do": "open", "link": "#v=1&data=points"}, "points of your own"),
        ({"do": "setup", "set": {"lr": 0}}, "lr is 0; it goes from"),
        ({"do": "setup", "set": {"shape": [2, 0, 1]}}, "widths from 1"),
        ({"do": "setup", "set": {"shape": [2, 1000, 1000, 1]}}, "at most 1,000,000"),
        ({"do": "setup", "set": {"seed": -1}}, "seed is -1"),
        ({"do": "setup", "set": {"bogus": 1}}, "is no setting"),
        ({"do": "setup", "set": [1]}, "must be an object"),
        ({"do": "change", "set": {"seed": 3}}, "cannot change during a run"),
        ({"do": "branch", "branch": 5}, "There is no branch 5"),
        ({"do": "nudge", "t": 0, "quantity": "w9[0,0]"}, "unknown"),
        ({"do": "nudge", "t": 0, "quantity": "w1[0,0]", "step": 0}, "step is 0"),
        ({"do": "cost_with", "t": 0, "override": {"w1[0,0]": "a"}}, "finite number"),
        ({"do": "spell", "t": 0, "stage": "x", "row": 0, "column": 0}, "x"),
        ({"do": "answer", "t": 0, "quantity": "delta1", "values": ["a"]}, "must be numbers"),
        ({"do": "series", "quantity": "w1"}, "needs row and column"),
        ({"do": "digit", "strokes": []}, "does not read digits"),
        ({"do": "points", "points": [{"x": 0}]}, "2 to"),
        ({"do": "points", "points": [{"x": 0, "y": 0, "label": 0}, {"x": 0, "y": "z", "label": 0}]}, "is no point"),
        ({"do": "points", "points": [{"x": 0, "y": 0, "label": 0}] * 2}, "one label"),
        ({"do": "table", "name": "a.csv", "content": "%%%"}, "did not arrive whole"),
        ({"do": "model", "format": "pickle"}, "unknown"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_a_command_that_cannot_be_done_is_answered_in_a_sentence(message: dict[str, Any], words: str) -> None:
    page = _shared_page()
    error = page.reply(message.pop("do", None), **message)["error"]  # type: ignore[arg-type]
    assert words in error
    assert "unexpected" not in error
    assert page.ask("walk", t=0)["t"] == 0


_PAGES: list[Any] = []


def _shared_page() -> Any:
    if not _PAGES:
        context = session_page(MOONS)
        _PAGES.extend([context.__enter__(), context])
    return _PAGES[0]


@pytest.fixture(autouse=True, scope="module")
def _close_pages() -> Any:
    yield
    for context in _PAGES[1::2]:
        context.__exit__(None, None, None)

"""A person's own data on the page: tables with all that can be wrong with them, points, and drawn digits."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet.data.toy_sets import TOY_SETS, toy_set
from glassnet.frames.encoding import decoded
from glassnet.play.drawing import drawing
from glassnet.play.own_data import OwnData
from glassnet.play.page_text import page_note, page_text
from glassnet.play.table_samples import MAX_ROWS, suggested_target

from .play_page import SessionPage, session_page

MOONS = "#v=1&data=moons&n=20"


def upload(page: SessionPage, content: bytes | str, name: str = "people.csv") -> dict[str, Any]:
    data = content.encode() if isinstance(content, str) else content
    return page.reply("table", name=name, content=base64.b64encode(data).decode())


def people(rows: int = 200, blank: int = 0) -> str:
    rng = np.random.default_rng(1)
    lines = ["id,age,city,income,bought"]
    for row in range(rows):
        age = "" if row < blank else str(rng.integers(18, 80))
        lines.append(
            f"{row},{age},{rng.choice(['Ulm', 'Bonn'])},{rng.normal(3000, 500):.1f},{rng.choice(['yes', 'no'])}"
        )
    return "\n".join(lines) + "\n"


def test_the_days_and_years_of_a_date_go_back_to_dates() -> None:
    dates = [f"20{15 + row % 9}-{1 + row % 12:02d}-{1 + row % 28:02d}" for row in range(60)]
    table = "when,y\n" + "".join(f"{date},{row * 7 % 31}\n" for row, date in enumerate(dates))
    with session_page(MOONS) as page:
        page.ask("use_table", file=upload(page, table)["result"]["file"], target="y")
        data = page.run["data"]
        days, year, *rest = data["raw"]
        assert data["inputs"][:2] == ["when days", "when year"]
        assert [each["unit"] for each in data["raw"]] == ["date", *[""] * (len(rest) + 1)]
        x = decoded(data["x"])
        back = np.round(days["mean"] + days["scale"] * x[:, 0]).astype("datetime64[D]")
        assert back.astype(str).tolist() == dates
        assert np.allclose(year["mean"] + year["scale"] * x[:, 1], [int(date[:4]) for date in dates])


def test_a_table_is_previewed_and_used_as_the_command_reads_it() -> None:
    with session_page(MOONS) as page:
        preview = upload(page, people(blank=3))["result"]
        kinds = {column["name"]: column["kind"] for column in preview["columns"]}
        assert kinds == {
            "id": "left out",
            "age": "number",
            "city": "category",
            "income": "number",
            "bought": "true/false",
        }
        assert (preview["rows"], preview["suggested"]) == (200, "bought")
        notes = {column["name"]: column["note"] for column in preview["columns"]}
        assert "counts the rows" in notes["id"]
        assert "3 of 200 cells are empty" in notes["age"]
        assert "--" not in str(preview)
        page.ask("use_table", file=preview["file"], target="bought")
        run = page.run
        assert (run["kind"], run["classes"], run["setup"]["target"]) == ("classes", ["no", "yes"], "bought")
        assert run["data"]["inputs"] == ["age", "age is missing", "city = Bonn", "city = Ulm", "income"]
        assert any("the median" in note and note.startswith("age: 3 of 200") for note in run["notes"])
        assert f"file={preview['file']}" in run["link"]
        assert (run["data"]["train"], run["data"]["test"]) == (160, 40)
        raw, x = run["data"]["raw"][4], decoded(run["data"]["x"])
        incomes = np.array([float(line.split(",")[3]) for line in people(blank=3).splitlines()[1:]])
        assert np.allclose(raw["mean"] + raw["scale"] * x[:, 4], incomes, rtol=1e-5)
        assert page.ask("step", count=50)["t"] == 50
        page.ask("use_table", file=preview["file"], target="income")
        assert (page.run["kind"], page.run["setup"]["act"][-1]) == ("numbers", "linear")


def test_the_run_of_a_table_is_the_same_in_python(tmp_path: Path) -> None:
    path = tmp_path / "anything.csv"
    path.write_text(people())
    with session_page(MOONS) as page:
        file = upload(page, people())["result"]["file"]
        page.ask("use_table", file=file, target="bought")
        page.ask("step", count=30)
        frame, link = page.frame(30), page.run["link"]
    with pytest.raises(glassnet.ParameterError, match=f"needs the file with SHA-256 {file}"):
        glassnet.from_link(link)
    run = glassnet.from_link(link, path)
    run.train(30)
    assert run.hash == frame["hash"]
    path.write_text(people() + "1,2,Ulm,3,yes\n")
    with pytest.raises(glassnet.ParameterError, match="needs the file"):
        glassnet.from_link(link, path)


BAD = [
    (b"", "is empty"),
    (b"a,b\n", "header but no rows"),
    (b"a,b\n1,2\n3\n4,5\n", "line 3 has 1 cell"),
    (b"\x89PNG\r\n\x1a\n\x00\x00", "people.csv"),
    (b"a,a\n1,2\n", "'a'"),
    (b"," * 300 + b"\n" + b"1," * 300 + b"1\n", "people.csv"),
    (b"a,b\n1,2\n\xff\xfe\xfa,3\n" * 3, ""),
    (b'a,b\n1,"2\n3,4\n', "people.csv"),
    (b"\x1f\x8b\x08\x00broken", "people.csv"),
    (b"PAR1broken", "people.csv"),
]


@pytest.mark.parametrize(("content", "words"), BAD, ids=range(len(BAD)))
def test_a_table_that_cannot_be_read_is_said(content: bytes, words: str) -> None:
    with session_page(MOONS) as page:
        answer = upload(page, content)
        if words:
            assert words in answer["error"]
            assert "/tmp" not in answer["error"]
            assert "unexpected" not in answer["error"]
        assert page.ask("step", count=1)["t"] == 1


GOOD = [
    ("a;b;c\n1,5;2;x\n2,5;3;y\n" * 9, "c"),
    ("a\tb\tc\n1\t2\tx\n5\t3\ty\n" * 9, "c"),
    ("\ufeffa,b,c\n1,2,x\n5,3,y\n" * 1 + "4,2,x\n9,8,y\n" * 9, "c"),
    ("a,b,c\n1,2,café\n5,3,né\n4,4,café\n".encode("latin-1") * 1, "c"),
]


@pytest.mark.parametrize(("content", "target"), GOOD, ids=["semicolon", "tab", "byte order mark", "latin-1"])
def test_spellings_of_a_table_are_read(content: Any, target: str) -> None:
    with session_page(MOONS) as page:
        preview = upload(page, content)["result"]
        page.ask("use_table", file=preview["file"], target=target)
        assert page.run["kind"] == "classes"
        assert "/tmp" not in str(page.run["notes"])


@pytest.mark.parametrize(
    ("content", "target", "words"),
    [
        ("a,b\n" + "1,x\n" * 9, "b", "single class"),
        ("a,b\n" + "1,2\n" * 9, "c", "has no column 'c'"),
        ("a,b\n1,2\n", "b", "at least 2"),
        ("a\n1\n2\n", "a", "no column besides 'a'"),
        ("a,b\n" + "".join(f"{n % 9},k{n}\n" for n in range(400)), "b", "people.csv"),
    ],
    ids=["one class", "no column", "one row", "one column", "a class for each row"],
)
def test_a_target_that_cannot_be_used_is_said(content: str, target: str, words: str) -> None:
    with session_page(MOONS) as page:
        file = upload(page, content)["result"]["file"]
        error = page.error("use_table", file=file, target=target)
        assert words in error
        assert "unexpected" not in error
        assert page.run["setup"]["data"] == "moons"


def test_a_large_table_is_sampled_and_the_number_is_said() -> None:
    rows = 200_000
    rng = np.random.default_rng(0)
    buffer = io.StringIO()
    np.savetxt(buffer, rng.normal(size=(rows, 3)), "%.4f", ",", header="a,b,c", comments="")
    with session_page(MOONS) as page:
        preview = upload(page, buffer.getvalue())["result"]
        assert preview["rows"] == rows
        assert any("200,000 rows, 20,000 were drawn" in note for note in preview["notes"])
        page.ask("use_table", file=preview["file"], target="c")
        assert page.run["data"]["train"] + page.run["data"]["test"] == MAX_ROWS
        assert any("200,000 rows, 20,000 were drawn" in note for note in page.run["notes"])


def test_a_name_of_an_upload_is_text_alone() -> None:
    own = OwnData()
    table = own.add_content("../../etc/\x1b[31mpasswd", b"a,b\n1,2\n3,4\n")
    assert "/" not in table.table.path
    assert "\x1b" not in table.table.path


def test_points_become_a_run_and_more_of_them_another() -> None:
    with session_page(MOONS) as page:
        points = [{"x": 0.0, "y": 0.0, "label": 0}, {"x": 1.0, "y": 1.0, "label": 1}]
        page.ask("points", points=points)
        assert (page.run["setup"]["data"], page.run["classes"], page.run["data"]["train"]) == ("points", ["0", "1"], 2)
        link = page.run["link"]
        page.ask("setup", set={"lr": 0.05})
        page.ask("points", points=[*points, {"x": 0.0, "y": 1.0, "label": 2}])
        assert (page.run["setup"]["shape"][-1], page.run["setup"]["lr"]) == (3, 0.05)
        assert decoded(page.run["data"]["x"]).tolist() == [[0, 0], [1, 1], [0, 1]]
        page.ask("open", link=link)
        assert page.run["data"]["train"] == 2


def arc(x: float, y: float, width: float, height: float, start: float, end: float) -> list[list[float]]:
    angles = np.radians(np.linspace(start, end, 30))
    return np.stack([x + width * np.cos(angles), y + height * np.sin(angles)], axis=1).tolist()


DRAWN: dict[str, list[list[list[float]]]] = {
    "0": [arc(0.5, 0.5, 0.25, 0.4, 0, 360)],
    "1": [[[0.5, 0.1], [0.5, 0.9]]],
    "2": [[*arc(0.5, 0.3, 0.22, 0.2, 180, 400), [0.28, 0.9], [0.75, 0.9]]],
    "4": [[[0.55, 0.1], [0.25, 0.6], [0.78, 0.6]], [[0.6, 0.35], [0.6, 0.95]]],
    "7": [[[0.25, 0.1], [0.75, 0.1], [0.45, 0.9]]],
}


def test_drawn_digits_are_read() -> None:
    with session_page("#v=1&data=digits") as page:
        page.ask("step", count=2500)
        for digit, strokes in DRAWN.items():
            answer = page.ask("digit", strokes=strokes)
            assert answer["answer"] == digit
            assert sum(answer["outputs"]) == pytest.approx(1)
            bitmap, image = decoded(answer["bitmap"]), decoded(answer["image"])
            blocks = [[bitmap[4 * r : 4 * r + 4, 4 * c : 4 * c + 4].sum() / 16 for c in range(8)] for r in range(8)]
            assert image.tolist() == blocks


def test_a_drawing_is_moved_and_scaled_to_fill_its_height() -> None:
    small = drawing([(0.2 + 0.1 * np.array(DRAWN["7"][0])).tolist()])
    large = drawing(DRAWN["7"])
    assert (small.bitmap == large.bitmap).mean() > 0.99
    assert large.bitmap.any(axis=1).sum() >= 30
    inks = [drawing(strokes).image.mean() for strokes in DRAWN.values()]
    assert np.mean(inks) == pytest.approx(toy_set("digits", 1797, 0).x.mean(), abs=0.08)


@pytest.mark.parametrize(
    "strokes", [[], [[]], [["a"]], [[[0, 0, 0]]], [[[0, float("inf")]]], [[[9, 9]]], [[[0.0, 0.0]] * 6000]]
)
def test_what_is_no_drawing_is_refused(strokes: Any) -> None:
    with pytest.raises(glassnet.ParameterError):
        drawing(strokes)


@pytest.mark.parametrize("name", TOY_SETS)
def test_a_toy_set_is_always_the_same_and_learnable(name: str) -> None:
    entry = TOY_SETS[name]
    x, y = toy_set(name, 150, 0.05)
    again = toy_set(name, 150, 0.05)
    assert np.array_equal(x, again.x)
    assert np.array_equal(y, again.y)
    assert x.shape[0] == len(entry.inputs)
    if entry.classes and name != "one":
        assert set(y.tolist()) == set(range(len(entry.classes)))
    assert abs(x).max() < 2.5
    with pytest.raises(glassnet.ParameterError, match="unknown"):
        toy_set(name + "x")
    with pytest.raises(glassnet.ParameterError, match="noise"):
        toy_set(name, noise=2)


def test_four_samples_of_xor_are_the_corners() -> None:
    x, y = toy_set("xor", 4, 0)
    assert x.T.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert y.tolist() == [0, 1, 1, 0]


def test_notes_have_no_options_of_the_command_line() -> None:
    assert page_note("id: left out: it counts the rows; --keep id overrules") == "id: left out: it counts the rows."
    assert page_note("3 rows have no target; --drop-missing-target no refuses them") == "3 rows have no target."
    assert page_note("y: skewed; log_target=False overrules") == "y: skewed."


def test_errors_of_files_name_no_option_of_the_command() -> None:
    said = {
        "c: looks like an identifier that repeats, 3.1 rows each; --drop 'the c' if it is one": "leave it out of",
        "a: it predicts the target; is it known before the target is? If not: --drop a": "If not, leave it out of",
        "holds -999 12 times, far from all other numbers; --missing '-999' if it means missing": "empty these cells",
        "line 3 holds 'x', but most cells are numbers; correct it, or give --missing x or --category y.": "correct it.",
        "the first row looks like data, not names (1, 2); if so, give --no-header": "add a first line with names",
        "The target 'y' has 300 classes; the limit is 200; use --task regression.": "the limit is 200.",
        "a.csv looks binary (NUL at byte 1); if it is UTF-16 text, give --encoding utf-16-le.": "save it as UTF-8.",
    }
    for sentence, words in said.items():
        assert words in page_text(sentence)
        assert "--" not in page_text(sentence)
    assert suggested_target(["a", "Species", "b"]) == "Species"
    assert suggested_target(["a", "b"]) == "b"
    assert suggested_target([]) == ""


@pytest.mark.parametrize("form", ["glassnet", "npz", "python", "c", "javascript"])
def test_the_network_is_a_file_to_take_away(form: str, tmp_path: Path) -> None:
    with session_page(MOONS) as page:
        file = upload(page, people())["result"]["file"]
        page.ask("use_table", file=file, target="bought")
        answer = page.ask("model", format=form)
        path = tmp_path / answer["name"]
        path.write_bytes(base64.b64decode(answer["content"]))
        assert page.session.run is not None
        trained = page.session.run.training.network
    if form == "glassnet":
        model: Any = glassnet.load(path)
        assert list(model.classes_) == ["no", "yes"]
    elif form == "npz":
        assert np.array_equal(np.load(path)["w1"], trained.weights[0])
    else:
        assert "predict" in path.read_text()


def test_the_report_of_the_page_is_one_file() -> None:
    with session_page(MOONS + "&then=3:lr=0.1") as page:
        page.ask("step", count=9)
        answer = page.reply("report", title="A <b> run")
        if "error" in answer and "missing" in answer["error"]:
            pytest.skip("the page is not built")
        text = base64.b64decode(answer["result"]["content"]).decode()
    assert len(text) < 1_500_000
    assert "<title>A &lt;b&gt; run</title>" in text
    assert "gradients were measured by experiment" in text
    assert "http://" not in text.split("window.__glassnet")[0]


def report_of(page: SessionPage) -> dict[str, Any]:
    answer = page.reply("report", title="")
    if "error" in answer and "missing" in answer["error"]:
        pytest.skip("the page is not built")
    text = base64.b64decode(answer["result"]["content"]).decode()
    recorded, _ = json.JSONDecoder().raw_decode(text.split("window.__glassnet = ")[1])
    return dict(recorded)


@pytest.mark.parametrize("most", [200_000, 100])
def test_the_report_has_the_costs_of_all_steps(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassnet.play.page_report.MAX_REPLAY", most)
    with session_page(MOONS) as page:
        for _ in range(20):
            page.ask("step", count=1000)
        recorded = report_of(page)
        live = page.of("frame")
        lived = np.concatenate([decoded(frame["costs"]["train"]) for frame in live])
    assert lived.size == 20_000
    *others, last = recorded["frames"]
    assert all(decoded(frame["costs"]["train"]).size == 0 for frame in others)
    assert (last["costs"]["from"], last["costs"]["every"]) == (0, 5)
    assert np.allclose(decoded(last["costs"]["train"]), lived.reshape(-1, 5).mean(axis=1), rtol=1e-6)
    assert "Each point of the cost curve is the mean of 5 steps." in recorded["about"]["lines"]
    held_out = decoded(last["costs"]["validation"])
    shown = {frame["t"]: frame["validation"] for frame in (*live, *recorded["frames"]) if frame["t"]}
    assert np.array_equal([held_out[(t - 1) // 5] for t in shown], list(shown.values()))
    assert np.isfinite(held_out).sum() == len(shown) > 20
    steps = [frame["t"] for frame in recorded["frames"]]
    assert steps[0] == 0 and steps[-1] == 20_000 and len(steps) > 5
    assert all("change1" in frame["quantities"] for frame in recorded["frames"][1:])


def test_the_report_finds_what_the_page_found_and_its_code_prints_what_the_page_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_page("#v=1&data=moons") as page:
        rng = np.random.default_rng(1)
        rows = zip(*rng.normal(size=(2, 60)), "01" * 30, strict=True)
        content = "a;b;y\n" + "".join(f"{a:.3f};{b:.3f};{y}\n" for a, b, y in rows)
        (tmp_path / "own.csv").write_text(content)
        page.ask("use_table", file=upload(page, content.encode(), "own.csv")["result"]["file"], target="y")
        for count in (7, 13, 18, 31, 50, 160, 400):
            t = page.ask("step", count=count)["t"]
            last = page.wait_for(lambda message, t=t: message["type"] == "frame" and message["t"] == t)
        recorded = report_of(page)
        (overfit,) = [found for found in last["findings"] if found["name"] == "overfit"]
        assert overfit in recorded["frames"][-1]["findings"]
        monkeypatch.chdir(tmp_path)
        exec(page.ask("program")["code"], {})
    _, held_out = re.findall(r"(training|held out): .*accuracy ([\d.]+)", capsys.readouterr().out)
    assert held_out == ("held out", f"{last['accuracy']:.2%}"[:-1])


def test_a_picture_begins_with_two_numbers_and_at_levels_that_exist() -> None:
    days = (f"{1 + i % 28:02}.0{1 + i % 9}.2024;{'Ulm' if i % 3 else 'Jena'}" for i in range(60))
    rows = [f"{day};{i % 17},5;{i * 7 % 31},5;{i % 2}" for i, day in enumerate(days)]
    with session_page(MOONS) as page:
        file = upload(page, "\n".join(["day;town;length;weight;back", *rows]))["result"]["file"]
        page.ask("use_table", file=file, target="back")
        frame = page.wait_for(lambda message: message["type"] == "frame" and message["field"]["fixed"])
        inputs = page.run["data"]["inputs"]
        assert [inputs[axis] for axis in frame["field"]["axes"]] == ["length", "weight"]
        assert frame["field"]["fixed"].endswith("at their medians, categories at their most frequent level")
        assert page.session.run is not None
        samples = page.session.run.samples
        assert samples.slice is not None
        fixed = dict(zip(inputs, samples.slice.fixed, strict=True))
    assert (fixed["town = Ulm"], fixed["town = Jena"]) == (1, 0)
    assert sum(value for name, value in fixed.items() if name.endswith("day")) == 1  # a day of the week


def test_the_unit_of_a_quantity_is_said() -> None:
    with session_page(MOONS) as page:
        preview = upload(page, people(blank=3))["result"]
        page.ask("use_table", file=preview["file"], target="income")
        (note,) = [note for note in page.run["notes"] if note.startswith("The network learns income as")]
        mean, unit = map(float, re.findall(r"\(y − ([\d.]+)\) / ([\d.]+)", note)[0])
        incomes = np.array([float(line.split(",")[3]) for line in people(blank=3).splitlines()[1:]])
        assert abs(mean - incomes.mean()) < 60 and abs(unit - incomes.std()) < 60


def test_a_picture_of_a_table_begins_with_its_numbers() -> None:
    with session_page(MOONS) as page:
        preview = upload(page, people(blank=3))["result"]
        page.ask("use_table", file=preview["file"], target="bought")
        field = page.wait_for(lambda message: message["type"] == "frame" and (message["field"] or {}).get("fixed"))[
            "field"
        ]
        assert [page.run["data"]["inputs"][axis] for axis in field["axes"]] == ["age", "income"]


def test_overfitting_is_found_while_the_page_watches() -> None:
    """Labels that were drawn at random: the held-out cost rises while the training cost falls."""
    with session_page(MOONS) as page:
        preview = upload(page, people())["result"]
        page.ask("use_table", file=preview["file"], target="bought")
        for _ in range(8):
            page.ask("step", count=400)
        frame = page.frame(3200)
        (finding,) = [finding for finding in frame["findings"] if finding["name"] == "overfit"]
        best = int(re.findall(r"at step (\d+)", finding["text"])[0])
        assert best < 3200 and f"going back to step {best}" in finding["change"]
        assert frame["validation"] > frame["cost"]
        page.ask("go", t=best)
        assert all(finding["name"] != "overfit" for finding in page.frame(best)["findings"])

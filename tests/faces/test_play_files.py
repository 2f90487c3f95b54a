"""Files beside CSV on the page: Parquet, .npz of x and y, IDX folders; and links to a run on a file of one's own."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import glassnet
from glassnet.errors import GlassnetError
from glassnet.frames.encoding import decoded
from glassnet.play import array_samples
from glassnet.play.link import read_link, write_link
from glassnet.play.network import default_setup
from glassnet.play.own_data import OwnArrays, OwnData
from glassnet.play.start import start_link

from .play_page import SessionPage, session_page

MOONS = "#v=1&data=moons&n=20"
RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, size=(120, 3))


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def upload(page: SessionPage, content: bytes, name: str) -> dict[str, Any]:
    return page.reply("table", name=name, content=base64.b64encode(content).decode())


@pytest.mark.parametrize(
    ("y", "shape", "names"),
    [
        ((X[:, 0] > 3) * 1, [3, 16, 1], ["0", "1"]),
        (np.where(X[:, 0] > 3, "cat", "dog"), [3, 16, 1], ["cat", "dog"]),
        (RNG.integers(0, 3, 120), [3, 16, 3], ["0", "1", "2"]),
        (X[:, 0] * 5 + 1, [3, 16, 1], []),
        (X[:, :2] * 5, [3, 16, 2], []),
    ],
    ids=["two classes", "text", "three classes", "numbers", "two outputs"],
)
def test_arrays_become_a_run(y: Any, shape: list[int], names: list[str]) -> None:
    with session_page(MOONS) as page:
        preview = upload(page, npz(x=X, y=y), "mine.npz")["result"]
        assert (preview["rows"], preview["suggested"], len(preview["columns"])) == (120, "y", 1)
        page.ask("use_table", file=preview["file"], target="y")
        run = page.run
        assert (run["setup"]["shape"], run["classes"], run["data"]["title"]) == (shape, names, "mine.npz")
        raw, x = run["data"]["raw"], decoded(run["data"]["x"])
        means, widths = ([each[name] for each in raw] for name in ("mean", "scale"))
        assert np.allclose(means + widths * x, X, atol=1e-5)
        assert np.allclose([[each["low"], each["high"]] for each in raw], np.stack([X.min(0), X.max(0)], 1), atol=1e-5)
        assert page.ask("step", count=40)["t"] == 40
        assert page.ask("model", format="glassnet")["name"] == "model.safetensors"


def test_images_of_bytes_are_drawn_as_images(tmp_path: Path) -> None:
    images, labels = RNG.integers(0, 256, size=(60, 8, 8), dtype=np.uint8), RNG.integers(0, 10, 60)
    with session_page(MOONS) as page:
        preview = upload(page, npz(x=images, y=labels), "digits.npz")["result"]
        assert "an image of 8 × 8" in preview["notes"][0]
        page.ask("use_table", file=preview["file"], target="y")
        assert page.run["layers"][0]["image"] == [8, 8]
        assert np.allclose(decoded(page.run["data"]["x"]) * 255, images.reshape(60, 64), atol=1e-4)
        assert "x is divided by 255." in page.run["notes"]
        assert "does not read digits" in page.error("digit", strokes=[[[0, 0], [1, 1]]])
    folder = tmp_path / "idx"
    folder.mkdir()
    header = (2051).to_bytes(4, "big") + b"".join(each.to_bytes(4, "big") for each in images.shape)
    (folder / "train-images-idx3-ubyte").write_bytes(header + images.tobytes())
    head = (2049).to_bytes(4, "big") + (60).to_bytes(4, "big")
    (folder / "train-labels-idx1-ubyte").write_bytes(head + labels.astype(np.uint8).tobytes())
    own = OwnData()
    link = start_link(own, str(folder))
    assert read_link(link).values["target"] == "y"
    run = glassnet.from_link(link, folder)
    assert run.network.architecture.outputs == len(np.unique(labels))


def test_the_run_of_arrays_is_the_same_in_python(tmp_path: Path) -> None:
    content = npz(x=X, y=(X[:, 0] > 3) * 1)
    with session_page(MOONS) as page:
        page.ask("use_table", file=upload(page, content, "mine.npz")["result"]["file"], target="y")
        page.ask("step", count=25)
        frame, link, code = page.frame(25), page.run["link"], page.ask("program")["code"]
    path = tmp_path / "other name.npz"
    path.write_bytes(content)
    run = glassnet.from_link(link, path)
    run.train(25)
    assert run.hash == frame["hash"]
    assert "file='mine.npz'" in code


def test_a_parquet_file_is_read_from_its_bytes() -> None:
    stream = io.BytesIO()
    pq.write_table(pa.table({"a": X[:, 0], "b": X[:, 1], "label": (X[:, 2] > 3)}), stream)
    with session_page(MOONS) as page:
        preview = upload(page, stream.getvalue(), "mine.parquet")["result"]
        assert [column["kind"] for column in preview["columns"]] == ["number", "number", "true/false"]
        page.ask("use_table", file=preview["file"], target="label")
        assert page.run["kind"] == "classes"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npz(x=X), "has no array y"),
        (npz(a=X), "it must hold an array x"),
        (npz(x=X, y=X[:5, 0]), "y has 5"),
        (npz(x=np.ones((5, 1001)), y=np.ones(5)), "has 1,001 inputs; the page takes up to 1,000"),
        (npz(x=X, y=np.full(120, np.nan)), "y is missing or infinite at row 0"),
        (npz(x=np.full((5, 2), np.inf), y=np.ones(5)), "NaN or infinite"),
        (npz(x=X, y=np.array([{}] * 120, object)), "bad.npz"),
        (b"PK\x03\x04broken", "damaged zip"),
        (b"\x93NUMPY\x01\x00", "bad.npz"),
    ],
    ids=["no y", "no x", "another length", "wide", "nan y", "inf x", "objects", "damaged", "npy"],
)
def test_arrays_that_cannot_be_used_are_said(content: bytes, words: str) -> None:
    own = OwnData()
    with pytest.raises(GlassnetError) as caught:
        own.add_content("bad.npz", content)
    assert words in str(caught.value)
    assert "/tmp" not in str(caught.value)


def test_of_many_rows_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_samples, "MAX_NUMBERS", 300)
    own = OwnData().add_content("mine.npz", npz(x=X, y=X[:, 0]))
    assert isinstance(own, OwnArrays)
    samples = array_samples.array_samples(own, default_setup("csv")._replace(target="y"))
    assert samples.x.shape == (3, 100)
    assert samples.notes[0] == "Of 120 rows, 100 were drawn at random; glassnet train uses all of them."


def test_the_command_needs_no_target_for_arrays(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    path.write_bytes(npz(x=X, y=(X[:, 0] > 3) * 1))
    notes: list[str] = []
    assert "target=y" in start_link(OwnData(), str(path), None, notes)
    assert any("y is read as" in note for note in notes)  # which the command prints
    with pytest.raises(glassnet.ParameterError, match="leave --target out"):
        start_link(OwnData(), str(path), "y")
    with session_page(MOONS, own := OwnData()) as page:
        page.ask("open", link=start_link(own, str(path)))
        assert page.run["data"]["title"] == "mine.npz"
        other = own.add_file(str(path))
        assert "no column 'z'" in page.error("use_table", file=other.file, target="z")


def test_a_target_is_read_as_the_person_says() -> None:
    counts = "a,y\n" + "".join(f"{x:.3f},{round(x) % 7}\n" for x in X[:, 0])
    with session_page(MOONS) as page:
        for content, name in ((counts.encode(), "mine.csv"), (npz(x=X, y=np.arange(120) % 7), "mine.npz")):
            file = upload(page, content, name)["result"]["file"]
            page.ask("use_table", file=file, target="y")
            assert (page.run["kind"], page.run["setup"]["task"]) == ("classes", "auto")
            assert "task" not in page.run["link"]
            page.ask("use_table", file=file, target="y", task="regression")
            assert (page.run["kind"], page.run["setup"]["act"][-1]) == ("numbers", "linear")
            assert "y is read as regression: as requested." in page.run["notes"]
            link = page.run["link"]
            page.ask("setup", set={"task": "classification"})
            assert (page.run["kind"], page.run["setup"]["cost"]) == ("classes", "categorical_cross_entropy")
            page.ask("open", link=link)
            assert page.run["kind"] == "numbers"
            assert "task 'guess' is unknown" in page.error("use_table", file=file, target="y", task="guess")
        page.ask("use_table", file=upload(page, counts.encode(), "mine.csv")["result"]["file"], target="y")
        page.ask("setup", set={"target": "a"})  # all that belongs to the target starts again; the file stays
        assert (page.run["kind"], page.run["setup"]["target"]) == ("numbers", "a")


def test_a_link_to_own_data_says_what_decides_it_and_no_more() -> None:
    for data in ("csv", "points"):
        link = write_link(default_setup(data)._replace(target="a", file="ab" * 32))
        assert "&n=" not in link and "noise" not in link
        read = read_link(link.replace("&test", "&n=50&noise=0.5&test"))
        assert read.notes == ["a link to own data has no n and no noise; what this one says of that is ignored."]
        assert not {"n", "noise"} & read.values.keys()
    assert "&n=" in write_link(default_setup("moons"))


def test_a_link_without_its_data_says_what_is_missing() -> None:
    file = "ab" * 32
    cases = [f"data=csv&target=a&file={file}", "data=csv&target=a", f"data=points&file={file}"]
    words = [file, "names no file", "points that somebody placed by hand"]
    with session_page(MOONS) as page:
        for case, each in zip(cases, words, strict=True):
            assert each in page.error("open", link=f"#v=1&{case}")
        upload(page, npz(x=X, y=X[:, 0]), "mine.npz")
        assert "none of those that were opened is that one" in page.error("open", link=f"#v=1&{cases[0]}")

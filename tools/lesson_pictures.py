"""Draw docs/learn/network.svg and docs/learn/errors.svg: the network of the lesson, with its numbers.

`python tools/lesson_pictures.py` writes both. The numbers are those of net.trace; a test compares the files with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

from glassnet import NeuralNetwork
from glassnet.check.exercise.trials import LESSON_BIASES, LESSON_WEIGHTS, LESSON_X, LESSON_Y
from glassnet.see.trace import Trace

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "learn"
WIDTH, HEIGHT = 960, 316
INPUT_WIDTH, NEURON_WIDTH, BOX_HEIGHT = 86, 196, 58
ROWS, MIDDLE = (78, 232), 155  # heights of the first and the second neuron, and of a single one
COLUMNS = (22, 330, 742)  # left edges of the inputs, the hidden neurons and the output
CHARACTER = 7.9  # average width of a character of a label
STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1a1a1a; text-anchor: middle }
.name { font-size: 12px; fill: #595959 }
.card { fill: #ffffff; stroke: #cccccc }
.box { fill: #f4f4f4; stroke: #595959 }
.edge { stroke: #0072b2; stroke-width: 1.6; fill: none }
.back .edge { stroke: #d55e00 }
.head { fill: #0072b2 }
.back .head { fill: #d55e00 }
.behind { fill: #ffffff }
.still { stroke-dasharray: 5 4 }
.split { stroke: #b0b0b0; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
text { fill: #eeeeee }
.name { fill: #b8b8b8 }
.card { fill: #1c1c1c; stroke: #444444 }
.box { fill: #2b2b2b; stroke: #a0a0a0 }
.edge { stroke: #56b4e9 }
.back .edge { stroke: #f0a060 }
.head { fill: #56b4e9 }
.back .head { fill: #f0a060 }
.behind { fill: #1c1c1c }
.split { stroke: #777777 }
}
"""


class Half(NamedTuple):
    """One half of a neuron's box: the name of a quantity and its value."""

    name: str
    value: float


def number(value: float) -> str:
    """A number with at most four digits after the point, with a real minus sign."""
    return f"{value + 0.0:.4f}".rstrip("0").rstrip(".").replace("-", "−")


def text(x: float, y: float, content: str, kind: str = "") -> str:
    """A centred text."""
    return f'<text x="{x:g}" y="{y:g}"{f" class={kind!r}" if kind else ""}>{escape(content, quote=False)}</text>'


def box(left: float, y: float, width: float) -> str:
    """A rounded box around the height y."""
    shape = f'x="{left:g}" y="{y - BOX_HEIGHT / 2:g}" width="{width:g}" height="{BOX_HEIGHT}" rx="9"'
    return f'<rect class="box" {shape}/>'


def neuron(left: float, y: float, halves: tuple[Half, Half], between: str, below: str) -> Iterator[str]:
    """A neuron: z on its left and a on its right, what leads from one to the other between them, its bias below."""
    yield box(left, y, NEURON_WIDTH)
    middle, half_height = left + NEURON_WIDTH / 2, BOX_HEIGHT / 2
    yield f'<path class="split" d="M{middle:g} {y - half_height:g}V{y + half_height:g}"/>'
    for half, x in zip(halves, (middle - NEURON_WIDTH / 4, middle + NEURON_WIDTH / 4), strict=True):
        yield text(x, y - 8, half.name, "name")
        yield text(x, y + 14, number(half.value))
    yield text(middle, y - half_height - 9, between, "name")
    yield text(middle, y + half_height + 19, below, "name")


def label(x: float, y: float, lines: list[str]) -> Iterator[str]:
    """Lines of text in the middle of a weight's line, which they interrupt."""
    width, height = CHARACTER * max(map(len, lines)) + 6, 17 * len(lines) + 3
    corner = f'x="{x - width / 2:.1f}" y="{y - height / 2:.1f}"'
    yield f'<rect class="behind" {corner} width="{width:.1f}" height="{height}"/>'
    for number, line in enumerate(lines):
        yield text(x, y + 5 + 17 * number - 8.5 * (len(lines) - 1), line)


def still_line(start: tuple[float, float], end: tuple[float, float]) -> str:
    """A line along which nothing moves."""
    return f'<line class="edge still" x1="{start[0]}" y1="{start[1]}" x2="{end[0]}" y2="{end[1]}"/>'


def arrow(x0: float, y0: float, x1: float, y1: float) -> str:
    """A line with a head at its end."""
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    x, y = x1 - 9 * ux, y1 - 9 * uy
    head = f"{x1:.1f},{y1:.1f} {x - 4.5 * uy:.1f},{y + 4.5 * ux:.1f} {x + 4.5 * uy:.1f},{y - 4.5 * ux:.1f}"
    line = f'<line class="edge" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x:.1f}" y2="{y:.1f}"/>'
    return f'{line}<polygon class="head" points="{head}"/>'


def heights(count: int) -> tuple[float, ...]:
    """The heights of the neurons of a layer."""
    return ROWS if count == 2 else (MIDDLE,)


def edges(net: NeuralNetwork, labels: dict[str, list[str]], backward: bool) -> Iterator[str]:
    """The lines of all weights, then their labels above them."""
    written = []
    for layer, w in enumerate(net.weights, 1):
        start_x = COLUMNS[layer - 1] + (INPUT_WIDTH if layer == 1 else NEURON_WIDTH)
        for j, end_y in enumerate(heights(len(w))):
            for k, start_y in enumerate(heights(w.shape[1])):
                start, end = (start_x, start_y), (COLUMNS[layer], end_y)
                if backward:  # no error goes on to x
                    yield arrow(*end, *start) if layer > 1 else still_line(start, end)
                else:
                    yield arrow(*start, *end)
                along = 0.28 if j != k and len(w) > 1 else 0.5
                x, y = start_x + along * (end[0] - start_x), start_y + along * (end_y - start_y)
                written += label(x, y, labels[f"{layer}{j}{k}"])
    yield from written


def picture(title: str, parts: list[str], kind: str) -> str:
    """A whole SVG file on a card of its own, readable on a light and on a dark page."""
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    card = f'<rect class="card" x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="10"/>'
    body = "\n".join([f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", card, *parts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>\n<g class="{kind}">\n{body}\n</g>\n</svg>\n'


def inputs(trace: Trace) -> Iterator[str]:
    """The boxes of x."""
    for k, y in enumerate(ROWS):
        yield box(COLUMNS[0], y, INPUT_WIDTH)
        yield text(COLUMNS[0] + INPUT_WIDTH / 2, y - 8, f"x[{k}] = a0[{k}]", "name")
        yield text(COLUMNS[0] + INPUT_WIDTH / 2, y + 14, number(trace["a0"][k, 0]))


def forward_picture(net: NeuralNetwork, trace: Trace) -> str:
    """W, b, x, z and a, each at its place."""
    labels = {}
    parts = []
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), 1):
        labels |= {
            f"{layer}{j}{k}": [f"W{layer}[{j},{k}] = {number(v)}"] for j, row in enumerate(w) for k, v in enumerate(row)
        }
        for j, y in enumerate(heights(len(w))):
            halves = tuple(Half(f"{name}{layer}[{j}]", trace[f"{name}{layer}"][j, 0]) for name in "za")
            parts += neuron(COLUMNS[layer], y, halves, "→ σ →", f"b{layer}[{j}] = {number(b[j, 0])}")
    middle = COLUMNS[2] + NEURON_WIDTH / 2
    parts.append(text(middle, MIDDLE + 76, f"y = {number(trace['y'].item())}"))
    parts.append(text(middle, MIDDLE + 98, f"c = ½(a2 − y)² = {number(trace.cost)}"))
    title = "The network of the lesson: x, then W, b, z and a of two hidden neurons and one output, with their numbers"
    return picture(title, [*edges(net, labels, False), *inputs(trace), *parts], "forth")


def error_picture(net: NeuralNetwork, trace: Trace) -> str:
    """∂c/∂a, σ', δ, dW and db, each at its place; the errors go from right to left."""
    labels = {}
    parts = []
    for layer, w in enumerate(net.weights, 1):
        dw, db, a = trace[f"dW{layer}"], trace[f"db{layer}"], trace[f"a{layer}"]
        for j, y in enumerate(heights(len(w))):
            for k, value in enumerate(w[j]):
                carried = [f"W{layer}[{j},{k}] = {number(value)}"] if layer > 1 else []
                labels[f"{layer}{j}{k}"] = [*carried, f"dW{layer}[{j},{k}] = {number(dw[j, k])}"]
            gate = number(a[j, 0] * (1 - a[j, 0]))
            halves = (
                Half(f"δ{layer}[{j}]", trace[f"δ{layer}"][j, 0]),
                Half(f"∂c/∂a{layer}[{j}]", trace[f"∂c/∂a{layer}"][j, 0]),
            )
            parts += neuron(
                COLUMNS[layer], y, halves, f"← · σ'(z{layer}[{j}]) = {gate}", f"db{layer}[{j}] = {number(db[j, 0])}"
            )
    title = "The same network on the way back: ∂c/∂a, σ' and δ of each neuron, dW of each weight and db of each bias"
    return picture(title, [*edges(net, labels, True), *inputs(trace), *parts], "back")


def pictures() -> dict[str, str]:
    """The files and their contents."""
    net = NeuralNetwork([2, 2, 1], ["sigmoid", "sigmoid"], dtype="float64", engine="numpy", seed=0)
    net.weights, net.biases = LESSON_WEIGHTS, LESSON_BIASES
    trace = net.trace(LESSON_X, LESSON_Y)
    return {"network.svg": forward_picture(net, trace), "errors.svg": error_picture(net, trace)}


def main() -> None:
    """Write both pictures."""
    for name, content in pictures().items():
        (FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()

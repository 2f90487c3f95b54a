"""The Python program that repeats a run of the page, up to the step at which it stands."""

from __future__ import annotations

from typing import NamedTuple

from glassnet.data.toy_sets import TOY_SETS
from glassnet.frames.python_code import network_code, python_code, training_code
from glassnet.play.link import write_link
from glassnet.play.run import Run
from glassnet.play.setup import NOTEBOOK_DATA, Setup


class Program(NamedTuple):
    """The code, and for how many whole epochs it trains where it cannot stop at every step."""

    code: str
    epochs: int | None


def program(run: Run) -> Program:
    """A program that makes the same steps: spelled out where it can be, else by the link."""
    setup, epochs = run.setup, max(1, run.t // run.training.plan.batches_per_epoch)
    if setup.data == NOTEBOOK_DATA:
        return Program(python_code(run.training.model, run.training.recipe, epochs), epochs)
    if setup.then or setup.data not in TOY_SETS:
        return Program(_by_link(run), None)
    return Program(_spelled_out(setup, run, epochs), epochs)


_HELD_OUT = 'print("held out:", run.network.evaluate(*run.validation))\n'


def _by_link(run: Run) -> str:
    setup = run.setup
    file = f", file={run.data.title!r}" if setup.data == "csv" else ""
    return f'''import glassnet

run = glassnet.from_link("{write_link(setup)}"{file})
run.train(steps={max(1, run.t)})  # the same steps as on the page
print("step", run.step, "state", run.hash)
print("training:", run.network.evaluate(run.x, run.y))
{_HELD_OUT if run.samples.held_out.any() else ""}'''


def _spelled_out(setup: Setup, run: Run, epochs: int) -> str:
    trained = len(run.samples.trained)
    validation = f"(x[:, {trained}:], y[..., {trained}:])" if trained < len(run.samples.x) else ""
    training = training_code(run.training.recipe, epochs, f"x[:, :{trained}], y[..., :{trained}]", validation)
    return f"""import numpy as np
import glassnet
from glassnet.data.toy_sets import toy_set

x, y = toy_set({setup.data!r}, n={setup.n}, noise={setup.noise!r})  # samples are columns
{_targets(run)}{network_code(run.training.model)}
{_weights(setup)}{training}
print(history)
"""


def _targets(run: Run) -> str:
    """The line that makes class numbers the targets of the outputs."""
    if not run.data.classes or run.samples.y.ndim == 1:
        return ""
    if run.samples.y.shape[1] == 1:
        return "y = y[np.newaxis].astype(float)\n"
    return f"y = np.eye({run.samples.y.shape[1]})[:, y]\n"


def _weights(setup: Setup) -> str:
    """The lines that set the start weights, where they were given."""
    lines, first = [], 0
    for layer, (fan_in, fan_out) in enumerate(zip(setup.shape, setup.shape[1:], strict=False)):
        if not setup.w:
            break
        end = first + fan_in * fan_out
        w, b = setup.w[first:end], setup.w[end : end + fan_out]
        rows = [list(w[row * fan_in : (row + 1) * fan_in]) for row in range(fan_out)]
        lines.append(f"network.weights[{layer}] = {rows}\nnetwork.biases[{layer}] = {[[value] for value in b]}\n")
        first = end + fan_out
    return "".join(lines)

"""The Python code that repeats a run of the page."""

from __future__ import annotations

from glassnet.data.toy_sets import TOY_SETS
from glassnet.play.link import write_link
from glassnet.play.run import Run
from glassnet.play.setup import NOTEBOOK_DATA, Setup


def python_code(run: Run) -> str:
    """A program that makes the same steps: spelled out where it can be, else by the link."""
    setup = run.setup
    if setup.data == NOTEBOOK_DATA:
        from glassnet.frames.python_code import python_code as code_of

        return code_of(run.training.model, run.training.recipe, 100)
    if setup.then or setup.data not in TOY_SETS:
        return _by_link(setup)
    return _spelled_out(setup, run)


def _by_link(setup: Setup) -> str:
    file = ', file="YOUR_FILE.csv"' if setup.data == "csv" else ""
    return f'''import glassnet

run = glassnet.from_link("{write_link(setup)}"{file})
run.train(steps=1000)  # the same steps as on the page
print(run.step, run.hash, run.network.evaluate(run.x, run.y))
'''


def _spelled_out(setup: Setup, run: Run) -> str:
    name = setup.init.partition(":")
    initializer = f"glassnet.Normal({name[2]})" if name[1] else repr(setup.init)
    trained = len(run.samples.trained)
    held_out = f", validation=(x[:, {trained}:], y[..., {trained}:])" if trained < len(run.samples.x) else ""
    penalty = "".join(f", {key}={getattr(setup, key)!r}" for key in ("l1", "l2") if getattr(setup, key))
    return f"""import numpy as np
import glassnet
from glassnet.data.toy_sets import toy_set

x, y = toy_set({setup.data!r}, n={setup.n}, noise={setup.noise!r})  # samples are columns
{_targets(run)}network = glassnet.NeuralNetwork({list(setup.shape)}, {list(setup.act)}, cost={setup.cost!r},
                                 initializer={initializer}{penalty}, dtype="float64", seed={setup.seed}{_engine(setup)})
{_weights(setup)}network.train(x[:, :{trained}], y[..., :{trained}], batch_size={setup.batch}, epochs=100,
              lr={setup.lr!r}, optimizer={setup.opt!r}{held_out})
print(network.history)
"""


def _engine(setup: Setup) -> str:
    return ', engine="numpy"' if setup.engine == "numpy" else ""


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

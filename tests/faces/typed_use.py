"""Every public name in valid use, with what mypy should know of the results; test_types.py checks and runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

import glassnet

X = np.random.default_rng(0).normal(size=(2, 40))
Y = (X[:1] > 0).astype(float)
LABELS = (X[0] > 0).astype(int)


def networks() -> list[glassnet.NeuralNetwork]:
    """The constructor, with names, entries, classes and arrays."""
    steep = glassnet.custom_activation("steep", lambda z: np.tanh(2 * z), lambda z, a: 2 * (1 - a * a), -1, 1)
    cubic = glassnet.custom_cost("cubic", lambda a, y: abs(a - y) ** 3, lambda a, y: 3 * (a - y) * abs(a - y))
    hidden = [
        *(glassnet.Linear(), glassnet.Sigmoid(), glassnet.Tanh(), glassnet.ReLU(), glassnet.LeakyReLU(0.1)),
        *(glassnet.ELU(), glassnet.SELU(), glassnet.GELU(), glassnet.SiLU(), glassnet.Mish(), glassnet.Softplus()),
        *(glassnet.Softsign(), steep),
    ]
    costs = [glassnet.Quadratic(), glassnet.Absolute(), glassnet.Huber(2.0), glassnet.Quantile(0.9), cubic]
    starts = [
        *(glassnet.Zeros(), glassnet.Normal(), glassnet.Glorot(), glassnet.He(), glassnet.LeCun()),
        *(glassnet.Orthogonal(), glassnet.Auto()),
    ]
    layers = [glassnet.Dropout(0.2), glassnet.BatchNorm(), glassnet.LayerNorm(), glassnet.Scaling()]
    layers += [glassnet.ParametricActivation("selu"), glassnet.GaussianNoise(0.2)]
    wide = [glassnet.PeriodicEmbedding((0, 1), frequencies=8), glassnet.PiecewiseLinear((0,), bins=4)]
    wide += [glassnet.Embedding(levels=(3, 4), inputs=(2, 3))]
    result = [glassnet.NeuralNetwork([2, 3, 1], [entry, "linear"], engine="numpy") for entry in hidden]
    result += [glassnet.NeuralNetwork((2, 1), ("linear",), cost, seed=1, engine="numpy") for cost in costs]
    result += [glassnet.NeuralNetwork([2, 1], initializer=start, l2=0.1, engine="numpy") for start in starts]
    result += [glassnet.NeuralNetwork([2, 3, layer, 1], dtype=np.float64, engine="numpy") for layer in layers]
    result.append(glassnet.NeuralNetwork([4, *wide, 3, 1], engine="numpy"))
    return [
        *result,
        glassnet.NeuralNetwork(np.array([2, 3, 1]), [glassnet.Tanh, "linear"], dtype=np.dtype("float32")),
        glassnet.NeuralNetwork([2, np.int64(3), "batch_norm", glassnet.Dropout, 1], initializer=glassnet.He),
        glassnet.NeuralNetwork([2, 1], cost=glassnet.BinaryCrossEntropy),
        glassnet.NeuralNetwork([2, 1], [glassnet.Exp()], glassnet.Poisson()),
        glassnet.NeuralNetwork([2, 1], [glassnet.Exp()], glassnet.PoissonDeviance()),
        glassnet.NeuralNetwork([2, 2], [glassnet.Softmax(groups=(2,))], glassnet.CategoricalCrossEntropy(0.1)),
    ]


def train(net: glassnet.NeuralNetwork, folder: Path) -> glassnet.History:
    """`train` with each optimiser and schedule, lists and arrays, and the files."""
    rules = [
        *(glassnet.SGD(), glassnet.Momentum(0.8), glassnet.Nesterov(), glassnet.RMSProp(), glassnet.Adam(beta1=0.8)),
        *(glassnet.AdamW(), glassnet.AdaGrad(), glassnet.NAdam()),
    ]
    schedules = [
        *(glassnet.Constant(), glassnet.Step(), glassnet.Exponential(), glassnet.InverseScaling(), glassnet.Cosine()),
        *(glassnet.OneCycle(), glassnet.WarmUp(), glassnet.CosLog4(), glassnet.FlatCos()),
    ]
    for rule in rules:
        net.train(X, Y, 10, 1, 0.01, optimizer=rule, verbose=0)
    for schedule in schedules:
        net.train(X.tolist(), Y.tolist(), epochs=1, schedule=schedule, optimizer=glassnet.Adam, verbose=0)
    net.train([[0.0, 1, 1], [1, 0.5, 0]], [[0, 1, 0]], 3, epochs=1, validation=(X, Y), sample_weight=[1, 2, 1])
    run = folder / "run.glassrec"
    return net.train(X, Y, epochs=2, validation=0.2, checkpoint=str(folder / "run"), record=run, callbacks=[show])


def show(report: glassnet.Report) -> bool:
    """A callback."""
    return report.cost < 0 or report.validation_cost is None


def use(net: glassnet.NeuralNetwork, path: Path) -> float:
    """The methods of a network."""
    z_s, a_s = net.feedforward(X)
    dw, db = net.backpropagation(Y, z_s, a_s, sample_weight=np.ones(40))
    net.weights[0] -= 0.1 * dw[0]
    net.biases = [b - 0.1 * change for b, change in zip(net.biases, db, strict=True)]
    net.save(path, extra={"by": "me"})
    loaded = glassnet.NeuralNetwork.load(str(path), engine="numpy")
    output: NDArray[np.float32] = loaded.predict([[0], [1]])
    trace: glassnet.Trace = net.astype("float64").trace(X, Y)
    nudge: glassnet.Nudge = net.nudge(X, Y, "w1[0,0]")
    explanation: glassnet.Explanation = net.explain_step(X[:, :4], Y[:, :4], 0.1, glassnet.Adam(), dtype=None)
    net.diagnose(X, Y, columns=["height", "weight"])
    shifted = net.cost(X, Y, override={"w1[0,0]": 0.3}) - net.cost(X, Y, [1.0] * 40)
    return shifted + float(output.sum()) + trace.cost + nudge.slope + explanation.real


def check(net: glassnet.NeuralNetwork) -> bool:
    """The two checks of gradients."""
    report: glassnet.BackpropReport = glassnet.check_backprop(glassnet.NeuralNetwork, [2, 3, 1], ["tanh", "sigmoid"])
    own = glassnet.NeuralNetwork([2, 3, 1], engine="numpy")
    step = glassnet.check_backprop(
        parameters=[(own.parameters, "w1", "b1"), (own.parameters, "w2", "b2")],
        step=lambda x, y: own.train(x, y, batch_size=x.shape[1], epochs=1, lr=1),
        lr=1,
        grads=None,
        layers=[2, 3, 1],
        rows=None,
        biases=True,
        one_sample=False,
        labels=False,
        predict=own.predict,
    )
    return report.ok and step.ok and glassnet.gradient_check(net, X, Y).ok


def estimators() -> None:
    """scikit-learn's interface."""
    glassnet.MLPClassifier(8, glassnet.Tanh(), batch_size="auto", max_iter=5, optimizer="adam", verbose=False)
    glassnet.MLPClassifier((8, 4), ["relu", glassnet.GELU()], output_activation="softmax", schedule=glassnet.Cosine())
    glassnet.MLPRegressor(glassnet.Huber(), np.array([4, 4]), dtype=np.float32, early_stopping=True)
    classifier = glassnet.TabularClassifier(
        preset="fast", metric="roc_auc", class_weight={"no": 2.0}, time_limit=60, drop=["id"], random_state=0, n_jobs=2
    )
    regressor = glassnet.TabularRegressor(preset="best", category=["zip"], missing=["none"], verbose=1)
    assert classifier.get_params()["drop"] == ["id"] and regressor.preset == "best"


def files(path: Path) -> int:
    """Estimators as files."""
    model: glassnet.MLPRegressor = glassnet.MLPRegressor(hidden_layer_sizes=2, solver="lbfgs", max_iter=5000).fit(
        X.T, X[0]
    )
    model.save(path)
    loaded: glassnet.MLPRegressor = glassnet.MLPRegressor.load(str(path))
    count: int = glassnet.load(path).n_iter_
    return count + len(loaded.coefs_)


def tabular_results() -> float:
    """What a fitted tabular estimator tells beside its predictions."""
    x = np.linspace(0, 1, 40)[:, np.newaxis]
    model = glassnet.TabularRegressor(preset="fast", random_state=0, n_jobs=1)
    model.fit(x, 3 * x[:, 0])
    glassnet.plot_residuals(model, x, 3 * x[:, 0]).set_size_inches(9, 4)
    glassnet.plot_importance(model, x, 3 * x[:, 0]).set_title("columns")
    classifier = glassnet.MLPClassifier(4, max_iter=300, random_state=0).fit(x, x[:, 0] > x[0, 0])
    glassnet.plot_calibration(classifier, x, x[:, 0] > x[0, 0]).set_size_inches(5, 5)
    bounds: np.ndarray = model.predict_interval(x, coverage=0.5)
    assert bounds.shape == (40, 2) and model.predict_quantiles(x, [0.2, 0.5]).shape == (40, 2)
    return model.report_.scores["the model"]["RMSE"]


def exports(net: glassnet.NeuralNetwork, folder: Path) -> int:
    """The way out and in."""
    code: str = glassnet.to_source(net, "c", folder / "net.c", examples=X)
    tensors = glassnet.to_torch_state_dict(net, str(folder / "net.weights"))
    back: glassnet.NeuralNetwork = glassnet.from_torch_state_dict(tensors, activations=["sigmoid", glassnet.Sigmoid()])
    again = glassnet.from_keras(glassnet.to_keras(back), activations=["sigmoid"] * 2, cost="quadratic", dtype="float64")
    write: Callable[..., glassnet.OnnxExport] = glassnet.to_onnx
    read: Callable[..., glassnet.NeuralNetwork] = glassnet.from_onnx
    convert = glassnet.from_sklearn
    assert all(map(callable, (write, read, convert)))
    return len(code) + again.parameters.count


def plot(net: glassnet.NeuralNetwork, history: glassnet.History) -> Figure:
    """The pictures."""
    axes: list[Axes] = [
        *(glassnet.plot_training(history), glassnet.plot_layers(history), glassnet.plot_saturation(history)),
        *(glassnet.plot_predictions(net, X, Y), glassnet.plot_weights(net, 1), glassnet.plot_network(net)),
    ]
    classifier = glassnet.NeuralNetwork([2, 2], ["softmax"], "categorical_cross_entropy", engine="numpy")
    axes.append(glassnet.plot_confusion(classifier, X, LABELS, ["no", "yes"], axes[0]))
    return glassnet.plot_samples(np.zeros((2, 3, 3)), [0, 1], [1, 1])


def linked() -> str:
    """A run of the page."""
    run: glassnet.LinkedRun = glassnet.from_link("#v=1&data=one&engine=numpy&t=2")
    history: glassnet.History = run.train()
    network: glassnet.NeuralNetwork = run.network
    run.go(1)
    assert network.cost(run.x, run.y) > 0 and history.reports[-1].step == 2
    return f"{run.step} {run.hash} {run.notes}"


def errors() -> list[type[glassnet.GlassnetError]]:
    """The exceptions, caught as their built-in classes too."""
    caught: list[type[ValueError]] = [glassnet.ParameterError, glassnet.FormulaError, glassnet.DataError]
    caught.append(glassnet.ModelFileError)
    return [glassnet.ParameterTypeError, glassnet.DivergedError, glassnet.ClusterError]


def main(folder: Path) -> str:
    """Run all of the above."""
    networks()
    errors()
    linked()
    tabular_results()
    estimators()
    net = glassnet.NeuralNetwork([2, 3, 1], seed=0, engine="numpy")
    history = train(net, folder)
    plot(net, history)
    glassnet.train_many([net], X, Y, epochs=1, verbose=0)
    assert np.isfinite(use(net, folder / "net.safetensors")) and check(net) and files(folder / "model.safetensors")
    assert exports(net, folder)
    recorded: glassnet.History = glassnet.Recording(folder / "run.glassrec").history
    last: glassnet.Report = recorded.reports[-1]
    training: type[glassnet.Training] = glassnet.Training
    return f"{glassnet.__version__} {last} {training.__name__}"

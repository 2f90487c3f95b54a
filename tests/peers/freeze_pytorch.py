"""Train small networks with PyTorch in float64 and save all numbers: python tests/peers/freeze_pytorch.py.

Run it again only if PyTorch's formulas change, or for a new entry of a table. Names of networks, layers, optimisers
and parameters are glassnet's; weights are (fan_out, fan_in) in both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

FILE = Path(__file__).with_name("pytorch.npz")
SAMPLES, BATCH_SIZE, STEPS = 44, 8, 50  # six batches per epoch, the last of four samples; the run ends within an epoch
Array = np.ndarray[Any, Any]
Tensors = dict[str, torch.Tensor]

ALL_RUNS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "lr": 0.2},
    "momentum": {"optimizer": "momentum", "lr": 0.05},
    "nesterov": {"optimizer": "nesterov", "lr": 0.05},
    "adam": {"optimizer": "adam", "lr": 0.01},
    "adam_epsilon": {"optimizer": "adam", "lr": 0.02, "settings": {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-2}},
    "adamw": {"optimizer": "adamw", "lr": 0.01, "settings": {"weight_decay": 0.5}},
    "rmsprop": {"optimizer": "rmsprop", "lr": 0.01},
    "rmsprop_epsilon": {"optimizer": "rmsprop", "lr": 0.01, "settings": {"rho": 0.8, "epsilon": 1e-2}},
    "adagrad": {"optimizer": "adagrad", "lr": 0.05},
    "adagrad_epsilon": {"optimizer": "adagrad", "lr": 0.05, "settings": {"epsilon": 1e-2}},
    "nadam": {"optimizer": "nadam", "lr": 0.01},
    "sgd_l2": {"optimizer": "sgd", "lr": 0.2, "l2": 0.05},
    "sgd_clip_value": {"optimizer": "sgd", "lr": 0.5, "clip_value": 0.02},
}
SOME_RUNS = {name: ALL_RUNS[name] for name in ("sgd", "adam_epsilon")}
BEFORE_ACTIVATION = {"name": "batch_norm", "before_activation": True}
NETWORKS: dict[str, dict[str, Any]] = {
    "sigmoid_quadratic": {"layers": [3, 5, 2], "activations": ["sigmoid", "sigmoid"], "cost": "quadratic"},
    "relu_softmax": {
        "layers": [4, 6, 5, 3],
        "activations": ["relu", "relu", "softmax"],
        "cost": "categorical_cross_entropy",
    },
    "tanh_weighted": {
        "layers": [3, 6, 2],
        "activations": ["tanh", "sigmoid"],
        "cost": "binary_cross_entropy",
        "weighted": True,
    },
    "batch_norm": {
        "layers": [3, 5, BEFORE_ACTIVATION, 4, {"name": "batch_norm"}, 2],
        "activations": ["tanh", "softplus", "linear"],
        "cost": "quadratic",
        "runs": SOME_RUNS,
    },
    "layer_norm": {
        "layers": [3, 5, {"name": "layer_norm"}, 4, {"name": "layer_norm", "before_activation": True}, 2],
        "activations": ["tanh", "softplus", "linear"],
        "cost": "quadratic",
        "runs": SOME_RUNS,
    },
    "softmax_quadratic": {
        "layers": [3, 5, 3],
        "activations": ["tanh", "softmax"],
        "cost": "quadratic",
        "runs": SOME_RUNS,
    },
}
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "softmax": lambda: nn.Softmax(1),
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}
NORMALISATIONS: dict[str, type[nn.Module]] = {"batch_norm": nn.BatchNorm1d, "layer_norm": nn.LayerNorm}
FROM_LOGITS = {"categorical_cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}


def data(network: dict[str, Any], seed: int) -> dict[str, Array]:
    """x and y with one sample per row (class numbers for softmax), and sample weights if the network has them."""
    rng = np.random.default_rng(seed)
    outputs = network["layers"][-1]
    targets = {
        "quadratic": lambda: rng.uniform(0, 1, (SAMPLES, outputs)),
        "categorical_cross_entropy": lambda: rng.integers(0, outputs, SAMPLES),
        "binary_cross_entropy": lambda: rng.choice([0.0, 0.3, 1.0], (SAMPLES, outputs)),
    }
    samples = {"x": rng.normal(0, 1, (SAMPLES, network["layers"][0])), "y": targets[network["cost"]]()}
    return samples | ({"weights": rng.uniform(0.1, 3, SAMPLES)} if network.get("weighted") else {})


class Model(nn.Module):
    """A network of NETWORKS; `named` and `statistics` map glassnet's names to parameters and running statistics."""

    def __init__(self, network: dict[str, Any]) -> None:
        super().__init__()
        self.parts, self.named, self.statistics = nn.ModuleList(), {}, {}
        entries, activations = network["layers"], list(network["activations"])
        if activations[-1] == FROM_LOGITS.get(network["cost"]):
            activations[-1] = "linear"  # PyTorch's cost takes z and includes the activation
        width, number = entries[0], 0
        for index, entry in enumerate(entries[1:], 1):
            if isinstance(entry, int):
                number, fan_in, width = number + 1, width, entry
                self.dense(number, fan_in, width)
                following = entries[index + 1] if index + 1 < len(entries) else 0
                if isinstance(following, dict) and following.get("before_activation"):
                    self.normalisation(following["name"], number, width)
                self.parts.append(ACTIVATIONS[activations[number - 1]]())
            elif not entry.get("before_activation"):
                self.normalisation(entry["name"], number, width)

    def dense(self, number: int, fan_in: int, fan_out: int) -> None:
        part = nn.Linear(fan_in, fan_out)
        self.named |= {f"w{number}": part.weight, f"b{number}": part.bias}
        self.parts.append(part)

    def normalisation(self, name: str, number: int, width: int) -> None:
        part = NORMALISATIONS[name](width)
        prefix = f"{name}{number}"
        self.named |= {f"{prefix}_gamma": part.weight, f"{prefix}_beta": part.bias}
        if name == "batch_norm":
            self.statistics |= {f"{prefix}_mean": part.running_mean, f"{prefix}_variance": part.running_var}
        self.parts.append(part)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def set(self, start: dict[str, Array]) -> None:
        with torch.no_grad():
            for name, values in start.items():
                self.named[name].copy_(torch.from_numpy(values).reshape(self.named[name].shape))

    def numbers(self) -> dict[str, Array]:
        return {name: value.detach().numpy().copy() for name, value in (self.named | self.statistics).items()}


def start(network: dict[str, Any], seed: int) -> dict[str, Array]:
    """Initial parameters, none of them 0 or 1, so that each affects the result."""
    rng = np.random.default_rng([seed, 1])
    return {
        name: rng.normal(1.0 if name.endswith("gamma") else 0.0, 0.5, tuple(value.shape))
        for name, value in Model(network).named.items()
    }


def cost(network: dict[str, Any], out: torch.Tensor, y: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    """The weighted mean over the samples of the cost summed over the outputs."""
    if network["cost"] == "categorical_cross_entropy":
        return functional.cross_entropy(out, y)
    if network["cost"] == "quadratic":
        return functional.mse_loss(out, y, reduction="sum") / 2 / len(y)
    each = functional.binary_cross_entropy_with_logits(out, y, reduction="none").sum(1)
    return each.mean() if weights is None else (weights * each).sum() / weights.sum()


def optimizer(model: Model, run: dict[str, Any]) -> torch.optim.Optimizer:
    """PyTorch's optimiser; penalty and weight decay act on weights only."""
    settings = dict(run.get("settings", {}))
    decay = run.get("l2", settings.pop("weight_decay", 0.01 if run["optimizer"] == "adamw" else 0.0))
    weights = [value for name, value in model.named.items() if name[0] == "w"]
    others = [value for name, value in model.named.items() if name[0] != "w"]
    groups = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    return OPTIMIZERS[run["optimizer"]](groups, run["lr"], **settings)


def _adam(kind: Callable[..., torch.optim.Optimizer], **fixed: Any) -> Callable[..., torch.optim.Optimizer]:
    """Adam and its variants with glassnet's names of settings."""

    def make(groups: Any, lr: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Any:
        return kind(groups, lr=lr, betas=(beta1, beta2), eps=epsilon, **fixed)

    return make


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": lambda groups, lr: torch.optim.SGD(groups, lr=lr),
    "momentum": lambda groups, lr, momentum=0.9: torch.optim.SGD(groups, lr=lr, momentum=momentum),
    "nesterov": lambda groups, lr, momentum=0.9: torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=True),
    "adam": _adam(torch.optim.Adam),
    "adamw": _adam(torch.optim.AdamW),
    "rmsprop": lambda groups, lr, rho=0.9, epsilon=1e-8: torch.optim.RMSprop(groups, lr=lr, alpha=rho, eps=epsilon),
    "adagrad": lambda groups, lr, epsilon=1e-10: torch.optim.Adagrad(groups, lr=lr, eps=epsilon),
    # PyTorch lets β₁ grow as β₁·(1 − ½·0.96^(t·ψ)); a very large ψ keeps it constant, as in Dozat's algorithm 2.
    "nadam": _adam(torch.optim.NAdam, momentum_decay=1e6),
}


def batches() -> Iterator[slice]:
    """The samples in order, again and again, for STEPS steps."""
    first = 0
    for _ in range(STEPS):
        yield slice(first, min(first + BATCH_SIZE, SAMPLES))
        first = first + BATCH_SIZE if first + BATCH_SIZE < SAMPLES else 0


def trained(
    network: dict[str, Any], run: dict[str, Any], samples: Tensors, first: dict[str, Array]
) -> dict[str, Array]:
    """The parameters after STEPS steps."""
    model = Model(network)
    model.set(first)
    rule = optimizer(model, run)
    for part in batches():
        rule.zero_grad()
        weights = samples["weights"][part] if "weights" in samples else None
        cost(network, model(samples["x"][part]), samples["y"][part], weights).backward()
        if "clip_value" in run:
            nn.utils.clip_grad_value_(model.parameters(), run["clip_value"])
        rule.step()
    return model.numbers()


def one_pass(network: dict[str, Any], samples: Tensors, first: dict[str, Array]) -> Iterable[tuple[str, Array]]:
    """Outputs, cost and gradients of one training pass over all samples, then its running statistics."""
    model = Model(network)
    model.set(first)
    out = model(samples["x"])
    loss = cost(network, out, samples["y"], samples.get("weights"))
    loss.backward()
    yield "cost", loss.detach().numpy()
    activation = {"softmax": lambda z: z.softmax(1), "sigmoid": torch.sigmoid} if network["cost"] in FROM_LOGITS else {}
    yield "outputs", activation.get(network["activations"][-1], lambda a: a)(out).detach().numpy()
    yield "gradient", flat({name: value.grad.numpy() for name, value in model.named.items()} | model.statistics)


def flat(numbers: dict[str, Any]) -> Array:
    """All arrays, in order, as one vector, which keeps the file small."""
    return np.concatenate([np.ravel(values) for values in numbers.values()])


def frozen() -> dict[str, Array]:
    """Recompute the contents of the file: `settings` as JSON and, by network, data, start, one pass and runs.

    PyTorch keeps an optimiser's scalars in its default dtype, so that is float64 for the time being.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return _frozen()
    finally:
        torch.set_default_dtype(before)


def _frozen() -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    about = {name: {"runs": ALL_RUNS, **network} for name, network in NETWORKS.items()}
    for seed, (name, network) in enumerate(about.items()):
        samples, first = data(network, seed), start(network, seed)
        tensors = {key: torch.from_numpy(values) for key, values in samples.items()}
        parts = {**samples, "start": flat(first), **dict(one_pass(network, tensors, first))}
        parts |= {run: flat(trained(network, options, tensors, first)) for run, options in network["runs"].items()}
        network["shapes"] = {key: values.shape for key, values in Model(network).numbers().items()}
        arrays |= {f"{name}/{key}": values for key, values in parts.items()}
    settings = {"peer": f"PyTorch {torch.__version__}", "batch_size": BATCH_SIZE, "steps": STEPS, "networks": about}
    return {"settings": np.array(json.dumps(settings)), **arrays}


if __name__ == "__main__":
    np.savez_compressed(FILE, **frozen())
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")

"""PyTorch: the usual loop, eager, with the fused optimisers; a batch is an indexed copy of rows."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.workloads import DROPPED, RATE, Chance, Workload

CURVES = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}


class Network:
    """A Sequential, its optimiser and its data."""

    def __init__(self, workload: Workload, chance: Chance, threads: int) -> None:
        torch.set_num_threads(threads)
        self.workload, self.chance = workload, chance
        self.x, self.y = (torch.from_numpy(values) for values in workload.data())
        weights = workload.sample_weights()
        self.weights = None if weights is None else torch.from_numpy(weights)
        self.model = sequential(workload, chance)
        kind = torch.optim.Adam if workload.optimizer == "adam" else torch.optim.SGD
        self.optimizer = kind(self.model.parameters(), lr=RATE, fused=True)

    def __call__(self, count: int) -> list[Any]:
        """Train for so many epochs; the weights (fan_in, fan_out) and biases of each layer."""
        for _ in range(count):
            order = torch.from_numpy(self.chance.order(self.workload))
            for places in order.split(self.workload.batch):
                self.optimizer.zero_grad()
                self._cost(places).backward()
                self.optimizer.step()
        dense = [part for part in self.model if isinstance(part, torch.nn.Linear)]
        return [(part.weight.detach().T, part.bias.detach()) for part in dense]

    def _cost(self, places: Any) -> Any:
        a, y = self.model(self.x[places]), self.y[places]
        if self.weights is None and self.workload.is_classifier:
            return torch.nn.functional.cross_entropy(a, y)
        if self.workload.is_classifier:
            costs = torch.nn.functional.cross_entropy(a, y, reduction="none")
        else:
            costs = 0.5 * ((a - y) ** 2).sum(1)
        if self.weights is None:
            return costs.mean()
        weights = self.weights[places]
        return (costs * weights).sum() / weights.sum()


def sequential(workload: Workload, chance: Chance) -> Any:
    """Dense layers, activations, and the layers after them; softmax is left to the cost."""
    layers = {"dropout": lambda n: torch.nn.Dropout(DROPPED)}
    layers |= {"batch_norm": torch.nn.BatchNorm1d, "layer_norm": torch.nn.LayerNorm}
    parts: list[Any] = []
    for number, ((w, b), name) in enumerate(zip(chance.parameters(workload), workload.activations, strict=True)):
        dense = torch.nn.Linear(*w.shape)
        dense.weight.data = torch.tensor(w.T).contiguous()
        dense.bias.data = torch.tensor(b)
        parts += [dense, *([CURVES[name]()] if name in CURVES else [])]
        if workload.layer and number < len(workload.activations) - 1:
            parts.append(layers[workload.layer](len(b)))
    return torch.nn.Sequential(*parts)

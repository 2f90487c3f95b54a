"""PyTorch: the usual training loop in eager mode with the fused optimisers; a batch is an indexed copy of samples.

In mixed precision, forward pass and cost run under torch.autocast, the one line that a user writes: it rounds weights,
activations and the results of products to bfloat16, in the backward pass too; the cost and the update are float32.
"""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.workloads import DROPOUT_RATE, LEARNING_RATE, MIXED, RandomSource, Workload

ACTIVATIONS = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}


class Network:
    """A Sequential with its optimiser and data."""

    def __init__(self, workload: Workload, source: RandomSource, threads: int, precision: str = "float32") -> None:
        torch.set_num_threads(threads)
        self.workload, self.source = workload, source
        self.x, self.y = (torch.from_numpy(values) for values in workload.data())
        weights = workload.sample_weights()
        self.weights = None if weights is None else torch.from_numpy(weights)
        self.model = sequential(workload, source)
        self.cost = torch.autocast("cpu", torch.bfloat16)(self._cost) if precision == MIXED else self._cost
        optimizer = torch.optim.Adam if workload.optimizer == "adam" else torch.optim.SGD
        self.optimizer = optimizer(self.model.parameters(), lr=LEARNING_RATE, fused=True)

    def __call__(self, count: int) -> list[Any]:
        """Train for count epochs and return the weights (fan_in, fan_out) and biases of each layer."""
        for _ in range(count):
            order = torch.from_numpy(self.source.order(self.workload))
            for indices in order.split(self.workload.batch):
                self.optimizer.zero_grad()
                self.cost(indices).backward()
                self.optimizer.step()
        dense = [module for module in self.model if isinstance(module, torch.nn.Linear)]
        return [(module.weight.detach().T, module.bias.detach()) for module in dense]

    def _cost(self, indices: Any) -> Any:
        a, y = self.model(self.x[indices]), self.y[indices]
        if self.weights is None and self.workload.is_classifier:
            return torch.nn.functional.cross_entropy(a, y)
        if self.workload.is_classifier:
            costs = torch.nn.functional.cross_entropy(a, y, reduction="none")
        else:
            costs = 0.5 * ((a - y) ** 2).sum(1)
        if self.weights is None:
            return costs.mean()
        weights = self.weights[indices]
        return (costs * weights).sum() / weights.sum()


def sequential(workload: Workload, source: RandomSource) -> Any:
    """The dense layers, activations, and layers after them; the cost computes softmax."""
    layers = {"dropout": lambda n: torch.nn.Dropout(DROPOUT_RATE)}
    layers |= {"batch_norm": torch.nn.BatchNorm1d, "layer_norm": torch.nn.LayerNorm}
    modules: list[Any] = []
    for number, ((w, b), name) in enumerate(zip(source.parameters(workload), workload.activations, strict=True)):
        dense = torch.nn.Linear(*w.shape)
        dense.weight.data = torch.tensor(w.T).contiguous()
        dense.bias.data = torch.tensor(b)
        modules += [dense, *([ACTIVATIONS[name]()] if name in ACTIVATIONS else [])]
        if workload.layer and number < len(workload.activations) - 1:
            modules.append(layers[workload.layer](len(b)))
    return torch.nn.Sequential(*modules)

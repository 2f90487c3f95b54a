"""The forward equations of a network as part of a pipeline: those of its program for inference, kind by kind."""

from __future__ import annotations

from typing import Any

from glassnet.export.pipeline import Pipeline, Quantity
from glassnet.network import NeuralNetwork
from glassnet.program.builder import build
from glassnet.program.program import Program, Row
from glassnet.tables.activations import Activation


def add_network(pipeline: Pipeline, network: NeuralNetwork, x: str, output: Activation | None = None) -> str:
    """Add the equations of inference that read `x` (width of the inputs), and return the name of the network's output.

    `output` is an activation of the last layer in place of the network's own.
    """
    program = build(network.architecture._replace(precision=None))  # as `predict` computes
    forward = _Forward(pipeline, network, program, x)
    last = len(network.architecture.dense)
    for row in program.rows[: program.head("forward")]:
        if output is not None and row.role == "activation" and row.layer == last:
            forward.activate(row, output)
        else:
            forward.add(row)
    return forward.names[forward.last]


class _Forward:
    """The quantities of a program by their names in the pipeline."""

    def __init__(self, pipeline: Pipeline, network: NeuralNetwork, program: Program, x: str) -> None:
        self.pipeline, self.network, self.program = pipeline, network, program
        self.dtype = network.dtype.name
        self.names = {"a0": x}
        self.last = "a0"

    def add(self, row: Row) -> None:
        """Add one equation of the program."""
        if row.role == "activation" and row.formula is not None:
            self.activate(row, self.network.architecture.dense[row.layer - 1].activation)
            return
        reads = [self._read(name) for name in row.reads]
        if row.kind == "formula":
            self._write(row, [self.pipeline.formula(row.writes[0], _formula(row), *reads)])
            return
        settings, reads = _settings(row, reads)
        writes = {name: self._quantity(name) for name in row.writes}
        self._write(row, self.pipeline.add(row.kind, reads, writes, settings=settings))

    def activate(self, row: Row, activation: Activation) -> None:
        """Add the activation of a dense layer."""
        z, name = self._read(row.reads[0]), row.writes[0]
        if activation.elementwise:
            linear = activation.name == "linear"
            a = z if linear else self.pipeline.formula(name, activation.value, z, activation=activation)
            self._write(row, [a])
            return
        quantity = self._quantity(name)
        groups = activation.groups or (quantity.width,)
        self._write(row, self.pipeline.add("softmax", (z,), {name: quantity}, settings=groups))

    def _read(self, name: str) -> str:
        """What a name of the program is in the pipeline; parameters and statistics become constants."""
        if name not in self.names:
            home = self.program.buffers[name].home
            vector = self.network.parameters if home == "parameters" else self.network.statistics
            self.names[name] = self.pipeline.constant(name, vector.rows(name), self.dtype)
        return self.names[name]

    def _quantity(self, name: str) -> Quantity:
        shape = self.program.buffers[name].shape
        return Quantity(int(shape[1]) if len(shape) > 1 else 1, self.dtype)

    def _write(self, row: Row, names: list[str]) -> None:
        self.names.update(zip(row.writes, names, strict=True))
        self.last = row.writes[0]


def _formula(row: Row) -> Any:
    assert row.formula is not None
    return row.formula


def _settings(row: Row, reads: list[str]) -> tuple[tuple[Any, ...], list[str]]:
    """The settings of an equation as a pipeline has them."""
    if row.kind == "softmax":
        return row.settings[1:], reads
    if row.kind == "select":
        _, copies, _, *columns = row.settings
        return tuple(column for column in columns for _ in range(copies)), reads
    if row.kind == "look_up":
        return row.settings[3:], reads
    return (row.settings if row.kind == "grouped_affine" else ()), reads

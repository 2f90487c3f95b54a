"""A pipeline as an ONNX graph: each kind of equation as the operators that compute it, samples as rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from glassnet.export.onnx_formula import add_formula, named_operator
from glassnet.export.pipeline import FLOAT32, FLOAT64, INT64, TEXT, Equation, Output, Pipeline

Array = np.ndarray[Any, Any]
OPSET, ML_OPSET, IR_VERSION = 17, 3, 8
ML = "ai.onnx.ml"
ERAS = 100_000  # of 146,097 days, added so that no division is of a negative number
ERA_DAYS, FIRST_DAY = 146_097, 719_468  # of 400 years; from 0000-03-01 to 1970-01-01


class OnnxGraph:
    """Collects nodes and constants; names are those of the pipeline, but where an input of a person has that name.

    `outputs` maps the names of outputs to those in the graph.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        import onnx

        self.onnx, self.pipeline = onnx, pipeline
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = dict(pipeline.constants)
        self.public = {entry.quantity: entry.name or "column" for entry in pipeline.inputs}
        self.outputs = {output.name: self._free(output.name) for output in pipeline.outputs}
        self.taken = {*pipeline.quantities, *pipeline.constants, *self.public.values(), *self.outputs.values()}
        self.scalars: dict[tuple[str, str], str] = {}
        self.count = 0

    def model(self) -> Any:
        """The whole model, checked by ONNX's checker."""
        for equation in self.pipeline.equations:
            getattr(self, equation.kind)(equation)
        outputs = [self._output(output) for output in self.pipeline.outputs]
        helper = self.onnx.helper
        inputs = [
            self._info(e.name, self.pipeline.quantities[e.quantity].dtype, self.pipeline.width(e.quantity), e.note)
            for e in self.pipeline.inputs
        ]
        graph = helper.make_graph(
            self.nodes, "glassnet", inputs, outputs, list(map(self._tensor, self.constants.items()))
        )
        opsets = [helper.make_opsetid("", OPSET)]
        if any(node.domain == ML for node in self.nodes):
            opsets.append(helper.make_opsetid(ML, ML_OPSET))
        from glassnet import __version__

        fields = {"producer_name": "glassnet", "producer_version": __version__, "ir_version": IR_VERSION}
        notes = " ".join([f"{self.pipeline.title}.", *self.pipeline.notes])
        return helper.make_model(graph, opset_imports=opsets, doc_string=notes, **fields)

    # Nodes ------------------------------------------------------------------------------------------------------------

    def node(self, operator: str, reads: Sequence[str], write: str = "", domain: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its result."""
        name = write or self.new_name(operator.lower())
        self.nodes.append(
            self.onnx.helper.make_node(
                operator, list(map(self._name, reads)), [self._name(name)], domain=domain, **attributes
            )
        )
        return name

    def new_name(self, stem: str) -> str:
        """A name that nothing has."""
        while (name := f"{stem}_{self.count}") in self.taken:
            self.count += 1
        self.taken.add(name)
        self.count += 1
        return name

    def _name(self, name: str) -> str:
        """The name in the graph: inputs have that of their column, quantities that clash with one another name."""
        return self.public[name] if name in self.public else self._free(name)

    def _free(self, name: str) -> str:
        """The name, or with a dot behind it where an input has it already."""
        while name in self.public.values():
            name += "."
        return name

    def constant(self, values: Any, dtype: str) -> str:
        """Add an array."""
        name = self.new_name("constant")
        self.constants[name] = np.asarray(values, dtype)
        return name

    def scalar(self, value: float, dtype: str) -> str:
        """A number, which is added once."""
        key = repr(value), dtype
        if key not in self.scalars:
            self.scalars[key] = self.constant(value, dtype)
        return self.scalars[key]

    def cast(self, name: str, dtype: str, write: str = "") -> str:
        """A value in another type."""
        return self.node("Cast", [name], write, to=self._type(dtype))

    def _type(self, dtype: str) -> int:
        proto = self.onnx.TensorProto
        types = {
            FLOAT32: proto.FLOAT,
            FLOAT64: proto.DOUBLE,
            INT64: proto.INT64,
            TEXT: proto.STRING,
            "bool": proto.BOOL,
        }
        return int(types[dtype])

    def _info(self, name: str, dtype: str, width: int, note: str) -> Any:
        shape: list[str | int | None] = ["N", width] if width else ["N"]
        return self.onnx.helper.make_tensor_value_info(name, self._type(dtype), shape, doc_string=note)

    def _tensor(self, item: tuple[str, Array]) -> Any:
        name, array = item
        return self.onnx.numpy_helper.from_array(array, self._name(name))

    def _output(self, output: Output) -> Any:
        quantity = self.pipeline.quantities[output.quantity]
        name = self.outputs[output.name]
        if not output.classes:
            self.nodes.append(self.onnx.helper.make_node("Identity", [self._name(output.quantity)], [name]))
            return self._info(name, quantity.dtype, quantity.width, output.note)
        flat = self.node("Squeeze", [output.quantity, self.constant([1], INT64)])
        kind = self._class_type(output.classes)
        values = np.array(output.classes, object if kind == TEXT else kind)
        table = self.new_name("classes")
        self.constants[table] = values
        self.nodes.append(self.onnx.helper.make_node("Gather", [table, flat], [name], axis=0))
        return self._info(name, kind, 0, output.note)

    def _class_type(self, classes: Sequence[Any]) -> str:
        if all(isinstance(value, bool) for value in classes):
            return "bool"
        if all(isinstance(value, int) and -(2**63) <= value < 2**63 for value in classes):
            return INT64
        return FLOAT64 if all(isinstance(value, float) for value in classes) else TEXT

    # Kinds of equations -----------------------------------------------------------------------------------------------

    def formula(self, equation: Equation) -> None:
        """An elementwise equation: the operator of its activation, or its operations."""
        write = equation.writes[0]
        dtype = self.pipeline.quantities[write].dtype
        if (named := named_operator(equation.activation)) is not None:
            self.node(named[0], equation.reads, write, **named[1])
            return
        assert equation.formula is not None
        add_formula(self, equation.formula, equation.reads, dtype, write)

    def affine(self, equation: Equation) -> None:
        """x·W + b."""
        self.node("Gemm", equation.reads, equation.writes[0])

    def grouped_affine(self, equation: Equation) -> None:
        """W·x + b of every group, as products of (groups, N, terms) and (groups, terms, outputs)."""
        x, w, b = equation.reads
        outputs, terms = equation.settings
        weights = self.pipeline.constants[w].reshape(-1, outputs, terms).swapaxes(1, 2)
        groups = len(weights)
        self.constants[w] = np.ascontiguousarray(weights)
        parted = self.node("Reshape", [x, self.constant([-1, groups, terms], INT64)])
        by_group = self.node("Transpose", [parted], perm=[1, 0, 2])
        products = self.node("Transpose", [self.node("MatMul", [by_group, w])], perm=[1, 0, 2])
        flat = self.node("Reshape", [products, self.constant([-1, groups * outputs], INT64)])
        self.node("Add", [flat, b], equation.writes[0])

    def softmax(self, equation: Equation) -> None:
        """Softmax by groups."""
        read, write = equation.reads[0], equation.writes[0]
        if len(equation.settings) == 1:
            self.node("Softmax", [read], write, axis=1)
            return
        ends = list(accumulate(equation.settings))
        parts = [
            self.node("Softmax", [self._columns(read, range(end - size, end))], axis=1)
            for size, end in zip(equation.settings, ends, strict=True)
        ]
        self.node("Concat", parts, write, axis=1)

    def feature_moments(self, equation: Equation) -> None:
        """Mean and variance over the columns."""
        read, (mean, variance) = equation.reads[0], equation.writes
        self.node("ReduceMean", [read], mean, axes=[1], keepdims=1)
        difference = self.node("Sub", [read, mean])
        square = self.node("Mul", [difference, difference])
        self.node("ReduceMean", [square], variance, axes=[1], keepdims=1)

    def select(self, equation: Equation) -> None:
        """Some columns."""
        self._columns(equation.reads[0], equation.settings, equation.writes[0])

    def _columns(self, read: str, columns: Sequence[int], write: str = "") -> str:
        return self.node("Gather", [read, self.constant(list(columns), INT64)], write, axis=1)

    def concatenate(self, equation: Equation) -> None:
        """Side by side."""
        self.node("Concat", equation.reads, equation.writes[0], axis=1)

    def look_up(self, equation: Equation) -> None:
        """The vectors of codes; what is no code counts as code 0."""
        x, vectors = equation.reads
        dtype = self.pipeline.quantities[x].dtype
        columns, levels = equation.settings[::2], np.array(equation.settings[1::2])
        codes = self.node("Add", [self._columns(x, columns), self.scalar(0.5, dtype)])
        is_low = self.node("GreaterOrEqual", [codes, self.scalar(1.0, dtype)])
        is_high = self.node("Less", [codes, self.constant(levels + 1, dtype)])
        known = self.node("Where", [self.node("And", [is_low, is_high]), codes, self.scalar(0.0, dtype)])
        first = self.constant(np.cumsum(levels + 1) - levels - 1, INT64)
        numbers = self.node("Add", [self.cast(known, INT64), first])
        gathered = self.node("Gather", [vectors, numbers], axis=0)
        shape = self.constant([-1, len(columns) * self.pipeline.constants[vectors].shape[1]], INT64)
        self.node("Reshape", [gathered, shape], equation.writes[0])

    def total(self, equation: Equation) -> None:
        """The sum over the columns."""
        self.node("ReduceSum", [equation.reads[0], self.constant([1], INT64)], equation.writes[0], keepdims=1)

    def convert(self, equation: Equation) -> None:
        """Another dtype."""
        self.cast(equation.reads[0], self.pipeline.quantities[equation.writes[0]].dtype, equation.writes[0])

    def level_number(self, equation: Equation) -> None:
        """The number of a text."""
        *pairs, other = equation.settings
        texts, numbers = zip(*pairs, strict=True) if pairs else ((), ())
        attributes = {"keys_strings": [t.encode() for t in texts], "values_floats": numbers, "default_float": other}
        self.node("LabelEncoder", equation.reads, equation.writes[0], ML, **attributes)

    def interpolate(self, equation: Equation) -> None:
        """A broken line: the last knot that is not above x, and the way to the next one."""
        x, knots_name, values_name = equation.reads
        knots, values = self.pipeline.constants[knots_name], self.pipeline.constants[values_name]
        slopes = np.append(np.diff(values) / np.diff(knots), 0.0) if len(knots) > 1 else np.zeros(1)
        passed = self.cast(self.node("GreaterOrEqual", [x, knots_name]), INT64)
        number = self.node("ReduceSum", [passed, self.constant([1], INT64)], keepdims=1)
        first, last = np.append(knots[:1], knots), np.append(values[:1], values)  # index 0: before the first knot
        slope = self.node("Gather", [self.constant(np.append(0.0, slopes), FLOAT64), number])
        distance = self.node("Sub", [x, self.node("Gather", [self.constant(first, FLOAT64), number])])
        rise = self.node("Mul", [slope, distance])
        self.node("Add", [rise, self.node("Gather", [self.constant(last, FLOAT64), number])], equation.writes[0])

    def calendar(self, equation: Equation) -> None:
        """The parts of days since 1970-01-01, by whole numbers that are never negative."""
        days = equation.reads[0]
        floor = self.node("Floor", [days])
        day = self.node("Add", [self.cast(floor, INT64), self._whole(FIRST_DAY + ERAS * ERA_DAYS)])
        year = self._year(day)
        start, end = self._january_first(year), self._january_first(self._calculate("Add", year, 1))
        start_days = self.node(
            "Sub", [self.cast(start, FLOAT64), self.scalar(float(FIRST_DAY + ERAS * ERA_DAYS), FLOAT64)]
        )
        length = self.cast(self.node("Sub", [end, start]), FLOAT64)
        position = self.node("Div", [self.node("Sub", [days, start_days]), length])
        # 1970-01-01 was a Thursday, the fourth day
        weekday = self._calculate("Mod", self._calculate("Add", day, (3 - FIRST_DAY - ERAS * ERA_DAYS) % 7), 7)
        true_year = self._calculate("Sub", year, 400 * ERAS)
        parts = [self.cast(true_year, FLOAT64), position, self.cast(weekday, FLOAT64), self.node("Sub", [days, floor])]
        self.node("Concat", parts, equation.writes[0], axis=1)

    def _whole(self, number: int) -> str:
        return self.constant(number, INT64)

    def _calculate(self, operator: str, name: str, number: int) -> str:
        return self.node(operator, [name, self._whole(number)])

    def _year(self, day: str) -> str:
        """The year of days since 0000-03-01, by eras of 400 years."""
        era = self._calculate("Div", day, ERA_DAYS)
        rest = self._calculate("Mod", day, ERA_DAYS)
        leap = [self._calculate("Div", rest, days) for days in (1460, 36_524, 146_096)]
        even = self.node("Sub", [self.node("Add", [self.node("Sub", [rest, leap[0]]), leap[1]]), leap[2]])
        years = self._calculate("Div", even, 365)
        first = self.node(
            "Sub",
            [
                self.node("Add", [self._calculate("Mul", years, 365), self._calculate("Div", years, 4)]),
                self._calculate("Div", years, 100),
            ],
        )
        is_next = self.cast(self.node("GreaterOrEqual", [self.node("Sub", [rest, first]), self._whole(306)]), INT64)
        return self.node("Add", [self.node("Add", [self._calculate("Mul", era, 400), years]), is_next])

    def _january_first(self, year: str) -> str:
        """Days from 0000-03-01 to the first of January of a year."""
        before = self._calculate("Sub", year, 1)
        leap = [self._calculate("Div", before, years) for years in (4, 100, 400)]
        days = self.node("Sub", [self.node("Add", [self._calculate("Mul", before, 365), leap[0]]), leap[1]])
        return self._calculate("Add", self.node("Add", [days, leap[2]]), FIRST_DAY - 719_162)

    def class_number(self, equation: Equation) -> None:
        """The number of the largest column."""
        self.node("ArgMax", [equation.reads[0]], equation.writes[0], axis=1, keepdims=1)

"""A trace equals the executor's buffers, for both executors, on random networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given

from glassnet.execution.inference import loaded_executor
from glassnet.network import NeuralNetwork

from .programs import Case, bits, cases, middle, sources

Array = np.ndarray[Any, Any]


def network(case: Case, engine: str) -> NeuralNetwork:
    """The case as a network in float64, with weights as the case has them."""
    layers, activations = list(case.layers), list(case.activations)
    net = NeuralNetwork(
        layers, activations, case.cost, l1=case.l1, l2=case.l2, dtype="float64", seed=case.seed, engine=engine
    )
    rng = np.random.default_rng(case.seed + 2)
    for name, segment in net.parameters.segments.items():
        spread = case.gain / np.sqrt(segment.shape[0]) if segment.is_weight else 0.3
        shape = net.parameters[name].shape
        net.parameters[name] = middle(segment) + spread * rng.normal(size=shape)
    return net


@given(cases(stable=True))
def test_a_trace_equals_the_buffers_and_both_engines_agree(case: Case) -> None:
    x, y, weights = sources(case)
    columns = (x.T, y if y.ndim == 1 else y.T, weights)
    traces = {}
    for engine in ("numpy", "compiled"):
        net = network(case, engine)
        traces[engine] = trace = net.trace(*columns)
        buffers = loaded_executor(net.model, x, y, weights)  # the executor that backpropagation runs on
        buffers.run()
        for name in buffers.program.buffers:
            assert bits(trace[name]) == bits(buffers.columns(name)), name
        assert set(trace) == set(buffers.program.buffers)
        dw, db = net.backpropagation(columns[1], *net.feedforward(x.T), sample_weight=weights)
        for layer, gradients in enumerate(zip(dw, db, strict=True), 1):
            assert bits(trace[f"dw{layer}"]) == bits(gradients[0]) and bits(trace[f"db{layer}"]) == bits(gradients[1])
    for name, values in traces["numpy"].items():
        scale = max(1.0, float(np.abs(values).max()))
        np.testing.assert_allclose(traces["compiled"][name], values, rtol=0, atol=1e-12 * scale, err_msg=name)


@given(cases(stable=True))
def test_the_mean_of_the_samples_gradients_is_the_gradient(case: Case) -> None:
    x, y, weights = sources(case)
    trace = network(case._replace(l1=0.0, l2=0.0), "numpy").trace(x.T, y if y.ndim == 1 else y.T, weights)
    for name in [name for name in trace if trace.program.buffers[name].home == "gradients"]:
        each = trace.per_sample(name)
        assert each.shape == (len(x), *trace[name].shape)
        scale = max(1.0, float(np.abs(each).max()))
        np.testing.assert_allclose(each.mean(axis=0), trace[name], rtol=0, atol=1e-12 * scale)

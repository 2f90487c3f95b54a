"""JAX: a whole epoch, including its gathers, in one jit with donated parameters; NumPy draws the order outside.

It makes the same steps as glassnet: the same cost, the same layers after an activation, the same sample weights. In
mixed precision the operands of all products, forward and backward, are rounded to bfloat16, and their sums are float32.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.workloads import DROPOUT_RATE, LEARNING_RATE, MIXED, RandomSource, Workload

ACTIVATIONS = {
    "sigmoid": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "linear": lambda z: z,
    "softmax": lambda z: z,
}


class Network:
    """The network as functions of its parameters, and the state that a step updates."""

    def __init__(self, workload: Workload, source: RandomSource, precision: str = "float32") -> None:
        self.workload, self.source = workload, source
        self.product = mixed_product if precision == MIXED else jnp.matmul
        self.x, self.y = (jax.device_put(values) for values in workload.data())
        self.weights = jax.device_put(workload.sample_weights())
        parameters = [{"w": jnp.array(w), "b": jnp.array(b)} for w, b in source.parameters(workload)]
        if workload.layer in ("batch_norm", "layer_norm"):
            for layer, width in zip(parameters, workload.layers[1:-1], strict=False):
                layer |= {"gamma": jnp.ones(width), "beta": jnp.zeros(width)}
        running = [(jnp.zeros(n), jnp.ones(n)) for n in workload.layers[1:-1]]
        self.state: dict[str, Any] = {"parameters": parameters, "t": jnp.int32(0)}
        self.state |= {"running": running} if workload.layer == "batch_norm" else {}
        if workload.optimizer == "adam":
            self.state |= {name: jax.tree.map(jnp.zeros_like, parameters) for name in ("m", "v")}
        self.epoch = jax.jit(self._epoch, donate_argnums=0)

    def _epoch(self, state: Any, order: Any) -> Any:
        return jax.lax.scan(self._step, state, order.reshape(-1, self.workload.batch))[0]

    def _step(self, state: Any, indices: Any) -> Any:
        gradient, running = jax.grad(self._cost, has_aux=True)(state["parameters"], state, indices)
        state = state | {"t": state["t"] + 1} | ({"running": running} if running else {})
        return (adam if self.workload.optimizer == "adam" else sgd)(state, gradient), None

    def _cost(self, parameters: Any, state: Any, indices: Any) -> Any:
        a, y, running = self.x[indices], self.y[indices], []
        for number, (layer, name) in enumerate(zip(parameters, self.workload.activations, strict=True)):
            a = ACTIVATIONS[name](self.product(a, layer["w"]) + layer["b"])
            if self.workload.layer and number < len(parameters) - 1:
                a = self._layer(a, layer, state, number, running)
        if self.workload.is_classifier:
            costs = -jnp.take_along_axis(jax.nn.log_softmax(a), y[:, None], 1)[:, 0]
        else:
            costs = 0.5 * ((a - y) ** 2).sum(1)
        if self.weights is None:
            return costs.mean(), running
        return (costs * self.weights[indices]).sum() / self.weights[indices].sum(), running

    def _layer(self, a: Any, layer: Any, state: Any, number: int, running: list[Any]) -> Any:
        """Apply dropout or normalisation to the activations of a hidden layer."""
        if self.workload.layer == "dropout":
            key = jax.random.fold_in(jax.random.key(number, impl="rbg"), state["t"])
            return jnp.where(jax.random.uniform(key, a.shape) < DROPOUT_RATE, 0.0, a / (1 - DROPOUT_RATE))
        axis = 0 if self.workload.layer == "batch_norm" else 1
        mean, variance = a.mean(axis, keepdims=True), a.var(axis, keepdims=True)
        if axis == 0:
            statistics = zip(state["running"][number], (mean[0], variance[0]), strict=True)
            running.append(tuple(0.9 * old + 0.1 * new for old, new in statistics))
        return layer["gamma"] * (a - mean) * jax.lax.rsqrt(variance + 1e-5) + layer["beta"]

    def __call__(self, count: int) -> list[Any]:
        """Train for count epochs and return the weights (fan_in, fan_out) and biases of each layer."""
        for _ in range(count):
            self.state = self.epoch(self.state, self.source.order(self.workload))
        jax.block_until_ready(self.state)
        return [(layer["w"], layer["b"]) for layer in self.state["parameters"]]


@jax.custom_vjp
def mixed_product(a: Any, w: Any) -> Any:
    """a·w of operands rounded to bfloat16, added in float32.

    The gradient that JAX derives from this would multiply a float32 δ and round dw to bfloat16. These rules are faster
    and closer to it: δ is rounded once, and both products are added in float32 and stay so.
    """
    return _mixed_product(a, w)[0]


def _mixed_product(a: Any, w: Any) -> Any:
    a, w = a.astype(jnp.bfloat16), w.astype(jnp.bfloat16)
    return jnp.dot(a, w, preferred_element_type=jnp.float32), (a, w)


def _mixed_gradient(operands: Any, delta: Any) -> Any:
    """δ·wᵀ and aᵀ·δ. jnp.dot(delta, w.T) would copy w transposed, which takes a fifth longer on large networks."""
    (a, w), delta = operands, delta.astype(jnp.bfloat16)
    da = jnp.einsum("mj,kj->mk", delta, w, preferred_element_type=jnp.float32)
    return da, jnp.einsum("mk,mj->kj", a, delta, preferred_element_type=jnp.float32)


mixed_product.defvjp(_mixed_product, _mixed_gradient)


def adam(state: Any, gradient: Any) -> Any:
    """Kingma and Ba's Algorithm 1."""
    t = state["t"].astype(jnp.float32)
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state["m"], gradient)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, state["v"], gradient)
    rate, scale = LEARNING_RATE / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
    moved = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) * scale + 1e-8), state["parameters"], m, v)
    return state | {"parameters": moved, "m": m, "v": v}


def sgd(state: Any, gradient: Any) -> Any:
    """Gradient descent."""
    return state | {"parameters": jax.tree.map(lambda w, g: w - LEARNING_RATE * g, state["parameters"], gradient)}

"""A tape of scalars: every Value knows its parents and how to hand its gradient on to them."""

import math


class Value:
    def __init__(self, data, parents=()):
        self.data = float(data)
        self.grad = 0.0
        self._parents = parents
        self._backward = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def tanh(self):
        t = math.tanh(self.data)
        out = Value(t, (self,))

        def _backward():
            self.grad += (1 - t * t) * out.grad

        out._backward = _backward
        return out

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for p in v._parents:
                    visit(p)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v._backward()

    __radd__ = __add__
    __rmul__ = __mul__


def wrap(array):
    return [wrap(row) for row in array] if hasattr(array, "__len__") else Value(array)


def unwrap(values):
    return [unwrap(v) for v in values] if isinstance(values, list) else values.grad


def mlp(weights, biases, x):
    for w, b in zip(weights, biases):
        x = [sum((wi * xi for wi, xi in zip(row, x)), bias).tanh() for row, bias in zip(w, b)]
    return x


def total_loss(weights, biases, xs, ys):
    loss = Value(0.0)
    for x, y in zip(xs, ys):
        for out, target in zip(mlp(weights, biases, x), y):
            difference = out + (-float(target))
            loss = loss + difference * difference
    return loss


def gradients(weights, biases, xs, ys):
    weights, biases = wrap(weights), wrap(biases)
    loss = total_loss(weights, biases, xs, ys)
    loss.backward()
    return loss.data, unwrap(weights), unwrap(biases)

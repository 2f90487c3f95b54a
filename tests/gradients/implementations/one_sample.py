"""One sample at a time with 1-D arrays and np.outer; the caller loops over the data."""

import numpy as np


def relu(v):
    return np.where(v > 0, v, 0.0)


def softmax(v):
    e = np.exp(v - v.max())
    return e / e.sum()


def sample_loss(W, b, x, y):
    a = x
    for W_l, b_l in zip(W[:-1], b[:-1]):
        a = relu(W_l @ a + b_l)
    p = softmax(W[-1] @ a + b[-1])
    return -np.sum(y * np.log(p))


def sample_grads(W, b, x, y):
    pre, post = [], [x]
    for W_l, b_l in zip(W[:-1], b[:-1]):
        pre.append(W_l @ post[-1] + b_l)
        post.append(relu(pre[-1]))
    p = softmax(W[-1] @ post[-1] + b[-1])

    dW, db = [None] * len(W), [None] * len(b)
    err = p - y
    for i in range(len(W) - 1, -1, -1):
        dW[i] = np.outer(err, post[i])
        db[i] = err.copy()
        if i > 0:
            err = (W[i].T @ err) * (pre[i - 1] > 0)
    return dW, db

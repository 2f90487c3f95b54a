"""Samples are rows, but a weight matrix is (fan_out, fan_in), as PyTorch keeps it: x @ W.T + b."""

import numpy as np


def forward(params, x):
    h1 = np.maximum(x @ params["w1"].T + params["b1"], 0)
    h2 = np.maximum(h1 @ params["w2"].T + params["b2"], 0)
    logits = h2 @ params["w3"].T + params["b3"]
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return h1, h2, e / e.sum(axis=-1, keepdims=True)


def nll(params, x, y):
    probs = forward(params, x)[-1]
    return -np.log(probs[np.arange(len(y)), y]).mean()


def backward(params, x, y):
    h1, h2, probs = forward(params, x)
    n, k = probs.shape
    d_logits = (probs - np.eye(k)[y]) / n
    d_h2 = d_logits @ params["w3"]
    d_h2 = d_h2 * (h2 > 0)
    d_h1 = d_h2 @ params["w2"]
    d_h1 = d_h1 * (h1 > 0)
    return {
        "w1": d_h1.T @ x,
        "b1": d_h1.sum(axis=0),
        "w2": d_h2.T @ h1,
        "b2": d_h2.sum(axis=0),
        "w3": d_logits.T @ h2,
        "b3": d_logits.sum(axis=0),
    }

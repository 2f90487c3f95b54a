"""Everything in einsum, with letters for the axes: b batch, i input, h hidden, o output."""

import numpy as np
from numpy import einsum


def value_and_grad(params, batch):
    x, y = batch["x"], batch["y"]
    (w1, c1), (w2, c2) = params
    pre = einsum("bi,ih->bh", x, w1) + c1
    hid = np.tanh(pre)
    out = einsum("bh,ho->bo", hid, w2) + c2
    diff = out - y
    value = einsum("bo,bo->", diff, diff) / len(x) / 2
    g_out = diff / len(x)
    g_hid = einsum("bo,ho->bh", g_out, w2)
    g_pre = g_hid * (1 - hid * hid)
    g1 = (einsum("bi,bh->ih", x, g_pre), einsum("bh->h", g_pre))
    g2 = (einsum("bh,bo->ho", hid, g_out), einsum("bo->o", g_out))
    return value, [g1, g2]

"""
Out to ONNX and C, and back
===========================

``to_onnx`` writes a network for every program that has an ONNX runtime, and ``from_onnx`` reads it in again.
``to_source`` writes it as C code that needs no library. Each way gives the same predictions.
"""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from glassnet import NeuralNetwork, from_onnx, plot_predictions, to_onnx, to_source

rng = np.random.default_rng(0)
x = rng.normal(size=(2, 200))  # samples are columns
y = (x[:1] ** 2 + x[1:] ** 2 < 1).astype(float)
net = NeuralNetwork([2, 8, 1], ["tanh", "sigmoid"], "binary_cross_entropy", seed=0)
net.train(x, y, batch_size=20, epochs=300, lr=0.02, optimizer="adam", verbose=0)
expected = net.predict(x)

folder = Path(tempfile.mkdtemp())
print(to_onnx(net, folder / "net.onnx"))

# %%
# Back from the file, the network predicts the same bits:
back = from_onnx(folder / "net.onnx")
print(back)
print(f"equal predictions: {np.array_equal(back.predict(x), expected)}")

# %%
# C code is compiled and called through ctypes, where there is a compiler. Its function takes one sample:
code = to_source(net, "c", folder / "net.c")
print(code[code.index("void predict") : code.index("#ifdef")])
if shutil.which("cc"):
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "net.c", "-o", "net.so", "-lm"], cwd=folder, check=True)
    predict = ctypes.CDLL(str(folder / "net.so")).predict
    outputs = []
    for sample in x.T:
        output = (ctypes.c_float * 1)()
        predict((ctypes.c_float * 2)(*sample), output)
        outputs.append(output[0])
    print(f"largest difference of C's predictions: {np.abs(outputs - expected[0]).max():.1e}")

# %%
axes = plot_predictions(back, x, y)

"""The way out and in: models as ONNX files, PyTorch and Keras weights, and source code; and networks of these."""

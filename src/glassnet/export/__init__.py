"""Export and import: models as ONNX files, PyTorch and Keras weights, and source code; and networks of these."""

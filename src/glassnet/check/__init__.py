"""Gradients compared with finite differences, and a person's own backpropagation compared with ours."""

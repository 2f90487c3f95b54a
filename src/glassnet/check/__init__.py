"""Compares gradients with finite differences, and a person's own backpropagation with ours."""

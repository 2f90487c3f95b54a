"""Exercises: a person writes backpropagation in seven steps, and each step is compared with our equations."""

"""The file that a person fills in: eight functions in seven steps, each with its task and a place for the answer.

`glassnet exercise` writes it, `glassnet check-mine` runs it. It is text and not a module, because it is theirs.
"""

from __future__ import annotations

import ast

from glassnet.errors import ParameterError

STEPS = 7
TEMPLATE = '''"""Backpropagation, written by me, in seven steps.

Fill in one function after the other: replace its `raise NotImplementedError` by your code. After each step run

    glassnet check-mine {file}

It says what is right, what is not, and what comes next. The equations are explained, with numbers, in the lesson
"The four equations" of glassnet's documentation (docs/learn/four-equations.md).

Arrays have the shapes of that lesson. A sample is a column:

    x            (inputs, 1)            y, a2, z2   (outputs, 1)
    weights[l]   (fan_out, fan_in)      biases[l]   (fan_out, 1)

Every activation is the sigmoid, and the cost of a sample is c = ½‖a − y‖². A function returns new arrays and leaves
those that it is given unchanged.
"""

import numpy as np


def sigmoid(z):
    """σ(z) = 1 / (1 + exp(−z)), element by element. This one is given."""
    return 1 / (1 + np.exp(-z))


# Step 1: one neuron ---------------------------------------------------------------------------------------------------


def neuron(w, b, x):
    """The forward pass of one neuron: z = w·x + b and a = σ(z).

    w and x have one number per input, shape (inputs,); b is a number. Return z, a: two numbers.
    """
    raise NotImplementedError("step 1: return z, a")


# Step 2: the cost -----------------------------------------------------------------------------------------------------


def cost(a, y):
    """The cost of one sample, c = ½‖a − y‖² = ½·Σ (a − y)², and its slope over each output, ∂c/∂a.

    a is the output of the network and y what it should be, both (outputs, 1). Return c, a number, and ∂c/∂a,
    an array of the shape of a.
    """
    raise NotImplementedError("step 2: return c, dc_da")


# Step 3: BP1, the error at the output ---------------------------------------------------------------------------------


def output_error(dc_da, z):
    """BP1: δ = ∂c/∂a ⊙ σ'(z), the slope of c over the z of each output.

    dc_da and z are (outputs, 1); ⊙ multiplies element by element. You need σ', the slope of the sigmoid: write it
    with σ(z). Return δ, (outputs, 1).
    """
    raise NotImplementedError("step 3: return delta")


# Step 4: a hidden layer, and BP2 --------------------------------------------------------------------------------------


def forward(weights, biases, x):
    """The forward pass of a whole network, for any number of layers: z = W·a + b and a = σ(z) in each layer.

    Return z_s, a_s: lists of columns. z_s[l] is the z of layer l + 1. a_s begins with x, so that a_s[l] is what layer
    l + 1 reads, and a_s[-1] is the output.
    """
    raise NotImplementedError("step 4: return z_s, a_s")


def hidden_error(w_next, delta_next, z):
    """BP2: δ = Wᵀ·δ_next ⊙ σ'(z), the error of a hidden layer.

    w_next (fan_out, fan_in) and delta_next (fan_out, 1) belong to the layer after it, z (fan_in, 1) to the hidden
    layer itself. Wᵀ·δ_next is the error that arrives; the gate σ'(z) decides how much of it passes. Return δ,
    (fan_in, 1).
    """
    raise NotImplementedError("step 4: return delta")


# Step 5: BP3 and BP4, the whole gradient ------------------------------------------------------------------------------


def gradient(weights, biases, x, y):
    """The slope of the cost of one sample over every bias, BP3: db = δ, and every weight, BP4: dW = δ·aᵀ.

    a is what the layer reads. Go forward; find δ at the output; go back through the layers, for any number of them.
    Return dw, db: lists of arrays with the shapes of weights and biases, in the same order.
    """
    raise NotImplementedError("step 5: return dw, db")


# Step 6: gradient descent ---------------------------------------------------------------------------------------------


def descend(weights, biases, dw, db, lr):
    """One step downhill: every parameter moves against its gradient, W ← W − lr·dW and b ← b − lr·db.

    Return weights, biases: new lists of new arrays.
    """
    raise NotImplementedError("step 6: return weights, biases")


# Step 7: mini-batches -------------------------------------------------------------------------------------------------


def epoch(weights, biases, x, y, batch_size, lr, rng):
    """One pass through all samples, in mini-batches: after each batch one step with the mean of its gradients.

    x is (inputs, samples) and y (outputs, samples), a column per sample. Take the samples in a new order, drawn with
    rng.permutation(samples). The last batch is smaller where batch_size does not divide the number of samples; it has
    a mean too. Each batch starts from the weights that the one before it left. Return weights, biases.
    """
    raise NotImplementedError("step 7: return weights, biases")
'''


def exercise_text(file: str) -> str:
    """The exercise, for a file of this name."""
    return TEMPLATE.replace("{file}", file)


def step_text(number: int) -> str:
    """One step of the exercise: its heading and its functions. Raises ParameterError for an unknown number."""
    if not 1 <= number <= STEPS:
        raise ParameterError(f"step {number} does not exist; the steps are 1 to {STEPS}.")
    start = TEMPLATE.index(f"# Step {number}:")
    end = TEMPLATE.find(f"# Step {number + 1}:")
    return TEMPLATE[start : end if end >= 0 else None].rstrip().replace("\n\n\n", "\n\n")


def functions() -> list[str]:
    """The names of the functions that a person writes."""
    return [node.name for node in ast.parse(TEMPLATE).body if isinstance(node, ast.FunctionDef)][1:]

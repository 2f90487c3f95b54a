"""State dicts of layers that cannot be read are refused, and those that can keep their dtype."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet.errors import ModelFileError, ParameterError

RELU = ["relu", "linear"]


def state_dict(dtype: Any = np.float32) -> dict[str, Any]:
    """Linear(5, 4, bias=False), an activation, Linear(4, 3)."""
    rng = np.random.default_rng(0)
    shapes = {"0.weight": (4, 5), "2.weight": (3, 4), "2.bias": (3,)}
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


@pytest.mark.parametrize("number", [1, 3])
def test_a_prelu_is_not_taken_for_a_normalisation(number: int) -> None:
    width = 4 if number == 1 else 3
    slopes = {f"{number}.weight": np.full(width, 0.25, np.float32)}
    with pytest.raises(ParameterError, match=rf"{number}\.weight of shape \({width},\) without .* PReLU"):
        glassnet.from_torch_state_dict(state_dict() | slopes, activations=RELU)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_layer_without_bias_leaves_the_dtype_as_it_is(dtype: Any) -> None:
    network = glassnet.from_torch_state_dict(state_dict(dtype), activations=RELU)
    assert network.dtype == (np.float64 if dtype == np.float64 else np.float32)


def test_a_model_of_glassnet_is_not_a_state_dict(tmp_path: Path) -> None:
    glassnet.NeuralNetwork([5, 4, 3], seed=0).save(tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match=r"is a model of glassnet, not a state dict; read it with glassnet\.load"):
        glassnet.from_torch_state_dict(tmp_path / "m.safetensors", activations=RELU)


def test_a_module_is_not_a_state_dict() -> None:
    class Sequential:
        def state_dict(self) -> dict[str, Any]:
            return state_dict()

    with pytest.raises(TypeError, match=r"state_dict is a Sequential; give model\.state_dict\(\)"):
        glassnet.from_torch_state_dict(Sequential(), activations=RELU)  # type: ignore[arg-type]

"""A person's class with the article's interface: feedforward(x), backpropagation(y, z_s, a_s) and their results."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from glassnet.check.candidates.answer import given_shapes
from glassnet.check.candidates.candidate import Candidate
from glassnet.check.candidates.candidate_error import CandidateError, quiet
from glassnet.check.candidates.conventions import Conventions
from glassnet.check.candidates.object_candidate import method_of
from glassnet.check.candidates.reading import Reading
from glassnet.check.candidates.return_forms import Form, forms
from glassnet.check.trial import Trial
from glassnet.program.parameters import Array

METHODS = ("feedforward", "backpropagation")


class ArticleCandidate(Candidate):
    """Their class, or a copy of their object, with layers of given widths."""

    def __init__(self, mine: Any, activations: Sequence[Any], conventions: Conventions) -> None:
        super().__init__(conventions)
        self.mine, self.activations = mine, list(activations)
        self.has_fixed_widths = not isinstance(mine, type)

    def readings(self, trial: Trial) -> list[Reading]:
        """The ways of samples and weights; biases take the shape that the object's own have."""
        with quiet():
            own = np.shape(self.create(trial.widths).biases[-1])
        shape = "flat" if len(own) == 1 else "row" if len(own) == 2 and own[0] == 1 != own[1] else "column"
        return [
            one._replace(biases=shape)
            for one in super().readings(trial)
            if one.biases in ("column", "none") and not one.bare
        ]

    @property
    def chosen(self) -> Reading:
        """The reading in use: columns until one is chosen."""
        return self.reading or Reading()

    def columns(self, array: Any) -> Array:
        """An array of samples, such as a z, with samples as columns."""
        return self.chosen.take_samples(array)

    def create(self, widths: Sequence[int], activations: Sequence[Any] | None = None) -> Any:
        """An instance of their class, or a copy of the one that was passed."""
        with quiet():
            names = self.activations if activations is None else list(activations)
            return self.mine(list(widths), names) if isinstance(self.mine, type) else deepcopy(self.mine)

    def create_with(self, widths: Sequence[int], weights: Sequence[Array], biases: Sequence[Array]) -> Any:
        """An instance with these weights (fan_out, fan_in) and biases (fan_out, 1), in the reading in use."""
        return self._create_with(self.chosen, widths, weights, biases)

    def _create_with(
        self, reading: Reading, widths: Sequence[int], weights: Sequence[Array], biases: Sequence[Array]
    ) -> Any:
        instance = self.create(widths)
        given = {
            "weights": reading.give_weights(list(weights), list(biases)),
            "biases": reading.give_biases(list(biases)),
        }
        with quiet():
            for name, arrays in given.items():
                own = getattr(instance, name)
                if len(own) != len(arrays):
                    raise CandidateError(f"its {name} has {len(own)} arrays for {len(arrays)} layers")
                for number, array in enumerate(arrays):
                    shape = np.shape(own[number])
                    if name == "biases" and array.size in shape and array.size == np.prod(shape):
                        array = array.reshape(shape)
                    if shape != array.shape:
                        raise CandidateError(f"its {name}[{number}] has shape {shape}, but {array.shape} is expected")
                    own[number] = array.copy()
        return instance

    def call(self, reading: Reading, trial: Trial, x: Array, y: Array) -> list[Form]:
        """What backpropagation returns after feedforward."""
        instance = self._create_with(reading, trial.widths, *trial.parameters)
        with quiet():
            z_s, a_s = pair(instance.feedforward(reading.give_samples(x)))
            returned = instance.backpropagation(reading.give_y(y), z_s, a_s)
            return forms(returned, given_shapes(reading, trial))

    def call_predict(self, reading: Reading, trial: Trial, predict: Any, x: Array) -> Any:
        """Their prediction for x, by a method's name, or by a function of the object and x."""
        instance = self._create_with(reading, trial.widths, *trial.parameters)
        call = method_of(instance, predict)
        with quiet():
            return call(reading.give_samples(x))

    def forward(self, instance: Any, x: Array) -> tuple[Any, Any]:
        """What their feedforward returns for z_s and a_s, unchanged."""
        with quiet():
            return pair(instance.feedforward(self.chosen.give_samples(x)))

    def backward(self, instance: Any, y: Array, z_s: Any, a_s: Any) -> tuple[Any, Any]:
        """dw and db for what feedforward returned."""
        with quiet():
            return pair(instance.backpropagation(self.chosen.give_y(y), z_s, a_s))

    def train(self, instance: Any, x: Array, y: Array, **options: Any) -> None:
        """Call their train with x, y and batch_size, epochs, lr by name, or in this order."""
        with quiet():
            arguments = (self.chosen.give_samples(x), self.chosen.give_y(y))
            try:
                instance.train(*arguments, **options)
            except TypeError as error:
                if "argument" not in str(error):
                    raise
                instance.train(*arguments, *options.values())


def pair(result: Any) -> tuple[Any, Any]:
    """The two parts of what they returned. Raises CandidateError where there are not two."""
    is_list = isinstance(result, (tuple, list))
    if not is_list or len(result) != 2:
        given = f"a {type(result).__name__} of {len(result)}" if is_list else f"{result!r:.60}"
        raise CandidateError(f"it returns {given}, where a pair of lists is expected, such as dw, db")
    return result[0], result[1]

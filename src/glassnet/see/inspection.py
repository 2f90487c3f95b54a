"""The methods of a network that look into it and leave it as it is."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from glassnet.batches.samples import Weights
from glassnet.batches.sources import Sources
from glassnet.execution.model import Model
from glassnet.see.explain import Explanation, explain_step
from glassnet.see.notebook import model_html, model_text
from glassnet.see.nudge import Nudge, nudge
from glassnet.see.trace import Trace, trace
from glassnet.tables.optimizers import OptimizerLike
from glassnet.training.history import History

if TYPE_CHECKING:
    from glassnet.see.credit import Credit
    from glassnet.see.diagnosis import Diagnosis


class Inspection:
    """What NeuralNetwork shows of its model and of its last training."""

    model: Model
    history: History | None
    recent_samples: Sources | None
    step_page: Callable[[Model, tuple[Any, Any, Any], float, Any], Callable[[Explanation], str]] | None = None

    def trace(
        self, x: ArrayLike, y: ArrayLike, sample_weight: Weights = None, dtype: Any = None, training: bool = False
    ) -> Trace:
        """Every z, a, δ, dW and db of one pass over x and y, by name.

        Parameters
        ----------
        x, y : (fan_in, batch) and (fan_out, batch), or class numbers (batch,)
        sample_weight : (batch,), 0 or more
        dtype : "float64" computes in float64; None means the network's own dtype
        training : the equations of a training step (dropout, statistics of the batch) instead of those of inference

        δ is the derivative of a sample's own cost and has no 1/m; dW and db are means over the batch, penalty included.
        """
        return trace(self.model, (x, y, sample_weight), dtype, training)

    def nudge(
        self, x: ArrayLike, y: ArrayLike, quantity: str, step: float = 1e-6, *, sample_weight: Weights = None
    ) -> Nudge:
        """Move one number by ±step, in float64, and compare the slope of C with the derivative by backpropagation.

        For a weight or bias, this derivative is ∂C/∂w. C is a mean over m samples: for the z of one sample the
        derivative is δ/m, and for its a or x it is ∂c/∂a or ∂c/∂x, divided by m (in hidden layers Wᵀ·δ/m of the next
        layer). x, y are columns; `quantity` is an entry such as "w1[2,0]", "b1[2]", "z1[2,0]", "a1[2,0]" or "x[0,3]",
        layers from 1 and indices from 0.
        """
        return nudge(self.model, (x, y, sample_weight), quantity, step)

    def explain_step(
        self,
        x: ArrayLike,
        y: ArrayLike,
        lr: float = 0.1,
        optimizer: OptimizerLike = "sgd",
        *,
        sample_weight: Weights = None,
        notation: str = "columns",
        dtype: Any = "float64",
    ) -> Explanation:
        """Walk through one training step on the batch x, y with the network's own numbers.

        Parameters
        ----------
        x, y : (fan_in, batch) and (fan_out, batch), or class numbers (batch,); samples are columns for either notation
        lr, optimizer : the rate, and a name or entry; its states are 0, so that this is its first step
        notation : "columns" (the article, Nielsen) or "rows" (scikit-learn, PyTorch)
        dtype : the dtype of the computation; None means the network's own, in which rounding may hide a small drop of C
        """
        data = (x, y, sample_weight)
        explanation = explain_step(self.model, data, lr, optimizer, notation, dtype)
        if self.step_page is not None:
            explanation.page = self.step_page(self.model.astype(explanation.trace["z1"].dtype), data, lr, optimizer)
        return explanation

    def diagnose(self, x: Any = None, y: Any = None, *, columns: Sequence[str] | None = None) -> Diagnosis:
        """Find out why the network trains or predicts badly, from its last run and, if given, x (fan_in, batch) and y.

        y is (fan_out, batch), or class numbers (batch,). Without x and y, samples of the last run are used, which the
        network keeps in memory, and the measurements are stored in `history.final`, so that a saved model can be
        diagnosed. `columns` are the names of the rows of x (samples are columns). Each finding has a name, evidence,
        the equation behind it, one change to try, and its expected effect. Raises ParameterError if there is neither a
        run nor data.
        """
        from glassnet.see.diagnosis import diagnose
        from glassnet.see.wording import NETWORK

        wording = NETWORK._replace(columns=columns)
        return diagnose(self.model, self.history, self.recent_samples, x, y, wording)

    def play(
        self,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        batch_size: int = 10,
        lr: float = 0.1,
        optimizer: OptimizerLike = "sgd",
        validation: float | None = None,
    ) -> Any:
        """The page of `glassnet play` as a widget of a notebook, training a float64 copy of this network.

        Parameters
        ----------
        x, y : (fan_in, batch) and (fan_out, batch), or class numbers (batch,); None takes samples of the last `train`
        batch_size, lr, optimizer : how the network trains until something else is chosen on the page; the optimizer may
            be an entry, such as Adam(beta2=0.95)
        validation : the fraction of the samples to hold out

        The copy that is trained is the `network` of the widget. This needs the extra: pip install "glassnet[notebook]".
        """
        # By name: play/ stands above this room, and only this method leads up to it.
        widget = importlib.import_module("glassnet.play.widget")
        settings = {"batch": batch_size, "lr": lr, "opt": optimizer}
        return widget.play(self, (x, y, validation), settings)

    def credit(self, x: ArrayLike, y: ArrayLike) -> Credit:
        """The share of each sample in the gradient of each layer, ‖δ‖·‖a‖, from one pass over x (fan_in, batch) and y.

        y is (fan_out, batch), or class numbers (batch,). The result ranks the samples with the largest gradients, and
        those whose labels are probably wrong.
        """
        from glassnet.see.credit import credit

        return credit(self.model, x, y)

    def __repr__(self) -> str:
        return model_text(self.model)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the network as text, and its table of equations as static HTML."""
        return {"text/plain": repr(self), "text/html": model_html(self.model)}

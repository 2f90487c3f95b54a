"""What a network answers about itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from glassnet.see.explain import explain_step
from glassnet.see.nudge import nudge
from glassnet.see.trace import trace

if TYPE_CHECKING:
    from glassnet.see.credit import Credit
    from glassnet.see.diagnosis import Diagnosis


class Seeing:
    """The methods of NeuralNetwork that look into it and leave it as it was."""

    trace, nudge, explain_step = trace, nudge, explain_step

    def diagnose(self: Any, x: Any = None, y: Any = None, *, columns: Sequence[str] | None = None) -> Diagnosis:
        """What ails the network, by its last run and by x (fan_in, batch) and y where they are given; print it.

        y is (fan_out, batch), or class numbers (batch,); without them, some samples of the last run serve, which the
        network keeps in memory. `columns` are names of x's rows, samples being columns. Each finding has a name,
        evidence, the equation that makes it so, one change to try, and what that should do. Raises ParameterError where
        there is neither a run nor data.
        """
        from glassnet.see.diagnosis import diagnose

        return diagnose(self, x, y, columns)

    def credit(self: Any, x: Any, y: Any) -> Credit:
        """Each row's part in each layer's gradient: ‖δ‖·‖a‖, from one pass over x (fan_in, batch) and y.

        y is (fan_out, batch), or class numbers (batch,). The answer tells the rows that push hardest, and those whose
        labels are likely wrong.
        """
        from glassnet.see.credit import credit

        return credit(self, x, y)

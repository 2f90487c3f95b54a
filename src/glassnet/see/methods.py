"""What a network answers about itself: thin methods, each of which loads its own file when it is first asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassnet.see.credit import Credit
    from glassnet.see.diagnosis import Diagnosis


class Seeing:
    """The methods of NeuralNetwork that look into it and leave it as it was."""

    def diagnose(self: Any, x: Any = None, y: Any = None) -> Diagnosis:
        """What ails the network, by its last run and by x (fan_in, batch) and y where they are given; print it.

        y is (fan_out, batch), or class numbers (batch,). Each finding has a name, evidence, the equation that makes it
        so, one change to try, and what that should do. Raises ParameterError where there is neither a run nor data.
        """
        from glassnet.see.diagnosis import diagnose

        return diagnose(self, x, y)

    def credit(self: Any, x: Any, y: Any) -> Credit:
        """Each row's part in each layer's gradient: ‖δ‖·‖a‖, from one pass over x (fan_in, batch) and y.

        y is (fan_out, batch), or class numbers (batch,). The answer tells the rows that push hardest, and those whose
        labels are likely wrong.
        """
        from glassnet.see.credit import credit

        return credit(self, x, y)

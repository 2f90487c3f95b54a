"""What a tabular model does to the averaged outputs of its networks, each in one line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glassnet.tabular.model import TabularModel


def correction_lines(model: TabularModel) -> list[tuple[str, str]]:
    """Label and text of the linear path, the calibration and the intervals, as far as the model has them."""
    lines = []
    if model.linear is not None:
        weight = model.linear.weight
        text = "not used: the networks alone are better" if weight == 0 else f"{weight:.0%} of each prediction"
        lines.append(("Linear path", text))
    if model.calibration is not None:
        lines.append(("Calibration", calibration_text(model)))
    if model.intervals is not None:
        lines.append(("Intervals", "fitted to the errors on rows that the networks had left out"))
    return lines


def calibration_text(model: TabularModel) -> str:
    """One line on how the probabilities were made honest."""
    temperature = model.calibration.temperature
    if temperature == 1:
        effect = "the networks' probabilities are used as they are"
    else:
        direction = "less" if temperature > 1 else "more"
        effect = f"temperature {temperature:.3g}, which makes the probabilities {direction} certain"
    steps = ", then isotonic steps" if getattr(model.calibration, "isotonic", None) is not None else ""
    return f"{effect}{steps}; fitted to rows that the networks had left out"

"""What a tabular model does to the averaged outputs of its networks, each in one line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glassnet.tabular.calibration import Calibration
    from glassnet.tabular.model import TabularModel


def correction_lines(model: TabularModel) -> list[tuple[str, str]]:
    """Label and text of the linear path, the calibration and the intervals, as far as the model has them."""
    lines = []
    if model.linear is not None:
        weight = model.linear.weight
        text = f"a linear model makes up {weight:.0%} of each prediction, the networks the rest"
        text = "a linear model predicts alone, because the networks do not improve on it" if weight == 1 else text
        lines.append(("Linear", text))
    if model.calibration is not None:
        lines.append(("Calibration", calibration_text(model.calibration)))
    if model.intervals is not None:
        lines.append(("Intervals", "from the errors on rows left out: glassnet predict --interval 0.9"))
    return lines


def calibration_text(calibration: Calibration) -> str:
    """One line on what was done to the probabilities."""
    temperature = calibration.temperature
    if temperature == 1:
        effect = "the networks' probabilities are used as they are"
    elif f"{temperature:.3g}" == "1":
        effect = "a temperature within 0.5 % of 1, which hardly changes the probabilities"
    else:
        direction = "less" if temperature > 1 else "more"
        effect = f"temperature {temperature:.3g}, which makes the probabilities {direction} certain"
    steps = ", then isotonic steps" if calibration.isotonic is not None else ""
    return f"{effect}{steps}; fitted to rows left out"

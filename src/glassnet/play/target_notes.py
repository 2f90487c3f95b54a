"""What is said of a target that a person brought: the unit of a quantity, and too many classes."""

from __future__ import annotations

from glassnet.data.target import ClassTarget, NumberTarget, TargetColumn
from glassnet.errors import DataError

MAX_CLASSES = 50


def scaled_note(target: TargetColumn) -> list[str]:
    """A note on the unit of a quantity: the network learns it scaled, and so are its costs and RMSE."""
    if not isinstance(target, NumberTarget):
        return []
    if len(target.scale) > 1:
        return [f"The network learns each column of {target.name} minus its mean, divided by its deviation."]
    learnt = f"the logarithm of {target.name}" if target.log else target.name
    unit = f"{1 / target.scale[0]:.4g}{' of it' if target.log else f' of {target.name}'}"
    centred = f"y {'−' if target.mean[0] >= 0 else '+'} {abs(target.mean[0]):.4g}"
    return [
        f"The network learns {learnt} as ({centred}) / {1 / target.scale[0]:.4g}: "
        f"1 in y, in predictions and in RMSE is {unit}."
    ]


def check_classes(path: str, target: TargetColumn) -> None:
    """Raise DataError for more classes than the page takes."""
    if isinstance(target, ClassTarget) and len(target.classes) > MAX_CLASSES:
        count = f"{len(target.classes):,} classes"
        raise DataError(f"{path}: {target.name!r} has {count}; the page takes up to {MAX_CLASSES}.")

"""`glassnet evaluate`: how good a model is on a data file whose target is known."""

from __future__ import annotations

import os
from typing import Annotated

from typer import Argument


def evaluate(
    model: Annotated[str, Argument(help="A model file that glassnet train wrote.")],
    file: Annotated[str, Argument(help="Data with the target in it; of an IDX folder, t10k-*.")],
) -> None:
    """Compare a model's predictions with the known targets: accuracy, log-loss and confusion, or RMSE and R²."""
    from glassnet.cli.dataset import read_known
    from glassnet.cli.model import load_model
    from glassnet.cli.run import scores_of
    from glassnet.cli.scores import confusion, confusion_text
    from glassnet.data.target import ClassTarget

    loaded = load_model(model)
    x, encoded, path = read_known(file, loaded)
    scores = scores_of(loaded, x, encoded)
    same = os.path.basename(file) == loaded.training.get("file") and "t10k" not in path
    print(f"{'rows':<9} {len(x):,} of {path}{' (a file of this name trained the model)' if same else ''}")
    names = {"accuracy": "accuracy", "log_loss": "log-loss", "rmse": "RMSE", "r2": "R²"}
    for key, value in scores.items():
        print(f"{names[key]:<9} {f'{value:.2%}' if key == 'accuracy' else f'{value:.6g}'}")
    if isinstance(loaded.target, ClassTarget):
        found = loaded.probabilities(x).argmax(axis=1)
        labels = [str(name) for name in loaded.target.classes]
        print(f"\n{confusion_text(confusion(found, encoded, len(labels)), labels)}")

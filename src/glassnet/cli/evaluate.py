"""`glassnet evaluate`: score a model on a data file whose target is known."""

from __future__ import annotations

import os

from glassnet.cli.options import KnownDataArgument, ModelArgument

SCORE_NAMES = {"accuracy": "accuracy", "log_loss": "log-loss", "rmse": "RMSE", "r2": "R²"}


def evaluate(model: ModelArgument, file: KnownDataArgument) -> None:
    """Score a model's predictions on known targets: accuracy, log-loss and confusion table, or RMSE and R²."""
    from glassnet.cli.dataset import read_with_target
    from glassnet.cli.scores import confusion, confusion_text
    from glassnet.cli.trained_model import load_model
    from glassnet.data.target import ClassTarget

    loaded = load_model(model)
    x, encoded, data = read_with_target(file, loaded)
    scores = loaded.scores(x, encoded)
    same_name = os.path.basename(file) == loaded.training.get("file") and "t10k" not in data.path
    print(
        f"{'rows':<9} {len(x):,} of {data.path}{' (the model was trained on a file of this name)' if same_name else ''}"
    )
    for key, value in scores.items():
        print(f"{SCORE_NAMES[key]:<9} {f'{value:.2%}' if key == 'accuracy' else f'{value:.6g}'}")
    if isinstance(loaded.target, ClassTarget):
        predicted = loaded.probabilities(x).argmax(axis=1)
        names = [str(name) for name in loaded.target.classes]
        print(f"\n{confusion_text(confusion(predicted, encoded, len(names)), names)}")

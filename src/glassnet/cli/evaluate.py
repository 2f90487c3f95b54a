"""`glassnet evaluate`: score a model on a data file whose target is known."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from glassnet.cli.options import KnownDataArgument, KnownTargetOption, ModelArgument
from glassnet.cli.printing import print_line, print_text

if TYPE_CHECKING:
    from glassnet.tabular.model import TabularModel
    from glassnet.tabular.scores import Scores


def evaluate(model: ModelArgument, file: KnownDataArgument, target: KnownTargetOption = None) -> None:
    """Score a model on known targets, compared with a constant prediction; for classes, print the confusion table."""
    from glassnet.cli.confusion import confusion, confusion_text
    from glassnet.cli.dataset import read_with_target
    from glassnet.cli.stored_model import load_model
    from glassnet.cli.stored_model import predicted as predicted_by
    from glassnet.data.target import ClassTarget

    loaded = load_model(model)
    x, encoded, data = read_with_target(file, loaded, target)
    same_name = os.path.basename(file) == loaded.training.get("file") and "t10k" not in data.path
    remark = " (the model was trained on a file of this name)" if same_name else ""
    print_line("Data", f"{data.path}: {len(x):,} row{'' if len(x) == 1 else 's'}{remark}")
    predicted = predicted_by(loaded, x)
    print_scores(loaded, predicted, encoded)
    if isinstance(loaded.target, ClassTarget):
        names = [str(name) for name in loaded.target.classes]
        print_text(f"\n{confusion_text(confusion(predicted.argmax(axis=1), encoded, len(names)), names)}")


def print_scores(model: TabularModel, predicted: Any, encoded: Any) -> None:
    """Print the scores of a model and of the constant, what is left out, and what the constant predicts."""
    from glassnet.cli.constant import constant_prediction, constant_text
    from glassnet.cli.scores import left_out_text, score_table
    from glassnet.cli.stored_model import scores_of

    scores = scores_of(model, predicted, encoded)
    columns = {"model": scores}
    constant = constant_prediction(model.target, model.training, len(encoded))
    if constant is not None:
        columns["constant"] = scores_of(model, constant, encoded)
    print_text("\n" + "\n".join(score_table(columns)) + "\n")
    if scores.reasons:
        print_line("Left out", left_out_text(scores))
    if constant is None:
        print_line("Constant", "unknown: the model file does not say how its training target was distributed")
        return
    print_line("Constant", constant_text(model.target, model.training))
    is_weighted = model.training.get("class weight", "none") != "none"
    if is_weighted:
        print_line("Weights", "in training each class counted the same; here each row counts the same")
    if not is_better(scores, columns["constant"], "balanced_accuracy" if is_weighted else "log_loss"):
        print_line("Warning", "on these rows the model is no better than the constant")


def is_better(scores: Scores, constant: Scores, of_classes: str) -> bool:
    """Whether a model beats the constant by a score of classes, or by RMSE.

    Where classes had weights it is the balanced accuracy: probabilities that mean to treat the classes alike have a
    high log-loss on rows as they come.
    """
    key, sign = ("rmse", 1) if "rmse" in scores.values else (of_classes, 1 if of_classes == "log_loss" else -1)
    return sign * scores.values.get(key, 0.0) < sign * constant.values.get(key, 0.0)

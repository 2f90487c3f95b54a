"""scikit-learn's callbacks (1.9 and later) around a fit and around each of its epochs."""

from __future__ import annotations

from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """There are no callbacks to support."""


__all__ = ["CallbackSupportMixin", "Hooks"]


class Hooks:
    """Calls the callbacks that were set on `model`, or handed down to it; `active` where there are any."""

    def __init__(self, model: Any, X: Any, y: Any, weights: Any) -> None:
        self.model = model
        self.active = bool(getattr(model, "_skl_callbacks", None))
        metadata = None if weights is None else {"sample_weight": weights}
        self.words = {"estimator": model, "X": X, "y": y, "metadata": metadata}
        if self.active:
            self.fit = model._init_callback_context(max_subtasks=model.max_iter + 1)  # L-BFGS begins one more
            self.fit.call_on_fit_task_begin(**self.words)

    def begin_epoch(self) -> None:
        """Before an epoch, or an iteration of L-BFGS."""
        if self.active:
            self.epoch = self.fit.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(**self.words, reconstruction_attributes=self._weights)

    def end_epoch(self) -> bool:
        """After it; whether a callback wants the fit to end."""
        return self.active and self.epoch.call_on_fit_task_end(**self.words, reconstruction_attributes=self._weights)

    def end_fit(self) -> None:
        """After the last one."""
        if self.active:
            self.fit.call_on_fit_task_end(**self.words, reconstruction_attributes=self._weights)

    def _weights(self) -> dict[str, Any]:
        """What a copy of the estimator needs to predict as if the fit had ended here."""
        return {name: [array.copy() for array in getattr(self.model, name)] for name in ("coefs_", "intercepts_")}

"""scikit-learn's callbacks (1.9 and later), called around a fit and around each of its epochs."""

from __future__ import annotations

from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Empty: scikit-learn before 1.9 has no callbacks."""


__all__ = ["CallbackSupportMixin", "SklearnCallbacks"]


class SklearnCallbacks:
    """Calls the callbacks set on `estimator` or passed down to it; `active` says whether there are any."""

    def __init__(self, estimator: Any, X: Any, y: Any, weights: Any) -> None:
        self.estimator, self.active = estimator, bool(getattr(estimator, "_skl_callbacks", None))
        metadata = None if weights is None else {"sample_weight": weights}
        self.arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        if self.active:
            self.fit = estimator._init_callback_context(max_subtasks=estimator.max_iter + 1)  # L-BFGS begins one more
            self.fit.call_on_fit_task_begin(**self.arguments)

    def begin_epoch(self) -> None:
        """Call before an epoch, or an iteration of L-BFGS."""
        if self.active:
            self.epoch = self.fit.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(**self.arguments, reconstruction_attributes=self._weights)

    def end_epoch(self) -> bool:
        """Call after an epoch; returns whether a callback asks the fit to stop."""
        arguments = self.arguments | {"reconstruction_attributes": self._weights}
        return self.active and self.epoch.call_on_fit_task_end(**arguments)

    def end_fit(self) -> None:
        """Call after the last epoch."""
        if self.active:
            self.fit.call_on_fit_task_end(**self.arguments, reconstruction_attributes=self._weights)

    def _weights(self) -> dict[str, Any]:
        """The attributes with which a copy of the estimator predicts as if the fit had ended here."""
        return {name: [array.copy() for array in getattr(self.estimator, name)] for name in ("coefs_", "intercepts_")}

"""Parameters of estimators that scikit-learn's checks let through although no float can hold them."""

from __future__ import annotations

from typing import Any

from glassnet.array_likes import check_representable


class ParameterCheckMixin:
    """Checks the size of whole numbers before scikit-learn checks their ranges."""

    def _validate_params(self) -> None:
        parameters: dict[str, Any] = self.get_params(deep=False)  # type: ignore[attr-defined]
        check_representable(parameters)
        super()._validate_params()  # type: ignore[misc]

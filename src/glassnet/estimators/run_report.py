"""The report of a fit by mini-batches: its end as one HTML file, the page of `glassnet play` with a recording."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted

from glassnet.errors import ParameterError
from glassnet.frames.report_samples import Names


class RunReports:
    """What lets an estimator write a report."""

    def report(self, path: Any, title: str = "") -> None:
        """Write the last fit as one self-contained HTML file: its costs, the network at its end, and a step in full.

        Raises ParameterError (a ValueError) if there is no record of a fit: after solver='lbfgs' or partial_fit, and in
        copies and pickles.
        """
        check_is_fitted(self)
        estimator: Any = self
        history = estimator._synced_network().history
        if history is None or history.reporter is None:
            raise ParameterError(
                "there is no record of a fit to report on: those by solver='lbfgs' and partial_fit have none, nor have "
                "copies and pickles."
            )
        inputs = tuple(map(str, getattr(self, "feature_names_in_", ())))
        classes = getattr(self, "classes_", ())
        names = () if isinstance(classes, list) else tuple(map(str, classes))
        history.reporter.names = Names(title or f"A fit of {type(self).__name__}", inputs, (), names)
        history.report(path, title)

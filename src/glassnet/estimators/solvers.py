"""The solvers that an estimator's parameter may name, and what the error for another name adds to scikit-learn's."""

from __future__ import annotations

from sklearn.utils._param_validation import StrOptions

STOCHASTIC_SOLVERS = ("sgd", "adam")


class SolverOptions(StrOptions):
    """Names of solvers; the error for another name says where glassnet's optimisers are."""

    def __str__(self) -> str:
        return f"{super().__str__()} (other optimisers, such as 'adamw', are given as optimizer=)"


SOLVERS = SolverOptions({"lbfgs", *STOCHASTIC_SOLVERS})

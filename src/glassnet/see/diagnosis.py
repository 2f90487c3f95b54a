"""What ails a network: its layers, the costs of its last run and its data, turned into findings with one change each.

The numbers are read off the plain lowering of the network's own program (measures.py); the rules that read them stand
in learning_rules.py and data_rules.py. A rule whose cause another one has named stays silent.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from glassnet.errors import ParameterError
from glassnet.see import data_rules, learning_rules
from glassnet.see.evidence import Evidence, Finding, gathered

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork


class Rule(NamedTuple):
    """A function that finds one thing or nothing, and the findings that would explain it away."""

    find: Callable[[Evidence], Finding | None]
    unless: tuple[str, ...] = ()


CAUSES = ("symmetric start", "wrong output activation", "saturated units", "dead units", "vanishing gradients")
RULES = (
    Rule(data_rules.wrong_output),
    Rule(data_rules.unscaled),
    Rule(data_rules.large_targets),
    Rule(data_rules.constant),
    Rule(data_rules.imbalance),
    Rule(data_rules.duplicates),
    Rule(learning_rules.symmetric),
    Rule(learning_rules.exploding),
    Rule(learning_rules.saturated, ("wrong output activation",)),
    Rule(learning_rules.dead),
    Rule(learning_rules.vanishing, ("symmetric start", "saturated units", "dead units")),
    Rule(learning_rules.rate_too_high, ("exploding gradients",)),
    Rule(data_rules.contradictions, ("wrong output activation",)),
    Rule(learning_rules.cannot_fall, (*CAUSES, "rate too high", "cost that cannot fall")),
    Rule(learning_rules.rate_too_low, (*CAUSES, "cost that cannot fall")),
    Rule(learning_rules.noisy_batch, (*CAUSES, "rate too high", "cost that cannot fall")),
    Rule(learning_rules.overfit),
)


class Diagnosis(NamedTuple):
    """All findings, the most telling first; printed, each with its evidence, cause, change and what that should do.

    `looked_at` says what it went by.
    """

    findings: tuple[Finding, ...]
    looked_at: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the findings."""
        return tuple(finding.name for finding in self.findings)

    def __str__(self) -> str:
        lines = [f"{len(self.findings) or 'no'} finding{'' if len(self.findings) == 1 else 's'} in {self.looked_at}"]
        return "\n\n".join([*lines, *map(str, self.findings)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def diagnose(network: NeuralNetwork, x: Any = None, y: Any = None) -> Diagnosis:
    """What ails `network`: by its last run alone, or also by x (fan_in, batch) and y, (fan_out, batch) or classes.

    The network is left as it was. Raises ParameterError where there is neither a run nor data.
    """
    if (x is None) != (y is None):
        raise ParameterError("diagnose needs x and y together, or neither.")
    if x is None and network.history is None:
        raise ParameterError("this network has not been trained here: pass x and y, the data to judge it by.")
    evidence = gathered(network, x, y)
    findings: list[Finding] = []
    for rule in RULES:
        found = None if any(one.name in rule.unless for one in findings) else rule.find(evidence)
        if found is not None:
            findings.append(found)
    return Diagnosis(tuple(findings), _looked_at(evidence))


def _looked_at(evidence: Evidence) -> str:
    """What a diagnosis went by, in words."""
    parts = [f"{len(evidence.network.weights)} layers"] if evidence.measures is not None else []
    if evidence.history is not None:
        parts.append(f"{len(evidence.history)} epochs")
    if evidence.x is not None:
        parts.append(f"{len(evidence.x):,} rows")
    return ", ".join(parts)

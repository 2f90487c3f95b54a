"""What ails a network: its layers, the costs of its last run and its data, turned into findings with one change each.

The numbers are read off the plain lowering of the network's own program (measures.py); the rules that read them stand
in learning_rules.py and data_rules.py. A rule whose cause another one has named stays silent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from glassnet.errors import ParameterError
from glassnet.see import data_rules, learning_rules
from glassnet.see.evidence import Evidence, Finding, gathered
from glassnet.see.wording import Reader

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork


class Rule(NamedTuple):
    """A function that finds one thing or nothing, the findings that would explain it away, and whether it counts rows:
    then it goes by all the data only.
    """

    find: Callable[[Evidence], Finding | None]
    unless: tuple[str, ...] = ()
    counts: bool = False


CAUSES = ("symmetric start", "wrong output activation", "saturated units", "dead units", "vanishing gradients")
RULES = (
    Rule(data_rules.wrong_output),
    Rule(data_rules.unscaled),
    Rule(data_rules.large_targets),
    Rule(data_rules.constant, counts=True),
    Rule(data_rules.imbalance, counts=True),
    Rule(data_rules.duplicates, counts=True),
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
        return f"<pre style='white-space:pre-wrap'>{escape(str(self))}</pre>"


def diagnose(network: NeuralNetwork, x: Any = None, y: Any = None, columns: Sequence[str] | None = None) -> Diagnosis:
    """What ails `network`: by its last run and the samples it keeps of it, or by x (fan_in, batch) and y.

    y is (fan_out, batch) or classes; `columns` are the names of x's rows. The network is left as it was. Raises
    ParameterError where there is neither a run nor data.
    """
    if (x is None) != (y is None):
        raise ParameterError("diagnose needs x and y together, or neither.")
    if columns is not None and len(columns) != network.architecture.inputs:
        raise ParameterError(f"columns has {len(columns)} names, but x has {network.architecture.inputs} columns.")
    if x is None and network.history is None and network.seen is None:
        raise ParameterError(
            "this network knows of no training (it has had none, or comes from a file that kept none): pass x and y, "
            "the data to judge it by."
        )
    return diagnosed(gathered(network, x, y, Reader(columns=columns)))


def diagnosed(evidence: Evidence) -> Diagnosis:
    """All that the rules find."""
    return Diagnosis(findings(evidence), _looked_at(evidence))


def findings(evidence: Evidence, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """What these rules find, one after the other; those that another finding explains away are not asked."""
    found: list[Finding] = []
    for rule in rules:
        if any(one.name in rule.unless for one in found) or (rule.counts and not evidence.whole):
            continue
        found += filter(None, [rule.find(evidence)])
    return tuple(found)


def _looked_at(evidence: Evidence) -> str:
    """What a diagnosis went by, in words."""
    parts = [f"{len(evidence.network.weights)} layers"] if evidence.measures is not None else []
    if evidence.history is not None:
        count = len(evidence.history)
        parts.append(f"{count} epoch{'' if count == 1 else 's'}")
    if evidence.x is not None:
        parts.append(f"{len(evidence.x):,} {'rows' if evidence.whole else 'training rows'}")
    return ", ".join(parts)

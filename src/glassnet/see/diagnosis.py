"""A network that trains badly: its layers, the costs of its last run and its data become findings, with a change each.

evidence.py measures them; the rules that read the evidence are in the files *_rules.py beside this one. A rule whose
cause an earlier one has named stays silent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.sources import Sources, checked_sources
from glassnet.errors import ParameterError, counted, printable
from glassnet.execution.model import Model
from glassnet.result_html import paragraph_html
from glassnet.see import data_rules, learning_rules, structure_rules, target_rules
from glassnet.see.evidence import Evidence, Finding, evidence_of_run, examine
from glassnet.see.wording import NETWORK, Wording
from glassnet.training.history import History


class Rule(NamedTuple):
    """A function that finds one thing or nothing; it is not applied after the findings `unless`, which explain it.

    A rule that `needs_all_data` counts samples, so it is not applied to a few of them.
    """

    find: Callable[[Evidence], Finding | None]
    unless: tuple[str, ...] = ()
    needs_all_data: bool = False


LINES = {"why": "equation", "try": "change", "expected": "expected"}  # of a finding, with its fields
# Causes before their symptoms: what makes training impossible, then what makes it slow, then what does little harm.
LAYERS = (
    "symmetric start",
    "exploding gradients",
    "saturated units",
    "dead units",
    "dead output",
    "vanishing gradients",
)
STRUCTURE = (
    "dropout too strong",
    "batches of one sample",
    "penalty too strong",
    "no better than a linear model",
    "unpredictable targets",
    "a quantity as classes",
)
SCALE = ("wrong output activation", "unscaled columns", "unscaled targets", "targets too small")
CANNOT_FALL = "cost that cannot fall"
CAUSES = (*SCALE, *STRUCTURE, *LAYERS, CANNOT_FALL, "rate too high")
RULES = (
    Rule(target_rules.wrong_output),
    Rule(data_rules.unscaled),
    Rule(target_rules.large_targets),
    Rule(target_rules.small_targets),
    Rule(data_rules.indistinct),
    Rule(structure_rules.symmetric),
    Rule(structure_rules.strong_dropout),
    Rule(structure_rules.batch_of_one),
    Rule(target_rules.quantity),
    Rule(data_rules.imbalance, ("a quantity as classes",), needs_all_data=True),
    Rule(data_rules.unpredictable, ("texts without an input", "a quantity as classes")),
    Rule(structure_rules.linear),
    Rule(structure_rules.strong_penalty, (*SCALE, *STRUCTURE, "symmetric start", "texts without an input")),
    Rule(structure_rules.dead_output, ("wrong output activation",)),
    Rule(learning_rules.exploding),
    Rule(learning_rules.rate_too_high, ("exploding gradients", "targets too small", *STRUCTURE)),
    Rule(learning_rules.saturated, ("wrong output activation", *STRUCTURE)),
    Rule(learning_rules.dead, STRUCTURE),
    Rule(learning_rules.vanishing, (*LAYERS, *STRUCTURE)),
    Rule(data_rules.contradictions, ("wrong output activation", "unpredictable targets")),
    Rule(learning_rules.worse_than_constant, CAUSES),
    Rule(learning_rules.rate_too_low, (*CAUSES, "validation worse than a constant")),
    Rule(learning_rules.noisy_batch, (*LAYERS, *STRUCTURE, CANNOT_FALL, "wrong output activation", "rate too high")),
    Rule(
        learning_rules.learnt_nothing,
        (*CAUSES, "validation worse than a constant", "rate too low", "batch too noisy", "texts without an input"),
    ),
    Rule(learning_rules.overfit, ("validation worse than a constant", "unpredictable targets")),
    Rule(data_rules.duplicates, needs_all_data=True),
    Rule(data_rules.constant, needs_all_data=True),
)


@dataclass(frozen=True, repr=False)
class Diagnosis(Sequence[Finding]):
    """All findings, the most significant first; printed, each with its evidence, cause, change and expected effect.

    A sequence of its `findings`: it can be iterated over, indexed and counted, and is false where there are none.
    `basis` says what it is based on.
    """

    findings: tuple[Finding, ...]
    basis: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the findings."""
        return tuple(finding.name for finding in self.findings)

    def __getitem__(self, index: Any) -> Any:
        return self.findings[index]

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        head = f"{len(self.findings) or 'no'} finding{'' if len(self.findings) == 1 else 's'} in {self.basis}"
        return printable("\n\n".join([head, *map(str, self.findings)]))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        head = str(self).partition("\n")[0]
        return f"{paragraph_html(head)}<ul>{''.join(map(_finding_html, self.findings))}</ul>"


def _finding_html(finding: Finding) -> str:
    """A finding as an entry of a list."""
    lines = [str(finding).partition("\n")[0], *(f"{name}: {getattr(finding, field)}" for name, field in LINES.items())]
    return f"<li style='margin-top:0.8em'>{''.join(map(paragraph_html, lines))}</li>"


def diagnose(
    model: Model, history: History | None, samples: Sources | None, x: Any, y: Any, wording: Wording = NETWORK
) -> Diagnosis:
    """What is wrong with a model, by its last run, some samples of it, and x and y; see Inspection.diagnose."""
    if (x is None) != (y is None):
        raise ParameterError("diagnose needs x and y together, or neither.")
    if wording.columns is not None and len(wording.columns) != model.architecture.inputs:
        raise ParameterError(
            f"columns has {len(wording.columns)} names, but x has {model.architecture.inputs} columns."
        )
    if x is not None:
        sources = checked_sources(model.architecture, model.dtype, x, y)
        return diagnosis_of(examine(model, history, sources, wording))
    if history is None and samples is None:
        raise ParameterError(
            "this network has no record of a training (it was not trained, or comes from a file without one): pass x "
            "and y, the data to judge it by."
        )
    return diagnosis_of(evidence_of_run(model, history, samples, wording))


def diagnosis_of(evidence: Evidence) -> Diagnosis:
    """All that the rules find."""
    return Diagnosis(findings(evidence), _basis(evidence))


def findings(evidence: Evidence, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """What these rules find, in their order, without those that an earlier finding explains away."""
    result: list[Finding] = []
    with np.errstate(all="ignore"):  # a rule may meet any number, and says so in its sentence
        for rule in rules:
            if any(finding.name in rule.unless for finding in result):
                continue
            if evidence.is_complete or not rule.needs_all_data:
                result += filter(None, [rule.find(evidence)])
    return tuple(result)


def _basis(evidence: Evidence) -> str:
    """What a diagnosis is based on."""
    parts = [counted(len(evidence.model.architecture.dense), "layer")] if evidence.measures is not None else []
    if evidence.history:
        parts.append(counted(len(evidence.history), "epoch"))
    if evidence.x is not None:
        parts.append(counted(len(evidence.x), "sample" if evidence.is_complete else "training sample"))
    if (precision := evidence.model.architecture.precision) is not None:
        parts.append(f"trained in {precision}, costs of the data in {evidence.model.dtype}")
    return ", ".join(parts)

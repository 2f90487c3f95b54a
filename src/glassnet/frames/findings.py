"""What a diagnosis finds in a run in progress, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from glassnet.errors import printable
from glassnet.frames.encoding import Message
from glassnet.frames.samples import Samples, spread
from glassnet.see.diagnosis import diagnosis_of
from glassnet.see.evidence import Finding, evidence_of_run
from glassnet.see.wording import NETWORK, Wording
from glassnet.training.training import Training

MEASURED = 512  # training samples that are judged: those of the charts (frame.py), so that both say the same
MAX_FOLLOWED, LEAST_FOLLOWED = 1000, 5  # steps whose costs are remembered, and that a judgement needs
ROSE, FELL = 1.2, 0.9  # as the rule of a diagnosis, which reads the validation of a `train`


class HeldOut(NamedTuple):
    """C of the training samples and of the held-out ones at a step that was shown."""

    training: float
    validation: float


def findings(
    training: Training,
    samples: Samples,
    wording: Wording = NETWORK,
    followed: Mapping[int, HeldOut] | None = None,
) -> list[Message]:
    """Finding messages of the run as it is now; `followed` are its costs at the steps that were shown."""
    part = samples.part(spread(samples.trained, MEASURED))
    findings = list(diagnosis_of(evidence_of_run(training.model, training.history(), part, wording)))
    overfitting = overfit({t: costs for t, costs in (followed or {}).items() if t <= training.counters.step}, wording)
    if overfitting and all(finding.name != overfitting.name for finding in findings):
        findings.append(overfitting)
    return list(map(finding_message, findings))


def overfit(followed: Mapping[int, HeldOut], wording: Wording) -> Finding | None:
    """The held-out cost rose from its best while the training cost fell: a page's run has no validation of its own."""
    if len(followed) < LEAST_FOLLOWED:
        return None
    best, now = min(followed, key=lambda t: followed[t].validation), followed[max(followed)]
    at_best = followed[best]
    if not (now.validation > ROSE * at_best.validation and now.training < FELL * at_best.training):
        return None
    return Finding(
        "overfit",
        f"the cost of the held-out samples is {now.validation:.3g} (the best of the steps that were shown "
        f"is {at_best.validation:.3g}, at step {best:,}), that of the training samples {now.training:.3g}.",
        "cost: C is the mean over the training samples alone; every step lowers it, also by learning their noise.",
        f"going back to step {best}; or {wording.regularise}.",
        f"a held-out cost of {at_best.validation:.3g} or less.",
    )


def remember(followed: dict[int, HeldOut], t: int, training: float | None, validation: float | None) -> None:
    """Note the costs at step t; of very many steps, every second one is forgotten."""
    if training is None or validation is None:
        return
    followed[t] = HeldOut(training, validation)
    if len(followed) > MAX_FOLLOWED:
        best = min(followed, key=lambda t: followed[t].validation)
        for step in sorted(followed)[1:-1:2]:
            if step != best:
                del followed[step]


def finding_message(finding: Finding) -> Message:
    """A finding of a diagnosis; its texts may contain names from a file, whose control codes are escaped."""
    texts = (finding.name, finding.evidence, finding.equation, finding.change, finding.expected)
    return dict(zip(("name", "text", "equation", "change", "effect"), map(printable, texts), strict=True))

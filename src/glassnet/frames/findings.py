"""What a diagnosis finds in a run in progress, as the page shows it."""

from __future__ import annotations

from glassnet.errors import printable
from glassnet.frames.encoding import Message
from glassnet.frames.samples import Samples, spread
from glassnet.see.diagnosis import diagnosis_of
from glassnet.see.evidence import Finding, evidence_of_run
from glassnet.training.training import Training

MEASURED = 256  # training samples that are judged


def findings(training: Training, samples: Samples) -> list[Message]:
    """Finding messages of the run as it is now."""
    part = samples.part(spread(samples.trained, MEASURED))
    diagnosis = diagnosis_of(evidence_of_run(training.model, training.history(), part))
    return list(map(finding_message, diagnosis))


def finding_message(finding: Finding) -> Message:
    """A finding of a diagnosis; its texts may contain names from a file, whose control codes are escaped."""
    texts = (finding.name, finding.evidence, finding.equation, finding.change, finding.expected)
    return dict(zip(("name", "text", "equation", "change", "effect"), map(printable, texts), strict=True))

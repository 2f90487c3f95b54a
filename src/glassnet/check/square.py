"""Why a person's code cannot be run with these widths: the error, and the mistake that only equal widths would hide.

On a network whose widths and batch are equal every transpose fits. What the code computes there shows which mistake
raises the error elsewhere; the error itself is always reported.
"""

from __future__ import annotations

import re

from glassnet.check.candidates.candidate import Candidate, CandidateError
from glassnet.check.comparison import compare_gradients
from glassnet.check.mistakes.fault import Fault, ShapeFault
from glassnet.check.trial import Trial

MATMUL = re.compile(r"matmul: Input operand 1 has a mismatch .*?\(size (\d+) is different from (\d+)\)")
DOT = re.compile(r"shapes (\(.*?\)) and (\(.*?\)) not aligned: \d+ \(dim \d\) != \d+ \(dim \d\)")
BROADCAST = re.compile(r"operands could not be broadcast together with shapes (\(.*?\)) (\(.*?\))")


def run_faults(candidate: Candidate, trial: Trial, error: CandidateError) -> list[Fault]:
    """The error that their code raised or the shape that it returned, with the mistake that explains it."""
    sentence = f"{in_words(str(error), trial)}; layers were {trial.widths}, x {candidate.x_shape(trial)}"
    others = _hidden_faults(candidate, trial)
    cause = next((fault for fault in others if isinstance(fault, ShapeFault)), None)
    if cause is None:
        return [Fault(error.equation, f"{sentence}."), *others]
    named = Fault(cause.equation, f"{cause.sentence.rstrip('.')} ({sentence}).")
    return [named if fault is cause else fault for fault in others]


def in_words(text: str, trial: Trial) -> str:
    """NumPy's message about shapes that do not fit, as a sentence that says what the sizes are."""
    if match := MATMUL.search(text):
        right, left = int(match[1]), int(match[2])
        plain = f"a matrix product has {left} columns on its left and {right} rows on its right"
        return text.replace(match[0], plain + _meaning((left, right), trial))
    for pattern, what in (
        (DOT, "a matrix product of shapes {} and {} is impossible"),
        (BROADCAST, "shapes {} and {} do not fit"),
    ):
        if match := pattern.search(text):
            sizes = tuple(int(size) for size in re.findall(r"\d+", match[1] + match[2]))
            return text.replace(match[0], what.format(match[1], match[2]) + _meaning(sizes, trial))
    return text


def _meaning(sizes: tuple[int, ...], trial: Trial) -> str:
    """What these numbers are, where each can be only one thing."""
    meanings = []
    for size in dict.fromkeys(sizes):
        layers = [n for n, width in enumerate(trial.widths) if width == size]
        if size == trial.m:
            meanings.append(f"{size} is the batch")
        elif layers and size > 1:
            names = ["x" if n == 0 else f"layer {n}" for n in layers]
            meanings.append(f"{size} is the width of {' and '.join(names)}")
    return f" ({', '.join(meanings)})" if meanings else ""


def _hidden_faults(candidate: Candidate, trial: Trial) -> list[Fault]:
    """The faults on a network of equal widths, if known mistakes explain all that it computes."""
    if candidate.has_fixed_widths or any(layer.activation.groups for layer in trial.dense):
        return []  # both fit only their own widths
    width = max(2, min(5, max(trial.widths)))
    try:
        faults = compare_gradients(candidate, trial.variant([width] * len(trial.widths), width)).faults
    except CandidateError:
        return []
    return [] if any("no known mistake" in fault.sentence for fault in faults) else faults

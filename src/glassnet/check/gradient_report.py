"""What a gradient check found: one finding per comparison, and the table that is printed."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from glassnet.program.program import symbol
from glassnet.result_html import preformatted_html
from glassnet.see.slope import AGREES, KINK, SMALL, STEEP, UNJUDGED, WRONG

NUDGE = 0.05  # the spread of what is added to the biases of a nudged copy
WIDTH = 100  # of the printed sentences
HEADS = ("layer", "equation", "quantity", "backpropagation", "differences", "relative")
REASONS = {
    KINK: "the slopes of C on both sides differ, so that it has no gradient there",
    SMALL: "the gradient moves C by less than float64 resolves",
    STEEP: "C curves within any step that is long enough to show in spite of rounding",
}


class Finding(NamedTuple):
    """One comparison: layer, equation, quantity, and the slope by backpropagation and by differences.

    `difference` is relative. `limit` is the largest that counts as agreement: the tolerance, or what rounding allows
    where that is more (1e-3 at most). `verdict` is "agrees", "wrong", "at a kink", "too small to judge" or "too steep
    to judge". `nudged` is empty, or says why the network itself could not be judged: the numbers are then those of a
    copy whose biases were nudged.
    """

    layer: int
    equation: str
    quantity: str
    analytic: float
    numeric: float
    difference: float
    limit: float
    verdict: str = AGREES
    nudged: str = ""

    @property
    def judged(self) -> bool:
        """Whether differences could decide."""
        return self.verdict not in UNJUDGED

    @property
    def gravity(self) -> tuple[bool, bool, float]:
        """What is worse than another finding: a wrong one, then one that is not judged, then a larger difference."""
        return self.verdict == WRONG, not self.judged, self.difference

    def cells(self, tolerance: float) -> tuple[str, ...]:
        """The finding as a row of the table, with a remark behind it."""
        remark = "" if self.verdict == AGREES else f"← {self.verdict}"
        if not remark and self.difference > tolerance:
            remark = f"(within rounding, {self.limit:.0e})"
        numbers = (f"{self.analytic + 0.0:.9g}", f"{self.numeric + 0.0:.9g}", f"{self.difference:.1e}")
        return str(self.layer), self.equation, f"{self.quantity}{' *' if self.nudged else ''}", *numbers, remark


class GradientReport(NamedTuple):
    """All comparisons of a check; printed, it is a table.

    `ok`: nothing is wrong. What could not be judged is neither right nor wrong: it is in `unjudged`, and the printed
    table counts it and gives the reason. Where nothing at all could be judged, `ok` is False. For a network of mixed
    `precision`, `roundings` has by how much each gradient that it trains with differs from the one that was checked,
    as ‖difference‖/‖gradient‖.
    """

    findings: tuple[Finding, ...]
    tolerance: float
    precision: str = ""
    roundings: Mapping[str, float] = {}

    @property
    def worst(self) -> Finding:
        """A wrong comparison with the largest difference; without one, the largest among those that were judged."""
        return max(self.findings, key=lambda finding: (finding.judged, finding.verdict == WRONG, finding.difference))

    @property
    def unjudged(self) -> tuple[Finding, ...]:
        """The comparisons that differences could not decide, not even on copies with nudged biases."""
        return tuple(finding for finding in self.findings if not finding.judged)

    @property
    def ok(self) -> bool:
        """Whether no gradient is wrong, and at least one comparison could be judged."""
        return self.worst.verdict == AGREES

    def __str__(self) -> str:
        rows = [HEADS, *(finding.cells(self.tolerance) for finding in self._listed())]
        sentences = [self._verdict(), *self._notes()]
        wrapped = [line for each in sentences for line in textwrap.wrap(each, WIDTH, subsequent_indent="  ")]
        return "\n".join([*_aligned(rows), *wrapped])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return preformatted_html(self)

    def _listed(self) -> list[Finding]:
        """The gravest finding of each gradient."""
        listed: dict[tuple[int, str, str], Finding] = {}
        for finding in self.findings:
            key = (finding.layer, finding.equation, finding.quantity.split("[")[0])
            if key not in listed or finding.gravity > listed[key].gravity:
                listed[key] = finding
        return list(listed.values())

    def _verdict(self) -> str:
        """What agrees, and how many comparisons say so."""
        total, unjudged = len(self.findings), len(self.unjudged)
        compared = f"{total - unjudged} of {total} comparisons" if unjudged else f"{total} comparisons"
        if self.worst.verdict == WRONG:
            verdict = f"{self.worst.quantity} ({self.worst.equation}) disagrees"
        elif unjudged == total:
            verdict = "no gradient could be judged"
        else:
            verdict = f"every gradient {'that can be judged ' if unjudged else ''}agrees"
        return f"{verdict}: {compared}, tolerance {self.tolerance:g}"

    def _notes(self) -> Iterator[str]:
        """What the numbers are, what was not judged, and what was judged on a copy."""
        if not any("[" in finding.quantity for finding in self.findings):
            yield "the numbers are slopes of C along random directions; entries=True compares each entry of dW and db"
        if self.roundings:
            name = max(self.roundings, key=lambda name: self.roundings[name])
            yield (
                f"checked in float64, where products are not rounded; the gradients in {self.precision}, with which "
                f"it trains, differ from these by at most {self.roundings[name]:.1%} (of {symbol(name)}, in norm)"
            )
        for verdict, count in Counter(finding.verdict for finding in self.unjudged).items():
            yield f"not judged: {count} {verdict}; {REASONS[verdict]}"
        nudged = Counter(finding.nudged for finding in self.findings if finding.nudged)
        if nudged:
            counts = ", ".join(f"{count} {verdict}" for verdict, count in nudged.items())
            because = " (a z of exactly 0, say, as where the biases are still 0)" if KINK in nudged else ""
            yield (
                f"* judged on a copy whose biases were nudged by {NUDGE:g}·normal, because with the network's "
                f"own biases differences do not follow C: {counts}{because}"
            )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of one width per column; numbers to the right, and remarks after them."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEADS))]
    lines = []
    for row in rows:
        texts = [f"{cell:<{width}}" for cell, width in zip(row[:3], widths[:3], strict=True)]
        numbers = [f"{cell:>{width}}" for cell, width in zip(row[3:6], widths[3:], strict=True)]
        lines.append("  ".join([*texts, *numbers, *row[6:]]).rstrip())
    return lines

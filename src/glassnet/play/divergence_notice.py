"""What a page is told where a run ended because a number was no longer finite."""

from __future__ import annotations

import re
from typing import Any

from glassnet.errors import DivergedError

QUANTITY = re.compile(r"\): (\S+?\[[^\]]*\]|\S+) became ")  # in the sentence of a DivergedError


def divergence_notice(error: DivergedError, t: int) -> dict[str, Any]:
    """The Notice; `t` is the last step with finite numbers, `quantity` the first that was not."""
    text = f"Training stopped after step {t:,}: {error}"
    notice = {"type": "notice", "kind": "diverged", "text": text, "t": t}
    if match := QUANTITY.search(str(error)):
        notice["quantity"] = match[1]
    return notice

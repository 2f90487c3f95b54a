"""Greek letters and signs spelled in ASCII, for a screen or a pipe that has no others.

The equations are written in Greek everywhere; only where the output's encoding lacks a letter is it spelled out here.
"""

from __future__ import annotations

SPELLED = str.maketrans(
    {
        **{"δ": "delta", "σ": "sigma", "Σ": "sum", "μ": "mu", "ε": "eps", "γ": "gamma", "β": "beta", "η": "eta"},
        **{"·": "*", "⊙": "(*)", "×": "x", "−": "-", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≈": "~", "±": "+-"},
        **{"∂": "d", "∇": "grad ", "√": "sqrt", "‖": "||", "²": "^2", "ᵀ": "^T", "½": "1/2 ", "¼": "1/4 "},
        **{"x̂"[1]: "_hat", "ⱼ": "j", "ₖ": "k", "ᵢ": "i", "τ": "tau", "…": "...", "✗": "x", "–": "-", "’": "'"},
    }
)


def spelled(text: str) -> str:
    """The text in ASCII: δ is delta, ᵀ is ^T, · is *; what has no spelling is a question mark."""
    return text.translate(SPELLED).encode("ascii", "replace").decode()


def spell_missing(error: UnicodeError) -> tuple[str, int]:
    """For codecs.register_error: spell what the encoding lacks, and go on after it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return spelled(error.object[error.start : error.end]), error.end

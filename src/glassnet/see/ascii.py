"""Greek letters and signs spelled out in ASCII, for a terminal or pipe whose encoding lacks them."""

from __future__ import annotations

ASCII_SPELLINGS = str.maketrans(
    {
        **{"δ": "delta", "σ": "sigma", "Σ": "sum", "μ": "mu", "ε": "eps", "γ": "gamma", "β": "beta", "η": "eta"},
        **{"·": "*", "⊙": "(*)", "×": "x", "−": "-", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≈": "~", "±": "+-"},
        **{"∂": "d", "∇": "grad ", "√": "sqrt", "‖": "||", "²": "^2", "ᵀ": "^T", "½": "1/2 ", "¼": "1/4 "},
        **{"x̂"[1]: "_hat", "ⱼ": "j", "ₖ": "k", "ᵢ": "i", "τ": "tau", "…": "...", "✗": "x", "–": "-", "’": "'"},
    }
)


def to_ascii(text: str) -> str:
    """The text in ASCII: δ is delta, ᵀ is ^T, · is *; a sign without a spelling becomes a question mark."""
    return text.translate(ASCII_SPELLINGS).encode("ascii", "replace").decode()


def spell_missing(error: UnicodeError) -> tuple[str, int]:
    """An error handler for codecs.register_error: spell out what the encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return to_ascii(error.object[error.start : error.end]), error.end

"""The bytes of a text file as UTF-8: the encoding that was given, a byte order mark, or clearly Windows-1252.

Bytes that are neither are refused with their line: a wrong guess would silently turn a name into another one.
"""

from __future__ import annotations

import codecs
import re

from glassnet.errors import DataError, ParameterError

BLOCK_BYTES = 1 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# What text in another one-byte encoding looks like: Ìîñêâà, Wroc³aw, £ódŸ.
SUSPICIOUS = re.compile(
    "[À-ÖØ-öø-ÿŠšŽžŒœŸ]{3}|[a-zß-öø-ÿ][À-ÖØ-ÞŠŽŒŸ]|[A-Za-zÀ-ÿ][£¤¥§©®°±²³µ¹¼½¾×÷][a-zà-ÿ]|[£¤¥¦][A-Za-zÀ-ÿ]"
)
COMMON_SIGNS = frozenset("€‚„…‰‹›‘’“”•–—™ ¡¢£¤¥§©ª«¬®°±²³´µ¶·¹º»¼½¾¿×÷")


def to_utf8(name: str, content: bytes, encoding: str | None) -> tuple[bytes, str]:
    """The content as UTF-8 without a byte order mark, and a note if it had another encoding.

    Raises DataError, with a line, for bytes that are no text, and ParameterError for an unknown encoding.
    """
    if encoding is not None:
        return _from_encoding(name, content, encoding), ""
    if content.startswith(UTF_16_MARKS):
        return _decoded(name, content, "utf-16"), f"{name} is read as UTF-16"
    content = content.removeprefix(BYTE_ORDER_MARK)
    if (offset := content.find(b"\0")) >= 0:
        advice = _utf_16_advice(content) or "give a CSV, Parquet or .npz file"
        raise DataError(f"{name} looks binary (NUL at byte {offset}); {advice}.")
    invalid = invalid_utf8(content)
    if invalid is None:
        return content, ""
    if not _is_windows_1252(content):
        raise _not_text(name, content, invalid)
    example = _first_word(content.decode("cp1252"))
    return content.decode("cp1252").encode(), f"{name} is read as Windows-1252 ({example}); --encoding overrules"


def _utf_16_advice(content: bytes) -> str:
    """What to do with text of two bytes per letter that has no mark at its start; empty for other bytes."""
    for encoding, others in (("utf-16-le", content[1:64:2]), ("utf-16-be", content[:64:2])):
        if others.count(0) == len(others):
            return f"if it is UTF-16 text, give --encoding {encoding}"
    return ""


def invalid_utf8(content: bytes) -> int | None:
    """The offset of the first byte that is no UTF-8, or None; by blocks, to spare memory."""
    if content.isascii():
        return None
    decode, view, carried = codecs.getincrementaldecoder("utf-8")(), memoryview(content), 0
    for start in range(0, len(content), BLOCK_BYTES):
        try:
            decode.decode(view[start : start + BLOCK_BYTES], final=start + BLOCK_BYTES >= len(content))
        except UnicodeDecodeError as error:
            return start - carried + error.start
        carried = len(decode.getstate()[0])  # of a letter that the next block completes
    return None


def _from_encoding(name: str, content: bytes, encoding: str) -> bytes:
    try:
        b"a".decode(encoding, "replace")
    except (LookupError, ValueError):  # not known, or of bytes to bytes, such as "hex"
        raise ParameterError(f"encoding {encoding!r} is unknown; examples: utf-8, cp1252, latin-1, utf-16.") from None
    return _decoded(name, content, encoding).removeprefix(BYTE_ORDER_MARK)


def _decoded(name: str, content: bytes, encoding: str) -> bytes:
    """The content, of another encoding, as UTF-8."""
    try:
        decoded = content.decode(encoding).encode()
    except UnicodeError as error:
        line = _line(content, getattr(error, "start", 0))
        raise DataError(f"{name} line {line} is not {encoding} text; give another encoding.") from None
    if b"\0" in decoded:
        raise DataError(f"{name} is not {encoding} text: it has NUL characters; give another encoding.")
    return decoded


def _is_windows_1252(content: bytes) -> bool:
    """Whether all bytes above 127 are letters and common signs of Windows-1252, and none form UTF-8 letters."""
    if re.search(rb"[\xc3-\xdf][\x80-\xbf]", content):
        return False
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return False
    signs = set(re.sub(r"[\x00-\x7f]+", "", text))
    return not SUSPICIOUS.search(text) and all(sign.isalpha() or sign in COMMON_SIGNS for sign in signs)


def _first_word(text: str) -> str:
    """The first word that is not ASCII, as an example."""
    match = re.search(r"\w*[^\x00-\x7f]\w*", text)
    return match[0][:20].strip() if match else ""


def _not_text(name: str, content: bytes, offset: int) -> DataError:
    line = _line(content, offset)
    return DataError(
        f"{name} line {line} is not UTF-8 text; save the file as UTF-8, or name its encoding (--encoding)."
    )


def _line(content: bytes, offset: int) -> int:
    return len(re.findall(b"\r\n|\r|\n", content[:offset])) + 1

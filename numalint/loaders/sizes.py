"""Sizes as numalint's own files have them."""

from __future__ import annotations

import re

_SIZE = re.compile(r"([0-9]{1,19})\s*(?:([KMGTP])(i?B)?|B)", re.IGNORECASE | re.ASCII)
_POWERS = "BKMGTP"


def size_bytes(text: str) -> int:
    """A size in bytes, such as ``64 GiB``. Raises ValueError, with a clause, for what is none, and for powers of ten."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size such as '64 GiB'")
    letter = (match[2] or "B").upper()
    if (match[3] or "").upper() == "B":
        raise ValueError(f"{text!r}: write {letter}iB, for tools differ on what {letter}B is")
    return int(match[1]) << 10 * _POWERS.index(letter)

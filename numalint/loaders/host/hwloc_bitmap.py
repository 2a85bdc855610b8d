"""hwloc's notation of a set of CPUs or nodes."""

from __future__ import annotations

import re

from numalint.loaders.host.values import LARGEST_CPU, Values, cut
from numalint.loaders.xml import Element

_WORD = re.compile(r"(?:0x[0-9a-fA-F]{1,8})?")
_ALL_ABOVE = "0xf...f"


def bitmap(element: Element, attribute: str, values: Values) -> int:
    """The mask in an attribute: 32-bit words from the most significant, each with 0x, an empty one being 0.

    ``0xf...f`` at the start stands for all bits above: then the mask is negative, without end. Absent: 0. Raises
    LoadError for what is no bitmap.
    """
    text = element.get(attribute, "").strip()
    mask, words = 0, text.split(",") if text else []
    if words and words[0] == _ALL_ABOVE:
        mask, words = -1, words[1:]
    if len(words) > (LARGEST_CPU + 1) // 32:
        values.refuse(element, attribute, f"{attribute} names CPUs above {LARGEST_CPU}")
    for word in words:
        if not _WORD.fullmatch(word):
            values.refuse(element, attribute, f"{attribute}='{cut(text)}' is not a bitmap of hwloc")
        mask = mask << 32 | int(word or "0", 16)
    return mask

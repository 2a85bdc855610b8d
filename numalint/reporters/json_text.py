"""JSON as it is printed: indented, and with nothing in it that could drive a terminal."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_HIDDEN = re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
"""What is no character to see: controls above ASCII, such as CSI, and marks that turn the direction of a text."""


def json_text(value: Any) -> str:
    r"""The value as JSON, indented by two. What JSON may leave as it is and nobody sees is written as ``\u202e``."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return _HIDDEN.sub(lambda char: f"\\u{ord(char[0]):04x}", text) + "\n"

"""The line hash by which GitHub tells whether an alert is one that it knows.

github/codeql-action computes it (``src/fingerprints.ts``) for the results of tools that give none. numalint computes
the same value, so that alerts stay the same whoever uploads.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import overload

_WINDOW = 100
_BASE = 37
_MODULUS = 2**64
_END = b"\xff\xff" + bytes(2 * _WINDOW)
"""What follows a file: a unit that no text has, and nothing."""


class LineHashes(Sequence[str]):
    """The hash of each line of a file: of the 100 UTF-16 units from its start, blanks left out, with a count.

    The units run over into the lines below. ``:2`` is the second line of the file with that value. Line ends of
    any kind are one unit, a byte order mark is a character, bytes that are not UTF-8 are U+FFFD. Lines are told apart
    by their units, and a hash is made of them when it is asked for: few lines of a file are.
    """

    def __init__(self, data: bytes) -> None:
        text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        lines = [line.encode("utf-16-le") for line in text.replace(" ", "").replace("\t", "").split("\n")]
        stream, start = b"\n\0".join(lines) + _END, 0
        self._windows: list[bytes] = []
        for line in lines:
            self._windows.append(stream[start : start + 2 * _WINDOW])
            start += len(line) + 2

    def __len__(self) -> int:
        return len(self._windows)

    @overload
    def __getitem__(self, line: int) -> str: ...
    @overload
    def __getitem__(self, line: slice) -> Sequence[str]: ...
    def __getitem__(self, line: int | slice) -> str | Sequence[str]:
        if isinstance(line, slice):
            return [self[each] for each in range(*line.indices(len(self)))]
        window, value = self._windows[line], 0
        for unit in struct.unpack(f"<{_WINDOW}H", window):
            value = (value * _BASE + unit) % _MODULUS
        return f"{value:x}:{self._windows[: line % len(self) + 1].count(window)}"

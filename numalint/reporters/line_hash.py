"""The line hash by which GitHub tells whether an alert is one that it knows.

github/codeql-action computes it (``src/fingerprints.ts``) for the results of tools that give none. numalint computes
the same value, so that alerts stay the same whoever uploads.
"""

from __future__ import annotations

_WINDOW = 100
_BASE = 37
_MODULUS = 2**64
_END_OF_FILE = 0xFFFF


def line_hashes(data: bytes) -> list[str]:
    """The hash of each line of a file: of the 100 UTF-16 units from its start, blanks left out, with a count.

    The units run over into the lines below. ``:2`` is the second line of the file with that value. Line ends of
    any kind are one unit, a byte order mark is a character, bytes that are not UTF-8 are U+FFFD.
    """
    units, starts = _units(data.decode("utf-8", "replace"))
    sums = [0]  # sums[i]: the hash of the units before i; two of them give the hash of any window in between
    for unit in (*units, _END_OF_FILE, *[0] * _WINDOW):
        sums.append((sums[-1] * _BASE + unit) % _MODULUS)
    shift = pow(_BASE, _WINDOW, _MODULUS)
    seen: dict[int, int] = {}
    hashes = []
    for start in starts:
        value = (sums[start + _WINDOW] - sums[start] * shift) % _MODULUS
        seen[value] = seen.get(value, 0) + 1
        hashes.append(f"{value:x}:{seen[value]}")
    return hashes


def _units(text: str) -> tuple[list[int], list[int]]:
    """The UTF-16 units of a text without its blanks, and the index of the first of each line."""
    units: list[int] = []
    starts = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        starts.append(len(units))
        raw = line.replace(" ", "").replace("\t", "").encode("utf-16-le") + b"\n\0"
        units.extend(int.from_bytes(raw[at : at + 2], "little") for at in range(0, len(raw), 2))
    return units[:-1], starts  # the last line has no line feed

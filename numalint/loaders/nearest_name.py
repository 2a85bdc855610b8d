"""What a slip was meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], otherwise: str, likeness: float = 0.6) -> str:
    """``did you mean 'hosts'?``, where one of ``known`` is so like ``name``; else ``otherwise``."""
    from difflib import get_close_matches  # noqa: PLC0415  # only a slip needs it

    near = get_close_matches(name, known, 1, likeness)
    return f"did you mean {near[0]!r}?" if near else otherwise

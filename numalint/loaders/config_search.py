"""Which file is the configuration: the nearest one, whatever is in it."""

from __future__ import annotations

import os
from pathlib import Path

from numalint.loaders.document import Document, LoadError, read_file

NAME = "numalint.toml"
PYPROJECT = "pyproject.toml"
MISNAMED = ".numalint.toml"
"""What other programs would take for a configuration: passed over, it would be one that nobody obeys."""

LARGEST_CONFIG = 16 << 20


def find_config(start: Path) -> Path | None:
    """The nearest numalint.toml, or pyproject.toml with [tool.numalint], in ``start`` or above it.

    The search ends at the root of the repository. Raises LoadError where one folder has both, and for what is broken.
    """
    for folder in (start, *start.parents):
        if (folder / MISNAMED).is_file():
            raise LoadError(
                "no configuration has this name", os.path.relpath(folder / MISNAMED), help=f"name it {NAME}"
            )
        own, shared = folder / NAME, folder / PYPROJECT
        found = [own] if os.path.lexists(own) and not own.is_dir() else []  # a link to nowhere is told by who reads it
        found += [shared] if shared.is_file() and _in_pyproject(shared) else []
        if len(found) > 1:
            help = f"move [tool.numalint] of {PYPROJECT} into it, or remove one of them"
            raise LoadError(f"{PYPROJECT} beside it configures numalint too", os.path.relpath(found[0]), help=help)
        if found or (folder / ".git").exists():
            return found[0] if found else None
    return None


def _in_pyproject(path: Path) -> bool:
    """Whether a pyproject.toml has [tool.numalint]; one that is no TOML and does not name it is somebody else's."""
    try:
        data = read_file(os.path.relpath(path), LARGEST_CONFIG, PYPROJECT)
    except OSError:
        return False
    if b"numalint" not in data:
        return False
    from numalint.loaders.strict_toml import read_toml  # noqa: PLC0415  # most have no pyproject.toml that names numalint

    try:
        tools = read_toml(Document(os.path.relpath(path), data)).get("tool", {})
    except LoadError:
        if b"tool.numalint" in data:
            raise
        return False
    return isinstance(tools, dict) and "numalint" in tools

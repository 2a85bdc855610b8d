"""The rules that numalint ships: one file is one rule, its page and its examples.

They come in as a third party's do, by the entry point group ``numalint``.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence

from numalint import Rule, hookimpl


@hookimpl
def numalint_rules() -> Sequence[Rule]:
    """The rule of each module of this package."""
    names = sorted(file.removesuffix(".py") for file in os.listdir(*__path__) if file.endswith(".py"))
    return [importlib.import_module(f"{__name__}.{name}").check for name in names if name != "__init__"]

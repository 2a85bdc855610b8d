"""The rules that numalint ships: one file is one rule, its page and its examples.

They come in as a third party's do, by the entry point group ``numalint``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence

from numalint import Rule, hookimpl


@hookimpl
def numalint_rules() -> Sequence[Rule]:
    """The rule of each module of this package."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return [module.check for module in modules]

"""Rules from files of the user's own, without a package: every rule object in a module at a path is one."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from numalint.engine.rule import Rule
from numalint.plugins import PluginError


def load_local(paths: Iterable[str]) -> list[Rule]:
    """The rules in the Python files at ``paths``, and in those of folders. They are code, and it is run.

    Raises PluginError for a path that does not exist, a file that cannot be imported, and a path without a rule.
    """
    return [rule for path in paths for rule in _rules_at(Path(path))]


def load_pack(name: str) -> list[Rule]:
    """The rules in a file or folder or, where there is neither, those that an installed package of that name brings.

    Raises PluginError.
    """
    if Path(name).exists():
        return _rules_at(Path(name))
    try:
        return list(import_module(name).numalint_rules())
    except (Exception, SystemExit) as error:  # as below
        raise PluginError(f"{name} is no file, no folder and no package with numalint_rules(): {error}") from error


def _rules_at(path: Path) -> list[Rule]:
    files = sorted(path.glob("*.py")) if path.is_dir() else [path]
    found = [rule for file in files if not file.name.startswith("_") for rule in _rules_in(file)]
    if not found:
        raise PluginError(f"{path} has no rule: a rule is what @placement_rule or @domain_rule makes of a function")
    return found


def _rules_in(file: Path) -> list[Rule]:
    """The rules of one file; its module gets a name of its own, for two folders may have files of one name."""
    name = f"numalint_local_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]}_{file.stem}"
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise PluginError(f"{file}: there is no such Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module  # a rule's page is the docstring of its module, found by name
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # one that leaves would take the run with it, as if all were well
        raise PluginError(f"{file} cannot be loaded: {type(error).__name__}: {error}") from error
    return [each for each in vars(module).values() if isinstance(each, Rule)]

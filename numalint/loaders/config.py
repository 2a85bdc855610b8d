"""numalint.toml: which hosts there are, which domains are on them, and what to look for."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec

from numalint.loaders.document import Document, LoadError
from numalint.loaders.strict_toml import convert, read_toml
from numalint.model.finding import Severity

NAME = "numalint.toml"


class HostEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """``[hosts.NAME]``: the inputs that describe a host, and the domains that are on it (globs).

    All are relative to the folder of the configuration. ``exclusive-groups`` are lists of domains, by their names, that
    never run together, such as the variants of one desktop. ``overcommit`` is how many vCPUs that share CPUs are meant for
    each of these; None where nobody says.
    """

    topology: str | list[str]
    domains: list[str] = []
    exclusive_groups: list[list[str]] = []
    overcommit: Annotated[float, msgspec.Meta(gt=0)] | None = None

    @property
    def inputs(self) -> list[str]:
        return [self.topology] if isinstance(self.topology, str) else self.topology


class Lint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """``[lint]``: the rules to run, the severity from which a run fails, and the release of libvirt to judge for.

    ``unsuppressible``: rules and categories whose findings no suppression covers.
    """

    select: list[str] | None = None
    extend_select: list[str] = []
    ignore: list[str] = []
    fail_on: Severity = Severity.WARNING
    target_libvirt: str | None = None
    unsuppressible: list[str] = []


class IgnoreEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[ignore]]``: a suppression for files that nobody may edit.

    It covers the findings of ``rules`` that meet all of the globs that are there: on the domain's name, the host's
    name, and the file, relative to the folder of the configuration. ``until`` is the last day on which it holds.
    """

    rules: list[str]
    reason: str
    domain: str | None = None
    host: str | None = None
    path: str | None = None
    until: date | None = None
    owner: str | None = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole configuration. ``exclude``: globs of files and folders that are not looked at.

    ``rules``: files and folders with rules of one's own, which are code that is run.
    """

    hosts: dict[str, HostEntry] = {}
    lint: Lint = Lint()
    exclude: list[str] = []
    rules: list[str] = []
    ignore: list[IgnoreEntry] = []


class LoadedConfig(msgspec.Struct, frozen=True):
    """A configuration with the folder that its paths are relative to; without a file, the defaults."""

    config: Config
    folder: str
    path: str | None = None


def load_config(path: Path) -> LoadedConfig:
    """Read a configuration. Raises LoadError for anything that is wrong with it."""
    shown = os.path.relpath(path)
    try:
        document = Document(shown, path.read_bytes())
    except OSError as error:
        raise LoadError(f"the configuration cannot be read: {error.strerror}", shown) from None
    return LoadedConfig(convert(document, read_toml(document), Config), str(path.resolve().parent), shown)


def find_config(start: Path) -> Path | None:
    """The nearest numalint.toml in ``start`` or above it, up to the root of the repository."""
    for folder in (start, *start.parents):
        if (folder / NAME).is_file():
            return folder / NAME
        if (folder / ".git").exists():
            return None
    return None

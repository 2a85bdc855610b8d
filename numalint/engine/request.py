"""What a run is asked to do."""

from __future__ import annotations

from datetime import date

import msgspec

from numalint.engine.baseline import Baseline
from numalint.engine.policy import Policies
from numalint.engine.suppress import Suppressible
from numalint.loaders.config import LoadedConfig
from numalint.loaders.document import HostFormat
from numalint.model.domain import NEWEST_LIBVIRT, Release
from numalint.model.finding import Severity


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for.

    ``given`` are the bytes of paths that are not read from a file: those of standard input. ``known`` is what was there
    before, in files of baselines and at an earlier revision. ``silent`` are the notices that are not to be told,
    ``require`` the facts that must be known. ``today`` is the day by which suppressions end. Without ``suppressible`` it
    is judged as if none were there.
    """

    paths: tuple[str, ...]
    config: LoadedConfig
    policies: Policies
    formats: tuple[HostFormat, ...]
    today: date
    suppressible: Suppressible | None = None
    show_suppressed: bool = False
    hosts: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    silent: frozenset[str] = frozenset()
    tracked: bool = False
    fail_on: Severity = Severity.WARNING
    libvirt: Release = NEWEST_LIBVIRT
    require: frozenset[str] = frozenset()
    given: dict[str, bytes] = {}
    known: tuple[Baseline, ...] = ()
    version: str = ""

"""Whether an entry of the configuration is about a domain on a host."""

from __future__ import annotations

import fnmatch
import os

from numalint.engine.glob import matches
from numalint.loaders.config import Condition, LoadedConfig, Override


def meets(condition: Condition, config: LoadedConfig, document: str, domain: str, host: str | None) -> bool:
    """Whether a domain in the file ``document`` on ``host`` (None: on none) meets all globs of a condition."""
    if condition.domain is not None and not fnmatch.fnmatchcase(domain, condition.domain):
        return False
    if condition.path is not None:
        relative = os.path.relpath(document, config.folder).replace(os.sep, "/")
        if not matches(relative, (condition.path,)):
            return False
    return meets_host(condition, config, host)


def meets_host(condition: Condition, config: LoadedConfig, host: str | None) -> bool:
    """Whether a host meets those of its globs that are about hosts."""
    if condition.host is not None and (host is None or not fnmatch.fnmatchcase(host, condition.host)):
        return False
    if isinstance(condition, Override) and condition.class_ is not None:
        entry = None if host is None else config.config.hosts.get(host)
        return entry is not None and entry.class_ is not None and fnmatch.fnmatchcase(entry.class_, condition.class_)
    return True

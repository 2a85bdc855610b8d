"""The formats in which a run is reported: each a function from a Report to text.

The module of a format is imported when the format is asked for: sarif_om alone takes as long to import as a small
run takes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from importlib import import_module

from numalint.model.report import Report, Reporter


def _lazily(module: str, function: str) -> Callable[[Report, bool], str]:
    def render(report: Report, colour: bool) -> str:
        made: str = getattr(import_module(f"numalint.reporters.{module}"), function)(report, colour)
        return made

    return render


BUILT_IN: tuple[Reporter, ...] = (
    Reporter("text", "each finding with its lines, for people", _lazily("text", "results"), True),
    Reporter("concise", "one line a finding, for editors and grep", _lazily("concise", "results"), True),
    Reporter("json", "the whole report, for programs", _lazily("json", "whole"), True),
    Reporter("sarif", "SARIF 2.1.0, for GitHub code scanning and other viewers", _lazily("sarif", "log"), True),
    Reporter("github", "annotations of a GitHub Actions step", _lazily("github", "commands")),
    Reporter("gitlab", "GitLab's Code Quality report", _lazily("gitlab", "code_quality")),
    Reporter("junit", "JUnit XML, for Jenkins and other readers of test results", _lazily("junit", "suites")),
    Reporter("markdown", "a page for the summary of a GitHub Actions step", _lazily("markdown", "page")),
)
"""numalint's own formats; those of plugins come beside them."""


def write_whole(path: str, text: str) -> None:
    """Write a report to a file, all of it or, where that fails, nothing: half a report reads like a clean one.

    Raises OSError, with ``path`` as its file name, where the folder does not exist or cannot be written to.
    """
    try:
        _write(os.path.realpath(path), text.encode("utf-8", "replace"))
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error  # the path as it was given, and no temporary one


def _write(target: str, data: bytes) -> None:
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as device:  # such as /dev/stdout, which nothing can take the place of
            device.write(data)
        return
    handle, beside = tempfile.mkstemp(prefix=".numalint-", dir=os.path.dirname(target))
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.chmod(beside, _mode(target))
        os.replace(beside, target)
    except BaseException:  # Ctrl-C among them
        os.unlink(beside)
        raise


def _mode(path: str) -> int:
    """The permissions of the file that is replaced, else those that any new file is given."""
    if os.path.exists(path):
        return os.stat(path).st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask

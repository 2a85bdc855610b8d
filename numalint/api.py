"""numalint from Python: ``numalint.check`` gives the report that the command line prints."""

from __future__ import annotations

from concurrent.futures import Executor
from os import PathLike, fspath
from typing import Any

import click

from numalint.cli.check import check as command
from numalint.cli.check import refuse_options, request_of
from numalint.cli.request import asked_for, remaking
from numalint.engine.run import run
from numalint.engine.workers import Workers
from numalint.loaders.document import LoadError
from numalint.model.report import Report

_PRINTING = {
    "--format",
    "--report",
    "--exit-zero",
    "--add-ignores",
    "--reason",
    "--color",
    "--quiet",
    "--jobs",
    "--help",
}
"""Options that say what is done with a report; here it is returned."""


def check(*paths: str | PathLike[str], executor: Executor | None = None, workers: int = 2, **options: Any) -> Report:
    """The report on the domains under ``paths`` (default: the current folder).

    ``options`` are those of ``numalint check`` that say what is judged, with their long names in Python's spelling, such as
    ``host="kvm01.host.toml"``, ``select=["memory"]``, ``baseline="old.json"``, ``show_suppressed=True``; what takes several
    values takes one, or a list. With an ``executor`` of ``concurrent.futures`` (one of processes, or that of a cluster
    whose workers see the same files) the files are examined by so many ``workers`` of it; the report is the same.

    Raises ValueError, with the sentence that the command line would print, for what cannot be obeyed, and TypeError for
    an option that there is not. What cannot be read is a problem in the report, whose ``exit_code`` is 2.
    """
    try:
        arguments = _arguments(options)
        with command.make_context("check", [*arguments, "--", *(fspath(path) for path in paths)]) as context:
            given = dict(context.params)
        refuse_options(given["paths"], given)
        asked = asked_for(given.pop("paths"), given)
        request = request_of(asked, asked.paths)
        report, _ = run(request, None if executor is None else Workers(executor, workers, remaking(asked, request)))
    except click.ClickException as error:
        raise ValueError(error.format_message()) from None
    except LoadError as error:
        raise ValueError(f"{error.path}: {error.message}") from None
    return report


def _arguments(options: dict[str, Any]) -> list[str]:
    """Options as they stand on a command line."""
    known = {flag for each in command.params for flag in each.opts}
    arguments: list[str] = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if flag not in known or flag in _PRINTING:
            raise TypeError(f"check() got an unexpected keyword argument {name!r}")
        if isinstance(value, bool):
            arguments += [flag] if value else []
        else:
            values = value if isinstance(value, list | tuple) else [value]
            arguments += (part for each in values for part in (flag, fspath(each)))
    return arguments

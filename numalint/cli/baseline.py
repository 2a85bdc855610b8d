"""``numalint baseline``: the file of the findings that were there before."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from numalint.cli.common import Failure, located, malformed_in, text_option
from numalint.cli.request import Asked, asked_for, judging_options, request_for
from numalint.engine.baseline import Baseline, entry_of, read_baseline, written
from numalint.engine.notices import NOTICES
from numalint.engine.run import run
from numalint.loaders.document import LoadError
from numalint.model.report import Known, Report
from numalint.reporters import write_whole
from numalint.reporters.terminal import printable
from numalint.reporters.unjudged import count

NAME = "numalint-baseline.json"

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(short_help="Accept the findings that are there, and report only new ones.")
def baseline() -> None:
    """Keep the findings that are there today in a file; numalint check then reports only what is new.

    The file is named by baseline in numalint.toml, or by --baseline of numalint check.
    """


def _options(command: Command) -> Command:
    help = f"The file of the baseline (baseline of numalint.toml, else {NAME} beside it)."
    return judging_options(text_option("-o", "--output", metavar="FILE", help=help)(command))


@baseline.command(short_help="Write the baseline for the first time.")
@_options
@click.pass_context
def create(context: click.Context, /, paths: tuple[str, ...], **options: Any) -> None:
    """Write every finding of the domains under PATHS into a new baseline."""
    asked = asked_for(paths, options)
    path = _path(asked)
    if os.path.lexists(path):
        raise Failure(f"{printable(path)} is there already: numalint baseline update adds to it")
    report = _run(asked, None)
    if report.exit_code == 2 and not report.coverage.domains:
        context.exit(2)  # nothing was judged, and a baseline of that would stand in the way of a true one
    found = [entry_of(each) for each in report.results if each.rule not in NOTICES]
    _write(path, found, f"{count(len(found), 'finding')} written")
    if not asked.config.config.baseline and not options["output"]:
        click.echo(f"numalint check reads it when numalint.toml says so: baseline = {_toml(asked, path)}", err=True)
    context.exit(_code(report))


@baseline.command(short_help="Add what is new, take out what is gone.")
@_options
@click.pass_context
def update(context: click.Context, /, paths: tuple[str, ...], **options: Any) -> None:
    """Add the new findings of the domains under PATHS to the baseline, and take out those that are gone.

    What was not judged, such as the domains that are not under PATHS, is left as it is.
    """
    asked = asked_for(paths, options)
    old = _read(_path(asked))
    report = _run(asked, old)
    new = [entry_of(each) for each in report.results if each.suppressed is None and each.rule not in NOTICES]
    _write(_path(asked), [*_without(old.entries, report.stale), *new], _changed(len(new), len(report.stale)))
    context.exit(_code(report))


@baseline.command(short_help="Take out what is gone.")
@_options
@click.pass_context
def prune(context: click.Context, /, paths: tuple[str, ...], **options: Any) -> None:
    """Take out of the baseline what is no longer found in the domains under PATHS. Nothing is added."""
    asked = asked_for(paths, options)
    old = _read(_path(asked))
    report = _run(asked, old)
    _write(_path(asked), _without(old.entries, report.stale), _changed(0, len(report.stale)))
    context.exit(_code(report))


def _path(asked: Asked) -> str:
    if asked.options["output"]:
        return str(asked.options["output"])
    return os.path.relpath(os.path.join(asked.config.folder, asked.config.config.baseline or NAME))


def _toml(asked: Asked, path: str) -> str:
    relative = os.path.relpath(path, asked.config.folder).replace(os.sep, "/")
    return f'"{printable(relative)}"'


def _read(path: str) -> Baseline:
    try:
        return read_baseline(path)
    except LoadError as error:
        raise Failure(located(error)) from error


def _run(asked: Asked, old: Baseline | None) -> Report:
    from numalint.reporters import concise, text  # noqa: PLC0415  # --help need not pay for it

    try:
        report, warnings = run(request_for(asked, known=() if old is None else (old,)))
    except LoadError as error:
        raise Failure(located(error)) from error
    for warning in warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    click.echo(text.problems(report, sys.stderr.isatty()), nl=False, err=True)
    click.echo(concise.results(replace(report, results=malformed_in(report)), False), nl=False, err=True)
    return report


def _without(entries: tuple[Known, ...], stale: tuple[Known, ...]) -> list[Known]:
    """The entries without the stale ones, each as often as it is stale."""
    left = list(entries)
    for each in stale:
        left.remove(each)
    return left


def _changed(new: int, gone: int) -> str:
    return f"{count(new, 'finding')} added, {count(gone, 'finding')} taken out"


def _write(path: str, entries: list[Known], said: str) -> None:
    try:
        write_whole(path, written(entries))
    except OSError as error:
        raise Failure(f"the baseline cannot be written to {printable(path)}: {error.strerror}") from error
    click.echo(f"{printable(path)}: {said}")


def _code(report: Report) -> int:
    """2 where something was not checked: what is not known cannot be in a baseline."""
    return 2 if report.exit_code == 2 else 0

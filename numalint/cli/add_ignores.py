"""``numalint check --add-ignores``."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import click
from msgspec.structs import replace

from numalint.cli.common import Failure
from numalint.engine.add_ignores import Refused, comment_of, commented, rules_by_element
from numalint.engine.discover import STDIN
from numalint.engine.suppress import Suppressible
from numalint.loaders.document import Document
from numalint.model.finding import Severity
from numalint.model.report import Report, Result
from numalint.reporters import concise, write_whole
from numalint.reporters.terminal import printable
from numalint.reporters.unjudged import count


def refuse_options(paths: tuple[str, ...], options: dict[str, Any]) -> None:
    """Raises Failure for options that do not go together, and for a reason that cannot be written."""
    if not options["add_ignores"]:
        if options["reason"]:
            raise Failure("--reason belongs to --add-ignores, which is not given")
        return
    if not options["reason"]:
        raise Failure("--add-ignores needs --reason: say why the findings are accepted")
    if options["no_suppressions"] or options["show_suppressed"]:
        raise Failure("--add-ignores writes what is not suppressed yet: leave out the other option on suppressions")
    if options["reports"] or options["format"] != "text":
        raise Failure("--add-ignores writes comments and no report: leave out --format and --report")
    if STDIN in paths:
        raise Failure("--add-ignores cannot write into standard input: name the files")
    try:
        comment_of(["any"], options["reason"])
    except Refused as error:
        raise Failure(f"--reason: {error}") from error


def add_ignores(report: Report, suppressible: Suppressible, reason: str, fail_on: Severity) -> int:
    """Write a comment for each finding into its file, and say what was done. Returns the exit code.

    That is 2 where a file was refused or the run had problems, 1 where a finding is left that counts, else 0.
    """
    own: list[Result] = []
    left: list[Result] = []
    for each in report.results:
        (own if suppressible.fault([each.rule]) is None else left).append(each)
    refused = 0
    for path, group in groupby(own, lambda each: each.span.path):
        found = list(group)
        try:
            made = commented(Document(path, report.files[path]), rules_by_element(found), reason)
            write_whole(path, made)
            click.echo(f"{printable(path)}: {count(len(found), 'finding')} suppressed")
        except (Refused, OSError) as error:
            said = error.strerror if isinstance(error, OSError) else str(error)
            Failure(f"{printable(path)}: nothing is written: {said}").show()
            left += found
            refused += 1
    _say_left(report, left)
    counted = any(each.severity.rank >= fail_on.rank for each in left)
    return 2 if refused or report.exit_code == 2 else int(counted)


def _say_left(report: Report, left: list[Result]) -> None:
    if left:
        click.echo(concise.results(replace(report, results=tuple(left)), False), nl=False, err=True)
        names = ", ".join(sorted({each.rule for each in left}))
        click.echo(f"not suppressed: {count(len(left), 'finding')} ({names})", err=True)

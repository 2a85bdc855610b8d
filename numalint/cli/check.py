"""``numalint check``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
from msgspec.structs import replace

from numalint.cli import add_ignores
from numalint.cli.common import Failure, colour_option, located, text_option, wants_colour
from numalint.cli.progress import watched
from numalint.cli.request import Asked, asked_for, judging_options, names_option, remaking, request_for
from numalint.engine.baseline import Baseline, read_baseline
from numalint.engine.discover import STDIN
from numalint.engine.request import Request
from numalint.engine.run import run
from numalint.engine.workers import Workers
from numalint.engine.world import LARGEST_FILE, TOO_LARGE, Sniffer
from numalint.loaders.document import LoadError
from numalint.loaders.nearest_name import did_you_mean
from numalint.model.finding import Severity
from numalint.model.host import Fact
from numalint.model.report import Report, Reporter
from numalint.reporters import BUILT_IN, write_whole
from numalint.reporters.terminal import printable

VARIABLE = "NUMALINT_CHECK_"
"""What the environment variables begin with that are options of this command."""

FORMAT_HELP = "How to print the findings: text, concise, json, sarif, github, gitlab, junit or markdown."


@click.command(short_help="Check domains against their hosts.")
@judging_options
@text_option("-f", "--format", default="text", show_default=True, metavar="NAME", help=FORMAT_HELP)
@text_option("--report", "reports", multiple=True, metavar="FORMAT=FILE", help="Write a report to a file as well.")
@click.option(
    "--fail-on",
    type=click.Choice([each.value for each in Severity]),
    help="Exit with 1 from this severity on (warning).",
)
@click.option(
    "--exit-zero", is_flag=True, help="Exit with 0 in spite of findings; errors of the run still exit with 2."
)
@click.option(
    "-j", "--jobs", type=click.IntRange(0), default=1, metavar="N", help="Processes to use (1); 0: all cores."
)
@names_option("--require", help="Exit with 2 where a rule lacks this fact (or all).")
@text_option("--stdin-filename", metavar="FILE", help="The file that standard input (the path -) stands for.")
@text_option("--baseline", metavar="FILE", help="Leave out the findings that this baseline lists.")
@click.option("--no-baseline", is_flag=True, help="Report what is in the baseline of numalint.toml too.")
@text_option("--since", metavar="REV", help="Leave out the findings that were there at this git revision.")
@click.option("--no-suppressions", is_flag=True, help="Judge as if no finding were suppressed.")
@click.option(
    "--show-suppressed", is_flag=True, help="Print suppressed and known findings too, marked; they do not count."
)
@click.option("--add-ignores", is_flag=True, help="Write a comment that suppresses it in front of each finding.")
@text_option("--reason", metavar="TEXT", help="The reason that --add-ignores gives.")
@colour_option
@click.option("-q", "--quiet", is_flag=True, help="Print findings and errors only.")
@click.pass_context
def check(context: click.Context, /, paths: tuple[str, ...], **options: Any) -> None:
    """Check the domains under PATHS (default: the current folder) against their hosts.

    A PATH is a folder, a file, or - for standard input. On a KVM host, numalint check --host local checks the domains in
    /etc/libvirt/qemu against the machine itself. Exit code 0: nothing at or above --fail-on; 1: findings;
    2: something could not be read, resolved or run.
    """
    from numalint.reporters import text  # noqa: PLC0415  # --help need not pay for it

    refuse_variables(os.environ)
    refuse_options(paths, options)
    asked = asked_for(_named_stdin(paths, options), options)
    reporters = {reporter.name: reporter for reporter in (*BUILT_IN, *asked.loaded.reporters)}
    wanted = [_report_option(each, reporters) for each in options["reports"]]
    _refuse_targets([path for _, path in wanted], asked)
    printer = _reporter(options["format"], reporters)
    request = request_of(asked, paths)
    try:
        with _workers(request, asked, options["jobs"]) as several:
            report, warnings = run(request, several, iter if options["quiet"] else watched)
    except LoadError as error:
        raise Failure(located(error)) from error
    for warning in warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    if options["add_ignores"]:
        click.echo(text.problems(report, wants_colour(options["color"], sys.stderr)), nl=False, err=True)
        code = add_ignores.add_ignores(report, asked.suppressible, options["reason"], request.fail_on)
        context.exit(0 if code == 1 and options["exit_zero"] else code)
    unwritten = sum(not _write_report(report, reporter, path) for reporter, path in wanted)
    colour = wants_colour(options["color"], sys.stdout)
    click.echo(_rendered(report, printer, colour), nl=False, color=colour)
    colour = wants_colour(options["color"], sys.stderr)
    click.echo(text.problems(report, colour), nl=False, err=True, color=colour)
    if not options["quiet"]:
        hint = " (--show-suppressed prints them)"
        click.echo(text.summary(report, colour, hint), nl=False, err=True, color=colour)
    code = 0 if report.exit_code == 1 and options["exit_zero"] else report.exit_code
    context.exit(2 if unwritten else code)


def request_of(asked: Asked, paths: tuple[str, ...]) -> Request:
    """The request of ``numalint check``. Raises Failure for a baseline or a revision that cannot be read."""
    options = asked.options
    request = request_for(
        asked,
        show_suppressed=options["show_suppressed"],
        fail_on=Severity(options["fail_on"] or asked.config.config.lint.fail_on),
        require=frozenset(options["require"]),
        given={options["stdin_filename"] or STDIN: _standard_input()} if STDIN in paths else {},
        known=_baselines(asked),
    )
    if options["no_suppressions"]:
        request = replace(request, suppressible=None)
    if options["since"]:
        from numalint.cli.since import known_at  # noqa: PLC0415  # few runs need git

        request = replace(request, known=(*request.known, known_at(options["since"], asked, request)))
    return request


def _standard_input() -> bytes:
    data = sys.stdin.buffer.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise Failure(f"standard input: {TOO_LARGE}")
    return data


@contextlib.contextmanager
def _workers(request: Request, asked: Asked, jobs: int) -> Iterator[Workers | None]:
    """The processes to examine files in; None for one, where this one does it."""
    count = jobs or _cores()
    if count == 1:
        yield None
        return
    from numalint.cli.processes import pool  # noqa: PLC0415  # most runs are one process

    with pool(count) as executor:
        yield Workers(executor, count, remaking(asked, request))


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _baselines(asked: Asked) -> tuple[Baseline, ...]:
    """The baseline that is named, else that of the configuration, if one is. Raises Failure where it cannot be read."""
    written = asked.config.config.baseline
    path = asked.options["baseline"] or (written and os.path.relpath(os.path.join(asked.config.folder, written)))
    if path is None or asked.options["no_baseline"]:
        return ()
    try:
        return (read_baseline(path),)
    except LoadError as error:
        raise Failure(located(error)) from error


def _named_stdin(paths: tuple[str, ...], options: dict[str, Any]) -> tuple[str, ...]:
    """The paths, with the file that standard input stands for in its place."""
    return tuple(options["stdin_filename"] or path if path == STDIN else path for path in paths)


def refuse_options(paths: tuple[str, ...], options: dict[str, Any]) -> None:
    """Raises Failure for options that do not go together, or name what there is not."""
    _check_facts(options["require"])
    if options["no_suppressions"] and options["show_suppressed"]:
        raise Failure("--no-suppressions leaves nothing for --show-suppressed to show: give one of them")
    if options["baseline"] and options["no_baseline"]:
        raise Failure("--baseline and --no-baseline: give one of them")
    if options["stdin_filename"] and STDIN not in paths:
        raise Failure("--stdin-filename names what comes from standard input: give the path - too")
    if os.path.isdir(options["stdin_filename"] or ""):
        raise Failure(f"--stdin-filename {printable(options['stdin_filename'])}: it is a folder: name a file in it")
    if options["since"] and STDIN in paths and not options["stdin_filename"]:
        raise Failure("--since cannot know what standard input was before: name its file with --stdin-filename")
    add_ignores.refuse_options(paths, options)


def refuse_variables(variables: Mapping[str, str]) -> None:
    """Raises Failure for a variable of the environment that looks like an option of this command and is none."""
    known = {variable_of(each.name or "") for each in check.params if isinstance(each, click.Option)}
    for name in sorted(variables):
        if name.startswith(VARIABLE) and name not in known:
            option = name.removeprefix(VARIABLE)
            shorter = [each.removeprefix(VARIABLE) for each in known]
            meant = did_you_mean(option, sorted(shorter), "numalint check --help lists them")
            raise Failure(f"{printable(name)}: numalint check has no option {printable(option)}; {meant}")


def variable_of(option: str) -> str:
    """The variable of the environment that stands for an option, by the name of its parameter."""
    return f"{VARIABLE}{option}".upper()


def _refuse_targets(paths: Sequence[str], asked: Asked) -> None:
    """Raises Failure for reports that would take the place of one another, of the configuration, a domain or a host."""
    sniffer = Sniffer(asked.loaded.formats)
    seen: set[str] = set()
    for path in paths:
        target = os.path.realpath(path)
        if target in seen:
            raise Failure(f"--report: two reports cannot both go to {printable(path)}")
        if not os.path.isfile(target):
            seen.update([] if os.path.exists(target) else [target])  # a device takes several
            continue
        seen.add(target)
        with contextlib.suppress(OSError):  # what cannot be read is told when it is written
            kind = sniffer.kind(target)
            is_config = asked.config.path is not None and target == os.path.realpath(asked.config.path)
            if is_config or kind.domain or kind.format is not None:
                what = "the configuration" if is_config else "a domain" if kind.domain else "a host"
                raise Failure(
                    f"--report: {printable(path)} is {what}, which the report would replace: name another file"
                )


def _write_report(report: Report, reporter: Reporter, path: str) -> bool:
    """Write a report to a file; False, and a sentence, where that cannot be done."""
    try:
        write_whole(path, _rendered(report, reporter, False))
    except OSError as error:
        Failure(f"the report cannot be written to {printable(path)}: {error.strerror}").show()
        return False
    return True


def _rendered(report: Report, reporter: Reporter, colour: bool) -> str:
    """The report in a format; without the suppressed results where the format would print them as any others.

    Raises Failure where the format of a plugin fails.
    """
    if not reporter.shows_suppressed:
        report = replace(report, results=tuple(each for each in report.results if each.suppressed is None))
    try:
        return reporter.render(report, colour)
    except Exception as error:
        if reporter in BUILT_IN:
            raise
        raise Failure(f"format {reporter.name} failed: {type(error).__name__}: {error}") from error


def _check_facts(names: tuple[str, ...]) -> None:
    known = [*(fact.value for fact in Fact), "all"]
    for name in names:
        if name not in known:
            raise Failure(f"--require: there is no fact {name!r}; the facts are {', '.join(known)}")


def _reporter(name: str, reporters: dict[str, Reporter]) -> Reporter:
    if name not in reporters:
        raise Failure(f"there is no format {name!r}; the formats are {', '.join(sorted(reporters))}")
    return reporters[name]


def _report_option(option: str, reporters: dict[str, Reporter]) -> tuple[Reporter, str]:
    name, separator, path = option.partition("=")
    if not (name and separator and path):
        raise Failure(f"--report {option}: write FORMAT=FILE, such as sarif=numalint.sarif")
    return _reporter(name, reporters), path

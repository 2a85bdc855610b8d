"""``numalint check``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from numalint import __version__, plugins
from numalint.cli.add_ignores import add_ignores, refuse_options
from numalint.cli.common import Failure, colour_option, host_option, load_plugins, located, wants_colour
from numalint.engine.discover import STDIN
from numalint.engine.notices import NOTICES
from numalint.engine.policy import Policies
from numalint.engine.run import Request, run
from numalint.engine.select import UnknownRule
from numalint.engine.suppress import Suppressible
from numalint.loaders.config import Config, Lint, LoadedConfig
from numalint.loaders.config_file import find_config, load_config
from numalint.loaders.document import LoadError
from numalint.loaders.host.inputs import LOCAL
from numalint.model.domain import NEWEST_LIBVIRT, Release
from numalint.model.finding import Severity
from numalint.model.host import Fact
from numalint.model.report import Report, Reporter
from numalint.reporters import BUILT_IN, write_whole
from numalint.reporters.terminal import printable

LIBVIRT_FOLDER = "/etc/libvirt/qemu"
FORMAT_HELP = "How to print the findings: text, concise, json, sarif, github, gitlab, junit or markdown."


def _comma(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Names by repeating an option or between commas."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _names(*flags: str, help: str) -> Callable[..., Any]:
    return click.option(*flags, multiple=True, callback=_comma, metavar="NAME", help=help)


def _usual_paths(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Where to look when no path is given: on the machine itself, where libvirt keeps its domains."""
    return (LIBVIRT_FOLDER,) if LOCAL in hosts and os.path.isdir(LIBVIRT_FOLDER) else (".",)


def _load_config(path: str | None, paths: tuple[str, ...]) -> LoadedConfig:
    """The configuration that is named, else the nearest to the first path that is a file or folder."""
    first = next((Path(each) for each in paths if each != STDIN and Path(each).exists()), Path())
    start = first.resolve() if first.is_dir() else first.resolve().parent
    try:
        found = Path(path) if path is not None else find_config(start)
        return LoadedConfig(Config(), str(Path.cwd())) if found is None else load_config(found)
    except LoadError as error:
        raise Failure(located(error)) from error


@click.command(short_help="Check domains against their hosts.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path())
@host_option
@click.option("--config", metavar="FILE", help="Use this configuration, not the nearest numalint.toml.")
@_names("--select", help="Run only these rules or categories.")
@_names("--extend-select", help="Run these rules or categories too.")
@_names("--ignore", help="Leave out these rules or categories.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out files and folders that match.")
@click.option("--tracked", is_flag=True, help="Look only at files that git tracks.")
@click.option("-f", "--format", default="text", show_default=True, metavar="NAME", help=FORMAT_HELP)
@click.option("--report", "reports", multiple=True, metavar="FORMAT=FILE", help="Write a report to a file as well.")
@click.option(
    "--fail-on",
    type=click.Choice([each.value for each in Severity]),
    help="Exit with 1 from this severity on (warning).",
)
@click.option(
    "--exit-zero", is_flag=True, help="Exit with 0 in spite of findings; errors of the run still exit with 2."
)
@click.option(
    "--target-libvirt", metavar="RELEASE", help="Judge for this release of libvirt, such as 9.0 (newest known)."
)
@click.option("--no-local-rules", is_flag=True, help="Do not run the rules that numalint.toml names in rules.")
@_names("--require", help="Exit with 2 where a rule lacks this fact (or all).")
@click.option("--no-suppressions", is_flag=True, help="Judge as if no finding were suppressed.")
@click.option("--show-suppressed", is_flag=True, help="Print suppressed findings too, marked; they do not count.")
@click.option("--add-ignores", is_flag=True, help="Write a comment that suppresses it in front of each finding.")
@click.option("--reason", metavar="TEXT", help="The reason that --add-ignores gives.")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), hidden=True)
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

    paths = paths or _usual_paths(options["hosts"])
    config = _load_config(options["config"], paths)
    local = [] if options["no_local_rules"] else [os.path.join(config.folder, path) for path in config.config.rules]
    loaded = load_plugins(local)
    _check_facts(options["require"])
    reporters = {reporter.name: reporter for reporter in (*BUILT_IN, *loaded.reporters)}
    wanted = [_report_option(each, reporters) for each in options["reports"]]
    printer = _reporter(options["format"], reporters)
    if options["no_suppressions"] and options["show_suppressed"]:
        raise Failure("--no-suppressions leaves nothing for --show-suppressed to show: give one of them")
    refuse_options(paths, options)
    request = _request(paths, config, loaded, options)
    try:
        report, warnings = run(request)
    except LoadError as error:
        raise Failure(located(error)) from error
    for warning in warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    if options["add_ignores"]:
        click.echo(text.problems(report, wants_colour(options["color"], sys.stderr)), nl=False, err=True)
        assert request.suppressible is not None
        context.exit(add_ignores(report, request.suppressible, options["reason"], request.fail_on))
    unwritten = sum(not _write_report(report, reporter, path) for reporter, path in wanted)
    colour = wants_colour(options["color"], sys.stdout)
    click.echo(_rendered(report, printer, colour), nl=False, color=colour)
    colour = wants_colour(options["color"], sys.stderr)
    click.echo(text.problems(report, colour), nl=False, err=True, color=colour)
    if not options["quiet"]:
        click.echo(text.summary(report, colour), nl=False, err=True, color=colour)
    code = 0 if report.exit_code == 1 and options["exit_zero"] else report.exit_code
    context.exit(2 if unwritten else code)


def _write_report(report: Report, reporter: Reporter, path: str) -> bool:
    """Write a report to a file; False, and a sentence, where that cannot be done."""
    try:
        write_whole(path, _rendered(report, reporter, False))
    except OSError as error:
        Failure(f"the report cannot be written to {printable(path)}: {error.strerror}").show()
        return False
    return True


def _rendered(report: Report, reporter: Reporter, colour: bool) -> str:
    """The report in a format; without the suppressed results where the format would print them as any others."""
    if not reporter.shows_suppressed:
        report = replace(report, results=tuple(each for each in report.results if each.suppressed is None))
    return reporter.render(report, colour)


def _request(paths: tuple[str, ...], config: LoadedConfig, loaded: plugins.Plugins, options: dict[str, Any]) -> Request:
    written = config.config.lint
    named = Lint(
        select=list(options["select"]) or None,
        extend_select=list(options["extend_select"]),
        ignore=list(options["ignore"]),
    )
    release = options["target_libvirt"] or written.target_libvirt
    try:
        policies = Policies(loaded.rules, config, named, NOTICES.keys())
        held = policies.held
        libvirt = Release.parse(release) if release else NEWEST_LIBVIRT
    except LoadError as error:
        raise Failure(located(error)) from error
    except (UnknownRule, ValueError) as error:
        raise Failure(str(error)) from error
    suppressible = Suppressible(
        {id: rule.suppressible and id not in held for id, rule in loaded.rules.items()},
        incomplete=options["no_local_rules"] and bool(config.config.rules),
    )
    return Request(
        paths=paths,
        config=config,
        policies=policies,
        formats=loaded.formats,
        today=(options["today"] or datetime.now(UTC)).date(),
        suppressible=None if options["no_suppressions"] else suppressible,
        show_suppressed=options["show_suppressed"],
        hosts=options["hosts"],
        exclude=options["exclude"],
        silent=frozenset(NOTICES).intersection([*written.ignore, *named.ignore]),
        tracked=options["tracked"],
        fail_on=Severity(options["fail_on"] or written.fail_on),
        libvirt=libvirt,
        require=frozenset(options["require"]),
        stdin=sys.stdin.buffer.read() if STDIN in paths else b"",
        version=__version__,
    )


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
    if not separator or not path:
        raise Failure(f"--report {option}: write FORMAT=FILE, such as sarif=numalint.sarif")
    return _reporter(name, reporters), path

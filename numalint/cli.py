"""The command line, where everything is put together."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from numalint import __version__, plugins
from numalint.engine.discover import STDIN
from numalint.engine.notices import NOTICES
from numalint.engine.run import Request, card, run
from numalint.engine.select import UnknownRule, select_rules, unknown_rule
from numalint.loaders.config import Config, Lint, LoadedConfig, find_config, load_config
from numalint.loaders.document import LoadError
from numalint.model.finding import Severity
from numalint.model.host import Fact
from numalint.model.report import Report, Reporter
from numalint.reporters import BUILT_IN, write_whole
from numalint.reporters.terminal import printable

CONTEXT = {"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "NUMALINT", "max_content_width": 100}
HOST_HELP = "The host of all domains: a file, a folder of nodedev XML, a name of the configuration or a synthetic "
HOST_HELP += "string (pack:2 numa:1 core:8 pu:2). Repeat it for several inputs of one host."
FORMAT_HELP = "How to print the findings: text, concise, json or sarif."
LIBVIRT_FOLDER = "/etc/libvirt/qemu"


class Failure(click.ClickException):
    """What keeps numalint from running at all: a sentence, and exit code 2."""

    exit_code = 2

    def show(self, _file: Any = None) -> None:
        click.secho("error: ", fg="red", bold=True, nl=False, err=True)
        click.echo(self.format_message(), err=True)


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, "-V", "--version", message="numalint %(version)s")
def main() -> None:
    """Find what is wrong with the NUMA placement of libvirt domains, on the hosts that you declare."""


def _comma(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Names by repeating an option or between commas."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _names(*flags: str, help: str) -> Callable[..., Any]:
    return click.option(*flags, multiple=True, callback=_comma, metavar="NAME", help=help)


def _load_plugins() -> plugins.Plugins:
    try:
        return plugins.load()
    except plugins.PluginError as error:
        raise Failure(str(error)) from error


def _load_config(path: str | None, paths: tuple[str, ...]) -> LoadedConfig:
    """The configuration that is named, else the nearest to the first path that is a file or folder."""
    first = next((Path(each) for each in paths if each != STDIN and Path(each).exists()), Path())
    start = first.resolve() if first.is_dir() else first.resolve().parent
    found = Path(path) if path is not None else find_config(start)
    if found is None:
        return LoadedConfig(Config(), str(Path.cwd()))
    try:
        return load_config(found)
    except LoadError as error:
        raise Failure(_located(error)) from error


def _located(error: LoadError) -> str:
    place = ":".join(str(part) for part in (error.path, error.line, error.column) if part is not None)
    return f"{place}: {error.message}" + (f"\n  = help: {error.help}" if error.help else "")


def _colour(choice: str, stream: Any) -> bool:
    """Whether to colour what goes to a stream. --color wins, then NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


@main.command(short_help="Check domains against their hosts.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path())
@click.option("--host", "hosts", multiple=True, metavar="INPUT", help=HOST_HELP)
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
@_names("--require", help="Exit with 2 where a rule lacks this fact (or all).")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the text.")
@click.option("-q", "--quiet", is_flag=True, help="Print findings and errors only.")
@click.pass_context
def check(context: click.Context, /, paths: tuple[str, ...], **options: Any) -> None:
    """Check the domains under PATHS (default: the current folder) against their hosts.

    A PATH is a folder, a file, or - for standard input. Exit code 0: nothing at or above --fail-on; 1: findings;
    2: something could not be read, resolved or run.
    """
    from numalint.reporters import text  # noqa: PLC0415  # --help need not pay for it

    paths = paths or (".",)
    loaded = _load_plugins()
    config = _load_config(options["config"], paths)
    _check_facts(options["require"])
    reporters = {reporter.name: reporter for reporter in (*BUILT_IN, *loaded.reporters)}
    wanted = [_report_option(each, reporters) for each in options["reports"]]
    printer = _reporter(options["format"], reporters)
    report, warnings = run(_request(paths, config, loaded, options))
    for warning in warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    unwritten = sum(not _write_report(report, reporter, path) for reporter, path in wanted)
    click.echo(printer.render(report, _colour(options["color"], sys.stdout)), nl=False)
    colour = _colour(options["color"], sys.stderr)
    click.echo(text.problems(report, colour), nl=False, err=True)
    if not options["quiet"]:
        click.echo(text.summary(report, colour), nl=False, err=True)
    code = 0 if report.exit_code == 1 and options["exit_zero"] else report.exit_code
    context.exit(2 if unwritten else code)


def _write_report(report: Report, reporter: Reporter, path: str) -> bool:
    """Write a report to a file; False, and a sentence, where that cannot be done."""
    try:
        write_whole(path, reporter.render(report, False))
    except OSError as error:
        Failure(f"the report cannot be written to {printable(path)}: {error.strerror}").show()
        return False
    return True


def _request(paths: tuple[str, ...], config: LoadedConfig, loaded: plugins.Plugins, options: dict[str, Any]) -> Request:
    written = config.config.lint
    lint = Lint(
        select=list(options["select"]) or written.select,
        extend_select=[*written.extend_select, *options["extend_select"]],
        ignore=[*written.ignore, *options["ignore"]],
        fail_on=Severity(options["fail_on"] or written.fail_on),
    )
    try:
        rules = select_rules(loaded.rules, lint, NOTICES)
    except UnknownRule as error:
        raise Failure(str(error)) from error
    return Request(
        paths=paths,
        config=config,
        rules=tuple(rules),
        formats=loaded.formats,
        hosts=options["hosts"],
        exclude=options["exclude"],
        ignore=tuple(lint.ignore),
        tracked=options["tracked"],
        fail_on=lint.fail_on,
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


@main.command(short_help="List the rules.")
@click.option("-f", "--format", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
def rules(format: str) -> None:
    """List the rules; as markdown, with the page of each."""
    from numalint.reporters import pages  # noqa: PLC0415  # only this command needs them

    cards = [card(rule) for rule in _load_plugins().rules.values()]
    if format == "markdown":
        click.echo(pages.catalogue([*cards, *NOTICES.values()]), nl=False)
    else:
        click.echo(pages.rules_json(cards) if format == "json" else pages.rules_text(cards), nl=False)


def _complete_rule(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    return [id for id in (*plugins.load().rules, *NOTICES) if id.startswith(begun)]


@main.command(short_help="Print the page of a rule.")
@click.argument("rule", shell_complete=_complete_rule)
@click.option("-f", "--format", type=click.Choice(["text", "markdown"]), default="text", show_default=True)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the text.")
def explain(rule: str, format: str, color: str) -> None:
    """Print the page of a RULE: what it finds, why it hurts, bad and good examples, how to mend it."""
    from numalint.reporters.pages import page_markdown, page_text  # noqa: PLC0415  # only this command needs them

    found = _load_plugins().rules
    if rule not in found and rule not in NOTICES:
        raise Failure(unknown_rule(rule, (*found, *NOTICES)))
    page = card(found[rule]) if rule in found else NOTICES[rule]
    click.echo(page_markdown(page) if format == "markdown" else page_text(page, _colour(color, sys.stdout)), nl=False)


@main.command(short_help="Print what numalint understood of a domain or a host.")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path())
@click.option("--host", "hosts", multiple=True, metavar="INPUT", help=HOST_HELP)
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(files: tuple[str, ...], hosts: tuple[str, ...], format: str) -> None:
    """Print what numalint understood of domains and hosts: each affinity with its origin, each node.

    With --host, domains are resolved on that host; without FILE the host itself is shown, merged from its inputs.
    """
    from numalint.reporters.show import show_json, show_text, understood  # noqa: PLC0415  # only this command does

    if not files and not hosts:
        raise Failure("name a file to show, or a host with --host")
    try:
        subjects = understood(files, hosts, _load_plugins().formats, sys.stdin.buffer)
    except LoadError as error:
        raise Failure(_located(error)) from error
    click.echo(show_json(subjects) if format == "json" else show_text(subjects), nl=False)


@main.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a SHELL, to be read by its start-up file."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415  # only this command needs it

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(main, {}, "numalint", "_NUMALINT_COMPLETE").source())

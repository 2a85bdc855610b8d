"""What the commands share: failures, options, plugins, colour."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from numalint import plugins
from numalint.engine.notices import MALFORMED_DOMAIN
from numalint.loaders.document import LoadError
from numalint.model.report import Report, Result
from numalint.reporters.terminal import printable

Command = TypeVar("Command", bound=Callable[..., Any])

_INPUT = "a synthetic string (pack:2 numa:1 core:8 pu:2). Repeat it for several inputs of one host."
HOST_HELP = f"The host of all domains: a file, a folder, local (this machine), a name of the configuration or {_INPUT}"
SHOWN_HOST_HELP = f"The host to show, or to show domains on: a file, a folder, local (this machine) or {_INPUT}"


class Failure(click.ClickException):
    """What keeps numalint from running at all: a sentence, and exit code 2."""

    exit_code = 2

    def show(self, _file: Any = None) -> None:
        click.secho("error: ", fg="red", bold=True, nl=False, err=True)
        click.echo(self.format_message(), err=True)


EMPTY = "it is empty: give it a value, or leave it out"


def not_empty(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """The value of an option or argument. Raises BadParameter for an empty text: mostly a variable that is not set."""
    if value == "" or (isinstance(value, tuple) and "" in value):
        raise click.BadParameter(EMPTY, context, parameter)
    return value


def text_option(*names: str, **more: Any) -> Callable[[Command], Command]:
    """An option that takes a text."""
    return click.option(*names, callback=not_empty, **more)


host_option = text_option("--host", "hosts", multiple=True, metavar="INPUT", help=HOST_HELP)
colour_option = click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the text."
)


def load_plugins(local: Sequence[str] = ()) -> plugins.Plugins:
    """All plugins, and the rules in the files and folders of ``local``."""
    try:
        loaded = plugins.load()
        if local:
            from numalint.local_rules import load_local  # noqa: PLC0415  # most runs have none

            rules = dict(loaded.rules)
            for rule in load_local(local):
                plugins.add_rule(rules, rule, "local rules")
            loaded = replace(loaded, rules=dict(sorted(rules.items())))
    except plugins.PluginError as error:
        raise Failure(str(error)) from error
    return loaded


def malformed_in(report: Report) -> tuple[Result, ...]:
    """The results that say why something was not judged."""
    return tuple(each for each in report.results if each.rule == MALFORMED_DOMAIN)


def located(error: LoadError) -> str:
    """An input that cannot be read, as a sentence with its place and what to do."""
    place = ":".join(str(part) for part in (error.path, error.line, error.column) if part is not None)
    help = "".join(
        f"\n  {'= help:' if number == 0 else '       '} {printable(line)}"
        for number, line in enumerate(error.help.splitlines())
    )
    return printable(f"{place}: {error.message}") + help


def wants_colour(choice: str, stream: Any) -> bool:
    """Whether to colour what goes to a stream. --color wins, then NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"

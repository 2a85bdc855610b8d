"""``numalint rules`` and ``numalint explain``."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import click

from numalint import plugins
from numalint.cli.common import Failure, colour_option, load_plugins, wants_colour
from numalint.engine.notices import NOTICES
from numalint.engine.page import card
from numalint.engine.rule import SLUG, Category
from numalint.engine.select import unknown_rule
from numalint.loaders.document import LoadError
from numalint.local_rules import load_pack
from numalint.plugins import PluginError
from numalint.reporters import pages
from numalint.reporters.unjudged import count


@click.group(invoke_without_command=True, short_help="List the rules; write and test your own.")
@click.option("-f", "--format", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.pass_context
def rules(context: click.Context, /, format: str) -> None:
    """List the rules; as markdown, with the page of each."""
    if context.invoked_subcommand is not None:
        return
    cards = [card(rule) for rule in load_plugins().rules.values()]
    if format == "markdown":
        left_out = files("numalint").joinpath("texts", "not-covered.md").read_text(encoding="utf-8")
        click.echo(pages.catalogue([*cards, *NOTICES.values()], left_out), nl=False)
    else:
        click.echo(pages.rules_json(cards) if format == "json" else pages.rules_text(cards), nl=False)


@rules.command(short_help="Write the file of a new rule.")
@click.argument("name")
@click.option(
    "--into", type=click.Path(file_okay=False), default=".", metavar="FOLDER", help="Where the file is written."
)
def new(name: str, into: str) -> None:
    """Write a rule file for the rule NAME (words joined by hyphens), whose examples fail until its check is written."""
    if not SLUG.fullmatch(name):
        raise Failure(f"{name!r} is no name of a rule: write words of a-z and 0-9 joined by hyphens")
    if name in load_plugins().rules:
        raise Failure(
            f"there is a rule {name} already: numalint explain {name} says what it finds; choose another name"
        )
    path = Path(into) / f"{name.replace('-', '_')}.py"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(
                files("numalint").joinpath("texts", "new_rule.py.txt").read_text(encoding="utf-8").replace("NAME", name)
            )
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}") from error
    click.echo(f"{path} is written; numalint rules test {path} runs its examples")


@rules.command(short_help="Run the examples of rules.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.pass_context
def test(context: click.Context, /, paths: tuple[str, ...]) -> None:
    """Run the examples in the pages of the rules at each PATH: a file, a folder, or the name of an installed package.

    Exit code 0: every example holds; 1: some do not; 2: a path has no rule.
    """
    from numalint.rule_checks import broken_promises  # noqa: PLC0415  # only this command needs them
    from numalint.testing import examples, what_is_missing  # noqa: PLC0415

    try:
        found = [rule for path in paths for rule in load_pack(path)]
    except PluginError as error:
        raise Failure(str(error)) from error
    failed = 0
    for example in examples(found):
        try:
            example.run()
            click.echo(f"ok      {example}")
        except (AssertionError, LoadError, ValueError) as error:
            failed += 1
            click.echo(f"FAILED  {error if str(error).startswith(str(example)) else f'{example}: {error}'}")
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a rule may raise anything
            failed += 1
            click.echo(f"FAILED  {example}: it raises {type(error).__name__}: {error}")
    for sentence in (said for rule in found for said in (what_is_missing(rule), *broken_promises(rule)) if said):
        failed += 1
        click.echo(f"FAILED  {sentence}")
    click.echo(f"{failed} failed" if failed else f"all examples of {count(len(found), 'rule')} hold")
    context.exit(1 if failed else 0)


TOPICS = ("topology", "host-toml", "numalint-toml")
"""What is explained beside rules and notices: a file of numalint/texts each."""


def _complete_subject(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    return [id for id in (*plugins.load().rules, *NOTICES, *TOPICS) if id.startswith(begun)]


@click.command(short_help="Print the page of a rule, or of a topic (topology, host-toml, numalint-toml).")
@click.argument("subject", metavar="RULE", shell_complete=_complete_subject)
@click.option("-f", "--format", type=click.Choice(["text", "markdown"]), default="text", show_default=True)
@colour_option
def explain(subject: str, format: str, color: str) -> None:
    """Print the page of a RULE: what it finds, why it hurts, bad and good examples, how to mend it.

    numalint explain topology says how to get a description of a host, numalint explain host-toml how to write one, numalint
    explain numalint-toml how to write the configuration.
    """
    page = _page(subject)
    click.echo(page if format == "markdown" else pages.in_terminal(page, wants_colour(color, sys.stdout)), nl=False)


def _page(subject: str) -> str:
    """The page as Markdown."""
    if subject in TOPICS:
        return f"# {subject}\n\n" + files("numalint").joinpath("texts", f"{subject}.md").read_text(encoding="utf-8")
    found = load_plugins().rules
    if subject in set(Category):
        raise Failure(f"{subject} is a category and no rule; numalint rules lists the rules of each")
    if subject not in found and subject not in NOTICES:
        raise Failure(unknown_rule(subject, (*found, *NOTICES, *TOPICS)))
    return pages.page_markdown(card(found[subject]) if subject in found else NOTICES[subject])

"""``numalint show``."""

from __future__ import annotations

import sys

import click

from numalint.cli.common import (
    SHOWN_HOST_HELP,
    Failure,
    colour_option,
    load_plugins,
    located,
    not_empty,
    text_option,
    wants_colour,
)
from numalint.loaders.document import LoadError
from numalint.reporters.drawing import Surface
from numalint.reporters.show import show_json, show_text, understood


@click.command(short_help="Print what numalint understood of a domain or a host.")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(), callback=not_empty)
@text_option("--host", "hosts", multiple=True, metavar="INPUT", help=SHOWN_HOST_HELP)
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-a", "--all", is_flag=True, help="Draw every core, cache, node and device by itself.")
@colour_option
def show(files: tuple[str, ...], hosts: tuple[str, ...], format: str, all: bool, color: str) -> None:
    """Print what numalint understood: of a domain each affinity with its origin, of a host a picture of it.

    Like parts of a large host are drawn together, and many devices are cut to those with names; --all shows all.
    With --host, domains are resolved on that host; without FILE the host itself is shown, merged from its inputs.
    """
    if not files and not hosts:
        raise Failure("name a file to show, or a host with --host")
    try:
        subjects = understood(files, hosts, load_plugins().formats, sys.stdin.buffer)
    except LoadError as error:
        raise Failure(located(error)) from error
    if format == "json":
        click.echo(show_json(subjects), nl=False)
    else:
        colour = wants_colour(color, sys.stdout)
        click.echo(show_text(subjects, Surface.of(sys.stdout, colour), all), nl=False, color=colour)

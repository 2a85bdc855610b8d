"""``numalint topology``: hosts captured, checked and compared."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from numalint.cli.common import Failure, colour_option, load_plugins, located, text_option, wants_colour
from numalint.engine.world import Sniffer
from numalint.loaders.document import HEAD_BYTES, HostFormat, LoadError, read_head
from numalint.loaders.host.disagreement import Contradiction
from numalint.loaders.host.inputs import LOCAL, load_inputs, recognise
from numalint.model.contradictions import contradictions
from numalint.model.host import Host
from numalint.reporters.terminal import printable

_WORDS = {
    "host.toml": "numalint's TOML",
    "capabilities": "virsh capabilities",
    "nodedev": "libvirt's node devices",
    "hwloc": "hwloc XML",
    "sysfs": "a sysfs tree",
    "lscpu": "lscpu",
    "numactl": "numactl --hardware",
    "numastat": "numastat -m",
    "synthetic": "a synthetic string",
}
"""What each of numalint's own formats is, in the words of those who write it."""

_PARTIAL = "alone it serves no check: it is to be given with an input that states nodes and their CPUs"


@click.group(short_help="Capture, check and compare descriptions of hosts.")
def topology() -> None:
    """Work with descriptions of hosts: the files that say which CPUs, memory and devices a host has."""


@topology.command(short_help="Write a host as numalint's TOML.")
@text_option("-o", "--output", metavar="FILE", help="Write to this file, whole or not at all, not to stdout.")
@text_option(
    "--from",
    "inputs",
    multiple=True,
    metavar="INPUT",
    help="Take the host from this input, not from this machine: a file, a folder, an archive of /sys. Repeat it for "
    "several inputs of one host.",
)
@text_option("--name", metavar="NAME", help="Call the host so, not as its inputs do.")
def capture(output: str | None, inputs: tuple[str, ...], name: str | None) -> None:
    """Write this machine, or the host that other inputs describe, as TOML that numalint reads.

    The file has all that is known of the host, with a comment on each number, and no sign of when or where it was made:
    of the same host it is the same. Name it NAME.host.toml and put it beside the domains. What only you know, such
    as the CPUs that are kept for the host, declare in a file of its own that begins with base = "NAME.host.toml".
    """
    from numalint.reporters import write_whole  # noqa: PLC0415  # --help need not pay for it
    from numalint.reporters.host.check import overview  # noqa: PLC0415
    from numalint.reporters.host.declaration import declaration  # noqa: PLC0415

    formats = load_plugins().formats
    if output is not None and os.path.isfile(output) and Sniffer(formats).kind(output).domain:
        raise Failure(f"{printable(output)} is a domain, which the host would replace: name another file")
    host, warnings = _load(inputs or (LOCAL,), formats, name)
    _warn((*warnings, *contradictions(host)))
    text = declaration(host)
    if output is None:
        click.echo(text.encode(), nl=False)  # TOML is UTF-8, whatever the terminal is
        return
    try:
        write_whole(output, text)
    except OSError as error:
        raise Failure(f"the host cannot be written to {printable(output)}: {error.strerror}") from error
    click.echo(f"{printable(output)}: {printable(host.name)} with {overview(host)}", err=True)
    if host.unknown:
        click.echo(f"not known of it: {', '.join(sorted(host.unknown))}", err=True)


@topology.command(short_help="Judge descriptions of hosts.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
@click.option(
    "--together", is_flag=True, help="Judge the FILEs as inputs of one host as well, and tell where they differ."
)
@colour_option
@click.pass_context
def check(context: click.Context, /, files: tuple[str, ...], together: bool, color: str) -> None:
    """Say of each FILE what it is, what it has, what it leaves unknown and how to know it, and what is odd in it.

    A FILE may also be a folder, an archive of /sys, local (this machine) or a synthetic string. Exit code 0: good; 2: one
    cannot be read or contradicts itself or, with --together, another. What is merely odd is a note.
    """
    from numalint.reporters.host.check import judged, unknown  # noqa: PLC0415

    formats = load_plugins().formats
    colour = wants_colour(color, sys.stdout)
    bad = False
    for file in files:
        try:
            host, remarks = load_inputs([file], formats)
        except LoadError as error:
            Failure(located(error)).show()
            bad = True
            continue
        kind, partial = _kind(file, host, formats)
        notes = (*remarks, _PARTIAL) if partial else remarks
        click.echo(
            judged(file, kind, host, notes, colour) + ("" if together else unknown(host)), nl=False, color=colour
        )
        bad = bad or _contradicts(host, remarks)
    if together:
        host, remarks = _load(files, formats, None)
        click.echo(judged("together", "one host", host, remarks, colour) + unknown(host), nl=False, color=colour)
        bad = bad or _contradicts(host, remarks)
    context.exit(2 if bad else 0)


@topology.command(short_help="Say what changed between two descriptions of a host.")
@click.argument("old", type=click.Path())
@click.argument("new", type=click.Path())
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def diff(context: click.Context, /, old: str, new: str, format: str) -> None:
    """Say in sentences what changed from OLD to NEW: CPUs, nodes, memory, pools, distances, PCI devices, names.

    Each is a file, a folder, an archive of /sys, local (this machine) or a synthetic string: kvm01.host.toml local tells what
    changed on this machine since it was captured. Exit code 0: nothing; 1: something; 2: one of them cannot be read.
    """
    from numalint.reporters.host.diff import differences  # noqa: PLC0415
    from numalint.reporters.host.difference import as_json, sentences  # noqa: PLC0415

    formats = load_plugins().formats
    (before, warnings), (after, more) = (_load((each,), formats, None) for each in (old, new))
    _warn((*warnings, *more))
    found = differences(before, after)
    if format == "json":
        click.echo(as_json(found), nl=False)
    else:
        for sentence in sentences(found):
            click.echo(printable(sentence))
    if not found:
        click.echo(f"{printable(old)} and {printable(new)} state the same of the host", err=True)
    context.exit(1 if found else 0)


def _load(inputs: Sequence[str], formats: tuple[HostFormat, ...], name: str | None) -> tuple[Host, tuple[str, ...]]:
    try:
        return load_inputs(inputs, formats, name)
    except LoadError as error:
        raise Failure(located(error)) from error


def _warn(sentences: Sequence[str]) -> None:
    for sentence in dict.fromkeys(sentences):
        click.echo(f"warning: {printable(sentence)}", err=True)


def _contradicts(host: Host, remarks: Sequence[str]) -> bool:
    return bool(contradictions(host)) or any(isinstance(each, Contradiction) for each in remarks)


def _kind(text: str, host: Host, formats: tuple[HostFormat, ...]) -> tuple[str, bool]:
    """What an input is that was read already, in words, and whether it needs another one beside it."""
    if text == LOCAL:
        return "this machine", False
    if os.path.isdir(text):
        partial = host.cpus is None and host.nodes is None
        return _WORDS["nodedev" if partial else "sysfs"], partial
    if not os.path.lexists(text):
        return _WORDS["synthetic"], False
    with open(text, "rb") as file:
        format = recognise(read_head(file.read(HEAD_BYTES)), formats)
    return ("", False) if format is None else (_WORDS.get(format.name, format.name), format.partial)

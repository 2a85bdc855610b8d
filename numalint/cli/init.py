"""``numalint init``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from numalint.cli.common import Failure, load_plugins, located
from numalint.loaders.config_search import NAME, find_config
from numalint.loaders.document import LoadError
from numalint.reporters.host import toml_text
from numalint.reporters.terminal import printable
from numalint.reporters.unjudged import count

if TYPE_CHECKING:
    from numalint.engine.proposal import Proposal, ProposedHost, Undecided

_HEAD = """\
# Which hosts there are, and which domains are on them. numalint init made this of what it found here: read it, mend it,
# and keep it beside the domains. numalint explain numalint-toml says what each key does and which others there are.
"""


@click.command(short_help="Propose a numalint.toml for a folder.")
@click.argument("folder", default=".", type=click.Path())
@click.option("--write", is_flag=True, help="Write the proposal to FOLDER/numalint.toml, where there is none yet.")
def init(folder: str, write: bool) -> None:
    """Look at FOLDER (default: the current one) and print a numalint.toml for it: its hosts, and the domains of each.

    A domain is on the host whose files are nearest to it, or whose name its folder has. What cannot be told is a comment
    that says what to do.
    """
    from numalint.engine.proposal import propose  # noqa: PLC0415  # --help need not pay for it
    from numalint.reporters import write_whole  # noqa: PLC0415

    if not os.path.isdir(folder):
        raise Failure(f"{printable(folder)}: there is no such folder")
    shown = printable(os.path.relpath(folder))
    there = _configuration(folder)
    if write and there is not None:
        raise Failure(f"{printable(there)} configures {shown} already: numalint init {shown} prints what may be added")
    proposal = propose(folder, load_plugins().formats)
    if proposal.is_empty:
        raise Failure(f"there is nothing to propose: {shown} has neither a domain nor a file that describes a host")
    text = "\n".join("\n".join(lines) + "\n" for section in _sections(proposal) if (lines := list(section)))
    if not write:
        click.echo(text.encode(), nl=False)
        next = f"{printable(there)} is there already" if there else f"next: numalint init {shown} --write"
        click.echo(f"{_found(proposal)}; {next}", err=True)
        return
    path = os.path.normpath(os.path.join(folder, NAME))
    try:
        write_whole(path, text)
    except OSError as error:
        raise Failure(f"{printable(path)} cannot be written: {error.strerror}") from error
    click.echo(f"{printable(path)} is written; {_found(proposal)}; next: numalint check {shown}", err=True)


def _configuration(folder: str) -> str | None:
    """The configuration that a folder has already, its own or that of a folder above it."""
    try:
        found = find_config(Path(folder).resolve())
    except LoadError as error:
        raise Failure(located(error)) from error
    return None if found is None else os.path.relpath(found)


def _found(proposal: Proposal) -> str:
    """What was found, in a sentence."""
    without = sum(each.files for each in proposal.undecided)
    left = f", {without} of them on no host yet" if without else ""
    return f"found {count(len(proposal.hosts), 'host')} and {count(proposal.files, 'domain file')}{left}"


def _sections(proposal: Proposal) -> Iterator[Iterable[str]]:
    yield [_HEAD.rstrip()]
    yield _exclude(proposal)
    yield from map(_host, proposal.hosts)
    yield from (_undecided(each, has_hosts=bool(proposal.hosts)) for each in proposal.undecided)
    yield _devices(proposal)
    yield _unreadable(proposal)


def _exclude(proposal: Proposal) -> Iterator[str]:
    """What is not to be looked at. What is merely broken is not left out without a word."""
    if proposal.apart or proposal.templates:
        said = ["folders with a numalint.toml of their own"] * bool(proposal.apart)
        said += ["templates, which are no domains yet"] * bool(proposal.templates)
        yield f"# {'; '.join(said)}"
        yield f"exclude = {toml_text.folded((*proposal.apart, *proposal.templates))}"
    if proposal.malformed:
        yield "# These begin as domains do, but cannot be read. Mend them, or exclude them:"
        yield from _commented(f"exclude = {toml_text.folded(proposal.malformed)}")


def _host(host: ProposedHost) -> Iterator[str]:
    topology = host.topology[0] if len(host.topology) == 1 else toml_text.folded(host.topology)
    remark = "  # by the name of the folder" if host.by_name else "" if host.domains else "  # no domain is near to it"
    yield f"[hosts.{toml_text.key(host.name)}]"
    yield f"topology = {toml_text.value(topology)}"
    yield f"domains = {toml_text.folded(host.domains)}{remark}"


def _undecided(undecided: Undecided, *, has_hosts: bool) -> Iterator[str]:
    domains = f"domains = {toml_text.folded(undecided.domains)}"
    if undecided.hosts:
        names = f"{', '.join(map(printable, undecided.hosts[:-1]))} and {printable(undecided.hosts[-1])}"
        yield f"# {names} are equally near to {count(undecided.files, 'domain file')}. Divide these globs among them:"
        yield from _commented(domains)
        return
    yield f"# No host is near to {count(undecided.files, 'domain file')}: only what needs none is judged."
    if has_hosts:
        yield "# Add these globs to the hosts that they are on:"
        yield from _commented(domains)
    else:
        yield "# Describe it, as numalint explain topology says, and take the signs away:"
        yield from _commented(f'[hosts.kvm01]\ntopology = "kvm01.host.toml"\n{domains}')


def _devices(proposal: Proposal) -> Iterator[str]:
    if proposal.devices:
        yield "# These describe only devices. Add each to the topology of its host:"
        yield from _commented(str(toml_text.folded(proposal.devices)))


def _unreadable(proposal: Proposal) -> Iterator[str]:
    for path, message in proposal.unreadable:
        yield f"# {printable(path)} looks like a host, but cannot be read: {printable(message)}"


def _commented(text: str) -> Iterator[str]:
    return (f"# {line}" for line in text.split("\n"))

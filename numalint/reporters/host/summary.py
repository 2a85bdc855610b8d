"""The words around a host's picture: what there is in all, which CPUs are for whom, what is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from numalint.model.host import Fact, Host
from numalint.model.report import Unjudged
from numalint.model.wording import count_text, size_text
from numalint.reporters.drawing import (
    UNKNOWN,
    Surface,
    Word,
    conjoined,
    cpus_word,
    lines,
    listed,
    stated,
    unknown,
    words,
)
from numalint.reporters.host.facts import cores_text, uses_of
from numalint.reporters.terminal import BOLD
from numalint.reporters.unjudged import sources

_MOST_SOURCES = 3
_OF_PCI = (Fact.PCI_NODE, Fact.NAMES, Fact.IOMMU_GROUPS)
"""What comes with the devices: the inputs that state these state it too."""


def header_lines(host: Host, surface: Surface, unfold: bool) -> Iterator[str]:
    """What the host has in all, and which CPUs are for whom: the legend of the marks."""

    def fact(label: str, value: Iterable[Word], mark: str = " ", style: str = "") -> Iterator[str]:
        return lines([Word(f"{mark} {label:<12}", style), *value], surface, "  ", " " * 17)

    uses = uses_of(host)
    title = f"host {host.name} ({host.arch}):" if host.arch else f"host {host.name}:"
    yield from lines([*words(*title.split(" "), style=BOLD), *stated(_counts(host))], surface, rest="  ")
    files = host.sources if unfold else host.sources[:_MOST_SOURCES]
    more = len(host.sources) - len(files)
    if files:
        yield from fact("from", listed(words(*files, *([f"{more} more"] if more else []))))
    if host.cpus is not None:
        yield from fact("online", [cpus_word(host.cpus, unfold)])
    for use in uses:
        if use.cpus:
            value = [cpus_word(use.cpus, unfold, use.style), *words(*([f"({use.sense})"] if use.sense else []))]
            yield from fact(use.label, value, use.mark, use.style)
        elif use.cpus is not None:
            yield from fact(use.label, words("none"))
    if host.housekeeping and host.cpus is not None:
        yield from fact("for guests", [cpus_word(host.cpus - host.housekeeping, unfold)])
    for kind, cpus in sorted((host.kinds or {}).items(), key=lambda each: min(each[1], default=0)):
        yield from fact(kind, [cpus_word(cpus, unfold)])
    lacking = [use.label for use in uses if use.cpus is None]
    if lacking:
        yield from fact("unknown", words(f"{conjoined(lacking)} CPUs", style=UNKNOWN), style=UNKNOWN)


def _counts(host: Host) -> Iterator[Word]:
    yield unknown("sockets") if host.sockets is None else Word(count_text(len(host.sockets), "socket"))
    if host.nodes is None:
        yield unknown("nodes")
    else:
        bare = sum(node.cpus is not None and not node.cpus for node in host.nodes)
        yield Word(count_text(len(host.nodes), "node") + (f" ({bare} without CPUs)" if bare else ""))
    yield unknown("L3 caches") if host.l3 is None else Word(count_text(len(host.l3), "L3 cache"))
    yield unknown("cores") if host.cores is None else Word(cores_text(host.cores))
    yield unknown("CPUs") if host.cpus is None else Word(count_text(len(host.cpus), "CPU"))
    sizes = [node.memory_bytes for node in host.nodes or ()]
    known = [size for size in sizes if size is not None]
    if not known or len(known) < len(sizes):
        yield unknown("memory")
    else:
        yield Word(size_text(sum(known)) if any(known) else "no memory")


def unknown_lines(host: Host, surface: Surface) -> Iterator[str]:
    """What no input states, and what would."""
    facts = [fact for fact in Fact if fact in host.unknown]
    with_pci = [fact.value for fact in facts if fact in _OF_PCI] if Fact.PCI in facts else []
    asked = tuple(fact.value for fact in facts if fact.value not in with_pci)
    by_source: dict[str, list[str]] = {}
    for line in sources([Unjudged(rule="show", host=host.name, facts=asked, domains=0)]):
        fact, source = line.removeprefix("to know ").split(": ", 1)
        by_source.setdefault(source, []).extend([fact, *with_pci] if fact == Fact.PCI else [fact])
    if by_source:
        yield from lines(words("unknown, and what states it", style=BOLD), surface)
    for source, named in by_source.items():
        yield from lines([Word(f"{', '.join(named)}:", UNKNOWN), *words(*source.split(" "))], surface, "  ", "    ")


def note_lines(host: Host, surface: Surface) -> Iterator[str]:
    """What is odd in the inputs."""
    for note in host.notes:
        yield from lines([Word("note:", BOLD), *words(*note.split(" "))], surface, rest="  ")

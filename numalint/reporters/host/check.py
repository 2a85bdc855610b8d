"""What ``numalint topology check`` says of a description of a host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from numalint.loaders.host.disagreement import Contradiction
from numalint.model.contradictions import contradictions
from numalint.model.host import Fact, Host
from numalint.model.oddities import oddities
from numalint.model.report import Unjudged
from numalint.model.wording import count_text, size_text
from numalint.reporters.terminal import BOLD, RED, YELLOW, paint, printable
from numalint.reporters.unjudged import sources

_OF_PCI = (Fact.PCI_NODE, Fact.NAMES, Fact.IOMMU_GROUPS)
"""What comes with the devices: the inputs that state these state it too."""


def overview(host: Host) -> str:
    """What there is, as far as it is known: ``2 nodes, 2 sockets, 16 cores, 32 CPUs, 126 GiB, 14 PCI devices``."""
    sizes = [node.memory_bytes for node in host.nodes or ()]
    known = [size for size in sizes if size is not None]
    counted = (
        (host.nodes, "node"),
        (host.sockets, "socket"),
        (host.l3, "L3 cache"),
        (host.cores, "core"),
        (host.cpus, "CPU"),
        (host.pci, "PCI device"),
    )
    said = [count_text(len(things), noun) for things, noun in counted if things is not None]
    if known and len(known) == len(sizes):
        said.insert(-1 if host.pci is not None else len(said), size_text(sum(known)))
    return ", ".join(said) or "nothing"


def judged(subject: str, kind: str, host: Host, remarks: Iterable[str], colour: bool) -> str:
    """One description, or several together: what it is, what it has, what contradicts itself, what is odd.

    ``remarks`` are the sentences that reading it gave; ``subject`` names the input.
    """
    arch = f", {host.arch}" if host.arch is not None else ""
    lines = [paint(printable(subject), BOLD, colour) + printable(f": {kind} ({host.name}{arch})")]
    lines.append(f"  has: {overview(host)}")
    odd = [Contradiction(each) for each in contradictions(host)]
    for sentence in dict.fromkeys((*odd, *remarks, *oddities(host))):
        word, style = ("contradiction", RED) if isinstance(sentence, Contradiction) else ("note", YELLOW)
        lines.append(f"  {paint(f'{word}:', style, colour)} {printable(sentence)}")
    return "\n".join(lines) + "\n"


def unknown(host: Host) -> str:
    """What no input states, and what would: the facts that one input states on one line."""
    by_source: dict[str, list[str]] = {}
    for fact, source in _sources(host):
        by_source.setdefault(source, []).append(fact)
    return "".join(f"  unknown: {', '.join(facts)}\n    to know: {source}\n" for source, facts in by_source.items())


def _sources(host: Host) -> Iterator[tuple[str, str]]:
    facts = [fact for fact in Fact if fact in host.unknown]
    with_devices = [fact for fact in facts if fact in _OF_PCI] if Fact.PCI in facts else []
    asked = tuple(fact.value for fact in facts if fact not in with_devices)
    for line in sources([Unjudged(rule="", host=host.name, facts=asked, domains=0)]):
        fact, _, source = line.removeprefix("to know ").partition(": ")
        yield fact, source
        if fact == Fact.PCI:
            yield from ((each.value, source) for each in with_devices)

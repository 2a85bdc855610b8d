"""What must hold for every rule, whoever wrote it: on nothing, on hosts that lack a fact, on the same domain written otherwise.

``numalint rules test`` runs these beside the examples of a rule's page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree
from msgspec.structs import replace

from numalint.engine.judge import Judge
from numalint.engine.policy import Policies
from numalint.engine.rule import Rule
from numalint.loaders.document import Document, LoadError
from numalint.loaders.domain import load_domains
from numalint.loaders.xml import locate
from numalint.model.domain import Domain
from numalint.model.finding import Severity
from numalint.model.host import Fact, Host, Node, PciDevice, Pool
from numalint.model.placement import UNKNOWN_HOST
from numalint.testing import DOCUMENT, examples, findings, read_host

ONE_NODE = read_host(
    "format = 1\nname = 'one'\n[topology]\nsockets = 1\ncores_per_node = 8\nthreads_per_core = 2\n"
    "cpu_numbering = 'threads-last'\nmemory_per_node = '64 GiB'\ncores_per_l3 = 8\n"
    "[cpus]\nisolated = ''\nhousekeeping = '0,8'\noffline = ''\n"
    "[node.0]\nhugepages = { '2M' = 0 }\npci = ['0000:01:00.0 eno1']\n"
)
"""A host of one node of which all is known."""


def broken_promises(rule: Rule) -> Iterator[str]:
    """The sentences that say what a rule does not keep to; none for a rule that is fit to be used.

    Rules about several domains of a host are held to their examples alone.
    """
    if rule.shape == "host":
        return
    for check in (on_nothing, on_one_node, without_a_fact, written_otherwise):
        try:
            said = check(rule)
        except LoadError:
            return  # an example that cannot be read is told where the examples are run
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a rule may raise anything
            said = f"it raises {type(error).__name__}: {error}"
        if said:
            yield f"{rule.id}: {said}"


def on_nothing(rule: Rule) -> str | None:
    """An empty domain draws no error, with and without a host."""
    for host in (UNKNOWN_HOST, ONE_NODE):
        (domain,) = _domains("<domain/>")
        severities = _severities(rule, domain, host)
        if isinstance(severities, str):
            return f"on an empty <domain/> {severities}"
        if Severity.ERROR in severities:
            return "it has an error for an empty <domain/>"
    return None


def on_one_node(rule: Rule) -> str | None:
    """The domains of its examples are judged on a host of one node."""
    return _each_example(rule, lambda domain, _: _severities(rule, domain, ONE_NODE))


def without_a_fact(rule: Rule) -> str | None:
    """On hosts that lack one fact after the other it fails never, is silent where it needs the fact, and tells which it uses."""

    def check(domain: Domain, host: Host) -> object:
        usual = _told(_judged(rule, domain, host))
        for fact, lacking in hosts_lacking(host):
            judge = _judged(rule, domain, lacking)
            if judge.problems:
                return f"without {fact}: {judge.problems[0].message}"
            if fact in rule.needs and judge.said:
                return f"without {fact}, which it needs, it says: {judge.said[0].finding.message}"
            lost = lacking.unknown - host.unknown  # with it go those that depend on it
            if not lost & (rule.needs | rule.uses) and _told(judge) != usual:
                return f"without {fact} it speaks otherwise, and neither needs nor uses names that"
        return None

    return _each_example(rule, check)


def written_otherwise(rule: Rule) -> str | None:
    """Attributes in another order and another layout change nothing of what it says."""
    for example in examples([rule]):
        host, text = read_host(example.example.host), example.example.domain
        plain, other = _said(rule, text, host), _said(rule, rewritten(text), host)
        if plain != other:
            return f"{example}: of the same domain in another layout it says {other}, not {plain}"
    return None


def rewritten(text: str) -> str:
    """The same domain with its attributes reversed, in double quotes, indented anew and with a comment on top."""
    root = etree.fromstring(text.encode(), etree.XMLParser(remove_blank_text=True))
    for element in root.iter(etree.Element):
        pairs = list(element.attrib.items())
        element.attrib.clear()
        for name, value in reversed(pairs):
            element.set(name, value)
    return "<!-- written anew -->\n\n" + etree.tostring(root, pretty_print=True, encoding="unicode")


def hosts_lacking(host: Host) -> Iterator[tuple[Fact, Host]]:
    """For each fact that a host states, the fact and the host as if no input stated it."""
    for fact in Fact:
        if fact not in host.unknown:
            yield fact, _without(host, fact)


def _each_example(rule: Rule, check: Callable[[Domain, Host], object]) -> str | None:
    """The first sentence that a check of the domains of the examples, on their hosts, gives."""
    for example in examples([rule]):
        for domain in _domains(example.example.domain):
            said = None if domain.faults else check(domain, read_host(example.example.host))
            if isinstance(said, str):
                return f"{example}: {said}"
    return None


def _judged(rule: Rule, domain: Domain, host: Host) -> Judge:
    judge = Judge(Policies.all([rule]))
    judge.judge(domain, [host])
    return judge


def _told(judge: Judge) -> list[tuple[Severity, str, str, str]]:
    return [(each.severity, each.finding.message, each.finding.label, each.finding.help) for each in judge.said]


def _severities(rule: Rule, domain: Domain, host: Host) -> set[Severity] | str:
    try:
        return {finding.severity or rule.severity for finding in findings(rule, domain, host)}
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a rule may raise anything
        return f"it raises {type(error).__name__}: {error}"


def _domains(text: str) -> list[Domain]:
    return load_domains(Document(DOCUMENT, text.encode()))


def _said(rule: Rule, text: str, host: Host) -> list[tuple[str, str, str, str]]:
    """Severity, message, label and element of each finding, in any order."""
    found = []
    for domain in _domains(text):
        for finding in findings(rule, domain, host):
            element = locate(Document(DOCUMENT, text.encode()), [finding.place])[finding.place][1]
            found.append(((finding.severity or rule.severity).value, finding.message, finding.label, element))
    return sorted(found)


_WHOLE = {
    Fact.NODES: "nodes",
    Fact.SOCKETS: "sockets",
    Fact.CORES: "cores",
    Fact.L3: "l3",
    Fact.ISOLATED: "isolated",
    Fact.OFFLINE: "offline",
    Fact.HOUSEKEEPING: "housekeeping",
}


def _without(host: Host, fact: Fact) -> Host:
    if fact in _WHOLE:
        return replace(host, **{_WHOLE[fact]: None})
    if fact is Fact.PCI:
        return replace(host, pci=None, pci_buses=())
    if fact in (Fact.PCI_NODE, Fact.NAMES, Fact.IOMMU_GROUPS):
        devices = {address: _device_without(device, fact) for address, device in (host.pci or {}).items()}
        buses = () if fact is Fact.PCI_NODE else host.pci_buses
        nodes = host.nodes and tuple(replace(node, names=()) for node in host.nodes)
        return replace(host, pci=devices, pci_buses=buses, nodes=nodes)
    return replace(host, nodes=host.nodes and tuple(_node_without(node, fact) for node in host.nodes))


def _device_without(device: PciDevice, fact: Fact) -> PciDevice:
    if fact is Fact.PCI_NODE:
        return replace(device, node=None)
    return replace(device, names=(), aliases=()) if fact is Fact.NAMES else replace(device, iommu_group=None)


def _node_without(node: Node, fact: Fact) -> Node:
    if fact is Fact.MEMORY:
        return replace(node, memory_bytes=None)
    if fact is Fact.DISTANCES:
        return replace(node, distances={})
    if fact is Fact.HUGEPAGES:
        return replace(node, hugepages=None)
    return replace(node, hugepages={size: Pool(pool.total, None) for size, pool in (node.hugepages or {}).items()})

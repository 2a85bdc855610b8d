"""What holds for every rule, whoever wrote it: on nothing, on hosts that lack a fact, on the same domain written otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lxml import etree
from msgspec.structs import replace

from numalint.engine.judge import Judge
from numalint.engine.rule import Rule
from numalint.loaders.document import Document
from numalint.loaders.domain import load_domains
from numalint.loaders.xml import locate
from numalint.model.domain import Domain
from numalint.model.host import Fact, Host, Node, PciDevice, Pool
from numalint.model.placement import UNKNOWN_HOST
from numalint.plugins import load
from numalint.testing import RuleExample, examples, findings, read_host

RULES = load().rules
EXAMPLES = list(examples(RULES.values()))
ONE_NODE = read_host(
    "format = 1\nname = 'one'\n[topology]\nsockets = 1\ncores_per_node = 8\nthreads_per_core = 2\n"
    "cpu_numbering = 'threads-last'\nmemory_per_node = '64 GiB'\ncores_per_l3 = 8\n"
    "[cpus]\nisolated = ''\nhousekeeping = '0,8'\noffline = ''\n"
    "[node.0]\nhugepages = { '2M' = 0 }\npci = ['0000:01:00.0 eno1']\n"
)
pairs = pytest.mark.parametrize(
    ("rule", "example"), [(RULES[each.rule.id], each) for each in EXAMPLES], ids=[str(each) for each in EXAMPLES]
)


def domains(text: str) -> list[Domain]:
    return load_domains(Document("example.xml", text.encode()))


def said(rule: Rule, text: str, host: Host) -> list[tuple[str, str, str, str]]:
    """Severity, message, label and element of each finding, in any order."""
    found = []
    for domain in domains(text):
        for finding in findings(rule, domain, host):
            element = locate(Document("example.xml", text.encode()), [finding.place])[finding.place][1]
            severity = finding.severity or rule.severity
            found.append((severity.value, finding.message, finding.label, element))
    return sorted(found)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("host", [UNKNOWN_HOST, ONE_NODE], ids=["no-host", "one-node"])
def test_an_empty_domain_draws_no_error(rule: Rule, host: Host) -> None:
    (domain,) = domains("<domain/>")
    assert not [each for each in findings(rule, domain, host) if (each.severity or rule.severity) == "error"]


@pairs
def test_attributes_in_another_order_and_another_layout_change_nothing(rule: Rule, example: RuleExample) -> None:
    host, text = read_host(example.example.host), example.example.domain
    assert said(rule, written_otherwise(text), host) == said(rule, text, host)


def written_otherwise(text: str) -> str:
    """The same domain with its attributes reversed, in double quotes, indented anew and with a comment on top."""
    root = etree.fromstring(text.encode(), etree.XMLParser(remove_blank_text=True))
    for element in root.iter(etree.Element):
        pairs = list(element.attrib.items())
        element.attrib.clear()
        for name, value in reversed(pairs):
            element.set(name, value)
    return "<!-- written anew -->\n\n" + etree.tostring(root, pretty_print=True, encoding="unicode")


@pairs
def test_a_host_that_lacks_a_fact_is_never_guessed_at(rule: Rule, example: RuleExample) -> None:
    host = read_host(example.example.host)
    for fact, lacking in each_fact_unknown(host):
        judge = Judge([rule])
        for domain in domains(example.example.domain):
            if not domain.faults:
                judge.judge(domain, lacking)
        assert not judge.problems, f"without {fact}: {judge.problems[0].message}"
        if fact in rule.needs:
            assert not judge.said, f"without {fact}, which it needs, it says: {judge.said[0].finding.message}"


def each_fact_unknown(host: Host) -> Iterator[tuple[Fact, Host]]:
    for fact in Fact:
        if fact not in host.unknown:
            yield fact, without(host, fact)


def without(host: Host, fact: Fact) -> Host:
    """The host as if no input stated a fact of it."""
    whole = {
        Fact.NODES: "nodes", Fact.SOCKETS: "sockets", Fact.CORES: "cores", Fact.L3: "l3", Fact.ISOLATED: "isolated",
        Fact.OFFLINE: "offline", Fact.HOUSEKEEPING: "housekeeping",
    }  # fmt: skip
    if fact in whole:
        return replace(host, **{whole[fact]: None})
    if fact is Fact.PCI:
        return replace(host, pci=None, pci_buses=())
    if fact in (Fact.PCI_NODE, Fact.NAMES, Fact.IOMMU_GROUPS):
        devices = {address: _device_without(device, fact) for address, device in (host.pci or {}).items()}
        buses = () if fact is Fact.PCI_NODE else host.pci_buses
        return replace(
            host,
            pci=devices,
            pci_buses=buses,
            nodes=host.nodes and tuple(replace(node, names=()) for node in host.nodes),
        )
    return replace(host, nodes=host.nodes and tuple(_node_without(node, fact) for node in host.nodes))


def _device_without(device: PciDevice, fact: Fact) -> PciDevice:
    gone = {
        Fact.PCI_NODE: {"node": None},
        Fact.NAMES: {"names": (), "aliases": ()},
        Fact.IOMMU_GROUPS: {"iommu_group": None},
    }
    return replace(device, **gone[fact])


def _node_without(node: Node, fact: Fact) -> Node:
    if fact is Fact.MEMORY:
        return replace(node, memory_bytes=None)
    if fact is Fact.DISTANCES:
        return replace(node, distances={})
    if fact is Fact.HUGEPAGES:
        return replace(node, hugepages=None)
    return replace(node, hugepages={size: Pool(pool.total, None) for size, pool in (node.hugepages or {}).items()})


@pairs
def test_a_host_of_one_node_is_survived(rule: Rule, example: RuleExample) -> None:
    for domain in domains(example.example.domain):
        assert all(each.message for each in findings(rule, domain, ONE_NODE))

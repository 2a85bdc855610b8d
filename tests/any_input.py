"""Every kind of input that numalint reads: what reading it ends in, and examples to begin from.

An input is read or refused with a sentence (LoadError). Whatever else comes out of ``read`` is a defect: it is what tests
with changed examples and the fuzzer in fuzz/ look for.
"""

from __future__ import annotations

import bz2
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple
from xml.parsers.expat import ExpatError

from test_hosts_hostile import CAPABILITIES, HWLOC, HWLOC_1, NODEDEV, SYNTHETIC
from test_hosts_lscpu import SMT, SUMMARY, flat
from test_hosts_numactl import COMPRESSED, SPARSE
from test_hosts_numastat import FOLDED, WIDE
from test_hosts_sysfs import device, packed, two_nodes

from numalint.engine.baseline import read_baseline
from numalint.engine.glob import matches
from numalint.loaders.config_file import load_config
from numalint.loaders.document import Document, LoadError, lines_of
from numalint.loaders.domain import load_domains
from numalint.loaders.host.merge import merge
from numalint.loaders.suppressions import read_suppressions
from numalint.loaders.xml import locate
from numalint.model.domain import Domain
from numalint.model.host import Host
from numalint.model.idset import IdSet, NotationError
from numalint.model.place import TEXT, Place
from numalint.model.report import Span
from numalint.reporters.show import host_object
from numalint.testing import findings, read_domain, read_host
from numalint_rules import numalint_rules

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LONGEST_SENTENCE = 500
BUSY = """<domain type='kvm'>
  <name>busy</name><memory unit='GiB'>4</memory><vcpu cpuset='0-7,^3'>4</vcpu><iothreads>1</iothreads>
  <memoryBacking><hugepages><page size='1' unit='GiB' nodeset='0'/></hugepages></memoryBacking>
  <cputune>
    <vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='4'/><emulatorpin cpuset='2'/><iothreadpin iothread='1' cpuset='5'/>
    <vcpusched vcpus='0' scheduler='fifo' priority='1'/>
  </cputune>
  <numatune><memory mode='strict' nodeset='0-1'/><memnode cellid='0' mode='preferred' nodeset='1'/></numatune>
  <cpu mode='host-passthrough'>
    <topology sockets='1' cores='2' threads='2'/>
    <numa><cell id='0' cpus='0-1' memory='2' unit='GiB'/><cell id='1' cpus='2-3' memory='2' unit='GiB'>
      <distances><sibling id='0' value='21'/></distances></cell></numa>
  </cpu>
  <devices>
    <disk type='block' device='disk'><driver name='qemu' iothread='1' queues='4'/><source dev='/dev/nvme0n1'/><target dev='vda' bus='virtio'/></disk>
    <hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='0x3b' slot='0' function='0'/></source></hostdev>
    <interface type='direct'><source dev='ens3f0' mode='bridge'/><model type='virtio'/><driver queues='4'/></interface>
  </devices>
</domain>
"""


class Input(NamedTuple):
    """A kind of input: ``read`` reads one and checks what comes of it, ``examples`` are whole ones."""

    read: Callable[[bytes], object]
    examples: Callable[[], Iterable[bytes]]


def ends(read: Callable[[bytes], object], data: bytes) -> object:
    """What reading an input ends in: something, or a sentence of one line. Nothing else is caught."""
    try:
        return read(data)
    except LoadError as error:
        refused = error
    assert refused.message
    assert "\n" not in refused.message
    assert len(refused.message) < LONGEST_SENTENCE
    assert refused.line is None or refused.line >= 1
    return refused


@cache
def rules() -> tuple:
    return tuple(rule for rule in numalint_rules() if rule.shape != "host")


@cache
def hosts() -> tuple[Host, ...]:
    return read_host("none"), read_host("pack:2 numa:1(memory=64GiB) l3:2 core:4 pu:2")


@cache
def subjects() -> tuple[Domain, ...]:
    return read_domain(BUSY), read_domain("<domain><vcpu cpuset='0'>2</vcpu></domain>")


def read_domains(data: bytes) -> None:
    """Domains, judged by every rule: each place that a fault or a finding points at has the value that it is about."""
    document = Document("domain.xml", data)
    for domain in load_domains(document):
        places = {each.place for each in domain.faults}
        for host in () if domain.faults else hosts():
            for rule in rules():
                for found in findings(rule, domain, host):
                    places.update([found.place, *(related.place for related in found.related)])
        own = [place for place in places if place.document == document.path]
        for place, (span, path) in located(document, own).items():
            assert path.startswith("/")
            check_span(document, place, span)


def located(document: Document, places: list[Place]) -> dict[Place, tuple[Span, str]]:
    """Where places are; nothing where expat, which has an older idea of what a name is, does not read what lxml read."""
    try:
        return locate(document, places) if places else {}
    except ExpatError:
        return {}


def check_span(document: Document, place: Place, span: Span) -> None:
    """The text of a span is the value that it is of, or the name of the element where the value is not written plainly."""
    line = lines_of(document.data)[span.line - 1]
    text = line[span.column - 1 : span.end_column - 1].replace("\t", " ")  # as XML takes it
    element = place.locator
    value = element.text if place.attribute == TEXT else element.get(place.attribute) if place.attribute else None
    value = (value or "").strip() if place.attribute == TEXT else value
    name = etree_name(element)
    if value and value.isprintable() and "&" not in text:
        term = value if place.term is None else value[slice(*place.term)]
        cut = span.end_column > len(line) and value.startswith(text)  # it goes on in the next line
        assert cut or text in (term, value, name, "<"), (text, value, place.term)
    elif place.attribute is None:
        assert text in (name, "<"), (text, name)


def etree_name(element: object) -> str:
    prefix, name = element.prefix, element.tag.rpartition("}")[2]
    return f"{prefix}:{name}" if prefix else name


def read_written_suppressions(data: bytes) -> None:
    document = Document("domain.xml", data)
    load_domains(document)
    with suppress(ExpatError):
        for each in read_suppressions(document):
            assert each.first <= each.last
            assert each.terms.fault or (each.terms.rules and each.terms.reason)


def host_reader(module: str) -> Callable[[bytes], object]:
    """Reads a host of one format, asks for all of its facts, merges it with another, and judges domains on it."""
    loader = import_module(f"numalint.loaders.host.{module}")

    def other(path: str) -> Host:
        if path == "self":
            raise LoadError("its base leads back to itself", path)
        return hosts()[1]

    def read(data: bytes) -> None:
        host = loader.load(Document("hosts/a", data), other)
        json.dumps(host_object(host))
        with suppress(LoadError):
            host_object(merge([(1, host), (2, hosts()[1])])[0])
        for domain in subjects():
            for rule in rules():
                for each in findings(rule, domain, host):
                    assert each.message

    return read


def in_a_file(read: Callable[[str], object], name: str) -> Callable[[bytes], object]:
    """Reads what is read from a file of a name."""
    folder = tempfile.TemporaryDirectory(prefix="numalint-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)  # noqa: S108  # as long as the process

    def written(data: bytes) -> object:
        path = Path(folder.name) / name
        path.write_bytes(data)
        return read(str(path))

    return written


def read_set(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        ids = IdSet.parse(text)
    except NotationError as error:
        refused = error
    else:
        assert ids
        assert IdSet.parse(str(ids)) == ids
        assert len(ids) == len(list(ids))
        return
    assert 0 <= refused.position <= len(text)


def read_glob(data: bytes) -> None:
    glob, _, path = data.decode("utf-8", "replace").partition("\n")
    matches(path, [glob])


def files(*globs: str) -> Callable[[], list[bytes]]:
    """The files of the examples that meet one of some globs."""
    return lambda: [path.read_bytes() for glob in globs for path in sorted(EXAMPLES.glob(glob))]


def texts(*examples: str) -> Callable[[], list[bytes]]:
    return lambda: [text.encode() for text in examples]


SUPPRESSED = """<domain type='kvm' xmlns:n='https://github.com/numalint/numalint'>
  <name>a</name><!-- numalint: ignore[numatune-missing, pins] until=2030-01-31 the reason -->
  <metadata><n:suppressions><n:ignore rules='memory' reason='why' until='2030-01-01'/></n:suppressions></metadata>
  <!-- numalint: ignore[x] behind --><vcpu>2</vcpu>
</domain>"""


def archives() -> list[bytes]:
    tree = two_nodes() | device("0000:00:01.0", 8, driver="../../../bus/pci/drivers/ice")
    return [packed(tree, ""), packed(tree), bz2.compress(packed(tree))]


INPUTS: dict[str, Input] = {
    "domain": Input(read_domains, lambda: [BUSY.encode(), *files("kvm0*/*.xml", "fleet/*/*.xml")()]),
    "suppressions": Input(read_written_suppressions, texts(SUPPRESSED)),
    "capabilities": Input(host_reader("capabilities"), texts(CAPABILITIES)),
    "nodedev": Input(host_reader("nodedev"), texts(NODEDEV)),
    "hwloc": Input(host_reader("hwloc"), texts(HWLOC, HWLOC_1)),
    "lscpu": Input(
        host_reader("lscpu"), texts(SMT, flat(*SUMMARY), "".join(f"{field} {data}\n" for field, data in SUMMARY))
    ),
    "numactl": Input(host_reader("numactl"), texts(SPARSE, COMPRESSED)),
    "numastat": Input(host_reader("numastat"), texts(WIDE, FOLDED)),
    "toml": Input(host_reader("toml"), files("hosts/*.toml", "fleet/hosts/*.toml")),
    "synthetic": Input(host_reader("synthetic"), texts(SYNTHETIC)),
    "sysfs": Input(host_reader("sysfs"), archives),
    "config": Input(in_a_file(lambda path: load_config(Path(path)), "numalint.toml"), files("**/numalint.toml")),
    "baseline": Input(in_a_file(read_baseline, "baseline.json"), files("fleet/numalint-baseline.json")),
    "set": Input(read_set, texts("0-7,^3,16", " 1 - 3 ,5,", "^1,0-2")),
    "glob": Input(read_glob, texts("**/web*/[a-c]?.xml\na/b/web1/a1.xml", "../x/**\n../x/y", "*.xml\na.xml")),
}
"""All kinds of input, by name."""

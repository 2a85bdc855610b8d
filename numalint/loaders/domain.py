"""Domain XML to Domain, with what libvirt rewrites already rewritten (virDomainDefParseXML and its post-parse)."""

from __future__ import annotations

from numalint.loaders.devices import read_devices
from numalint.loaders.document import Document, LoadError
from numalint.loaders.domain_memory import (
    PLACEMENTS,
    guest_cells,
    huge_pages,
    maximum_memory,
    memnodes,
    memory_backing,
    memory_binding,
    memory_bytes,
    preallocates,
)
from numalint.loaders.element import Reader, Sections, attribute
from numalint.loaders.xml import Element, parse, parse_stream
from numalint.model.domain import Domain
from numalint.model.elements import ListedIOThread, ListedVcpu, Pin, Repeated, Scheduler, ThreadPin, Topology
from numalint.model.idset import HostCpus, IdSet, Vcpu, Vcpus
from numalint.model.place import TEXT, Place

WRAPPERS = {"domstatus": "domain", "domainsnapshot": "domain", "domaincheckpoint": "domain"}
"""What libvirt wraps a domain in, and the element that holds the domain."""

LARGEST_VCPUS = 16384
"""More vCPUs than libvirt's sets can name are refused before they are counted out."""


def load_domains(document: Document) -> list[Domain]:
    """The domains of a document: one in a file, several in a stream, one inside a status or a snapshot.

    A snapshot that names its domain only by UUID holds none. Raises LoadError where the XML cannot be read.
    """
    roots = _roots(document)
    found = []
    for root in roots:
        element = root.find(WRAPPERS[root.tag]) if root.tag in WRAPPERS else root
        if element is not None and (element is root or element.find("os") is not None):
            found.append(_domain(element, Reader(document.path)))
    return found


def _roots(document: Document) -> list[Element]:
    try:
        return [parse(document)]
    except LoadError:
        try:
            stream = parse_stream(document)
        except LoadError:
            stream = []
        if len(stream) < 2:
            raise
        return stream


_NAMED = (("vcpu", "vcpupin", "vcpu"), ("iothread", "iothreadpin", "iothread"))
_SCHEDULERS = (("vcpu", "vcpusched", "vcpus"), ("iothread", "iothreadsched", "iothreads"))


def _domain(root: Element, reader: Reader) -> Domain:
    top = Sections(root)
    cputune, numatune, cpu = top.below("cputune"), top.below("numatune"), top.below("cpu")
    vcpu, binding = top.first("vcpu"), numatune.first("memory")
    maximum, current = _counts(vcpu, reader)
    listed = _listed_vcpus(top, reader)
    automatic = vcpu is not None and reader.word(vcpu, "placement", PLACEMENTS) == "auto"
    cpuset = _pin(vcpu, reader) if vcpu is not None and "cpuset" in vcpu.attrib and not automatic else None
    pins = _pins(cputune, reader)
    vcpupins = {Vcpu(number): pin for number, pin in _first_of(pins, "vcpu").items() if number < maximum}
    emulatorpin = next((each.pin for each in pins if each.thread == "emulator"), None)
    iothreadpins = _first_of(pins, "iothread")
    memory_automatic = binding is not None and (
        binding.get("placement") == "auto"
        or (automatic and "nodeset" not in binding.attrib and binding.get("placement") is None)
    )
    if memory_automatic and cpuset is None and emulatorpin is None and not vcpupins and not iothreadpins:
        automatic = True
    cells = guest_cells(cpu, maximum, reader)
    guest = read_devices(top.all("devices"), reader)
    backed = top.below("memoryBacking")
    hugepages = huge_pages(backed, reader)
    backing = memory_backing(top.first("memoryBacking"), backed, reader)
    memory, system = top.first("memory"), top.below("os").first("type")
    written = None if memory is None else reader.size(memory, TEXT)
    balloon = top.first("currentMemory")
    listed_iothreads = _listed_iothreads(top, reader)
    return Domain(
        name=top.text("name") or "(no name)",
        place=reader.place(root),
        name_place=reader.text_or_none(top.first("name")),
        uuid=top.text("uuid"),
        uuid_place=reader.text_or_none(top.first("uuid")),
        virtualisation=root.get("type"),
        arch=attribute(system, "arch"),
        machine=attribute(system, "machine"),
        maximum=maximum,
        current=current,
        online=_online(maximum, current, listed),
        listed_vcpus=listed,
        vcpu_place=reader.place_or_none(vcpu),
        automatic=automatic,
        cpuset=cpuset,
        pins=pins,
        vcpupins=vcpupins,
        emulatorpin=emulatorpin,
        iothreads=_iothreads(top, listed_iothreads, reader),
        iothreads_place=reader.place_or_none(top.first("iothreads")),
        listed_iothreads=listed_iothreads,
        iothreadpins=iothreadpins,
        schedulers=_schedulers(cputune, reader),
        memory_bytes=memory_bytes(written, cells, guest),
        written_memory=written,
        memory_place=reader.place_or_none(memory),
        current_memory=None if balloon is None else reader.size(balloon, TEXT),
        maximum_memory=maximum_memory(top, reader),
        backing=backing,
        hugepages=hugepages,
        preallocated=preallocates(backing, hugepages, guest.on_host),
        memory=memory_binding(root if vcpu is None else vcpu, binding, automatic, memory_automatic, reader),
        written_memnodes=memnodes(numatune, reader),
        cells=cells,
        numa_place=reader.place_or_none(cpu.first("numa")),
        topology=_topology(cpu, reader),
        guest=guest,
        ioapic=_ioapic(top),
        cpu_mode=attribute(top.first("cpu"), "mode"),
        cpu_model=cpu.text("model"),
        cpu_features={each.get("name", ""): each.get("policy", "require") for each in cpu.all("feature")},
        repeated=_repeated(top, numatune, reader),
        dropped=_dropped(vcpu, automatic, binding, memory_automatic, reader),
        exclusions=tuple(reader.exclusions),
        faults=tuple(reader.faults),
    )


def _ioapic(top: Sections) -> str | None:
    """Who emulates the I/O APIC, where the domain says so."""
    return attribute(top.below("features").first("ioapic"), "driver")


def _counts(vcpu: Element | None, reader: Reader) -> tuple[int, int | None]:
    """The maximum number of vCPUs, and the current one where it is written."""
    if vcpu is None:
        return 1, None
    maximum = reader.number(vcpu, TEXT)
    current = reader.number(vcpu, "current") if "current" in vcpu.attrib else None
    if maximum is not None and not 1 <= maximum <= LARGEST_VCPUS:
        reader.fault(vcpu, TEXT, f"a domain cannot have {maximum} vCPUs", "libvirt refuses this number")
    elif maximum is not None and current is not None and not 1 <= current <= maximum:
        reader.fault(vcpu, "current", f"current='{current}' is not from 1 to {maximum}", f"over {maximum}, or 0")
    return min(max(maximum or 1, 1), LARGEST_VCPUS), current


def _listed_vcpus(top: Sections, reader: Reader) -> tuple[ListedVcpu, ...]:
    found = []
    for element in top.below("vcpus").all("vcpu"):
        number = reader.number(element, "id")
        if number is not None:
            order = reader.number(element, "order") if "order" in element.attrib else None
            enabled, pluggable = (element.get(name) == "yes" for name in ("enabled", "hotpluggable"))
            found.append(ListedVcpu(number, enabled, reader.place(element), pluggable, order))
    return tuple(found)


def _online(maximum: int, current: int | None, listed: tuple[ListedVcpu, ...]) -> Vcpus:
    """The vCPUs that run at start. A ``<vcpus>`` list is the master: a vCPU that it leaves out is off."""
    if listed:
        return IdSet.of(Vcpu(each.id) for each in listed if each.enabled and each.id < maximum)
    return IdSet((1 << min(current or maximum, maximum)) - 1)


def _pin(element: Element, reader: Reader) -> Pin | None:
    cpus: HostCpus | None = reader.id_set(element, "cpuset")
    return None if cpus is None else Pin(cpus, reader.place(element), element.get("cpuset", ""))


def _pins(cputune: Sections, reader: Reader) -> tuple[ThreadPin, ...]:
    found: list[ThreadPin] = []
    for thread, tag, naming in _NAMED:
        pins: list[ThreadPin] = []
        for element in cputune.all(tag):
            number, pin = reader.number(element, naming), _pin(element, reader)
            if number is not None and pin is not None:
                pins.append(ThreadPin(thread, number, pin))
        found += sorted(pins, key=lambda each: each.id or 0)
    for element in cputune.all("emulatorpin"):
        pin = _pin(element, reader)
        if pin is not None:
            found.append(ThreadPin("emulator", None, pin))
    return tuple(found)


def _first_of(pins: tuple[ThreadPin, ...], thread: str) -> dict[int, Pin]:
    """The pin of each thread of a kind, in the order of ``pins``; of two for one, which libvirt refuses, the first."""
    found: dict[int, Pin] = {}
    for each in pins:
        if each.thread == thread and each.id is not None:
            found.setdefault(each.id, each.pin)
    return found


def _listed_iothreads(top: Sections, reader: Reader) -> tuple[ListedIOThread, ...]:
    found = []
    for element in top.below("iothreadids").all("iothread"):
        number = reader.number(element, "id")
        if number is not None:
            found.append(ListedIOThread(number, reader.place(element)))
    return tuple(found)


def _iothreads(top: Sections, listed: tuple[ListedIOThread, ...], reader: Reader) -> tuple[int, ...]:
    """The ids of the IOThreads: those that are listed, then the lowest free ones up to the count."""
    element = top.first("iothreads")
    count = (0 if element is None else reader.number(element, TEXT)) or 0
    ids = [each.id for each in listed]
    taken = set(ids)
    free = 1
    while len(ids) < min(count, LARGEST_VCPUS):
        if free not in taken:
            ids.append(free)
        free += 1
    return tuple(ids)


def _schedulers(cputune: Sections, reader: Reader) -> tuple[Scheduler, ...]:
    found: list[Scheduler] = []
    for thread, tag, naming in _SCHEDULERS:
        schedulers = []
        for element in cputune.all(tag):
            ids: IdSet[int] | None = reader.id_set(element, naming)
            if ids is not None:
                schedulers.append(_scheduler(thread, ids, element, reader))
        found += sorted(schedulers, key=lambda each: min(each.ids))
    found += [_scheduler("emulator", IdSet(), element, reader) for element in cputune.all("emulatorsched")]
    return tuple(found)


def _scheduler(thread: str, ids: IdSet[int], element: Element, reader: Reader) -> Scheduler:
    priority = reader.number(element, "priority") if "priority" in element.attrib else None
    return Scheduler(thread, ids, element.get("scheduler", ""), priority, reader.place(element))


def _topology(cpu: Sections, reader: Reader) -> Topology | None:
    element = cpu.first("topology")
    if element is None:
        return None
    counts = []
    for name in ("sockets", "dies", "clusters", "cores", "threads"):
        count = reader.number(element, name, 1)
        if count == 0:
            reader.fault(element, name, f"{name}='0' of <topology>: zero is not permitted", "zero is not permitted")
        counts.append(count or 1)
    sockets, dies, clusters, cores, threads = counts
    return Topology(sockets, dies, clusters, cores, threads, reader.place(element))


def _repeated(top: Sections, numatune: Sections, reader: Reader) -> tuple[Repeated, ...]:
    tags = (("vcpu", top), ("numatune", top), ("memory", numatune))
    return tuple(Repeated(tag, reader.place(each)) for tag, among in tags for each in among.all(tag)[1:])


def _dropped(
    vcpu: Element | None, automatic: bool, binding: Element | None, memory_automatic: bool, reader: Reader
) -> tuple[Place, ...]:
    """Where sets are written that libvirt drops, for numad decides."""
    found = []
    if automatic and vcpu is not None and "cpuset" in vcpu.attrib:
        found.append(reader.place(vcpu).at("cpuset"))
    if memory_automatic and binding is not None and "nodeset" in binding.attrib:
        found.append(reader.place(binding).at("nodeset"))
    return tuple(found)

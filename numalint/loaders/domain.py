"""Domain XML to Domain, with what libvirt rewrites already rewritten (virDomainDefParseXML and its post-parse)."""

from __future__ import annotations

from numalint.loaders.devices import read_devices
from numalint.loaders.document import Document, LoadError
from numalint.loaders.element import Reader, Sections
from numalint.loaders.xml import Element, parse, parse_stream
from numalint.model.domain import ORDINARY_PAGE, Cell, Device, Domain, HugePages, MemoryBinding, Pin, Topology
from numalint.model.idset import GuestCell, GuestCells, HostCpus, HostNodes, IdSet, Vcpu, Vcpus
from numalint.model.place import TEXT

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


def _domain(root: Element, reader: Reader) -> Domain:
    top = Sections(root)
    cputune, numatune, cpu = top.below("cputune"), top.below("numatune"), top.below("cpu")
    vcpu, binding = top.first("vcpu"), numatune.first("memory")
    maximum, online = _vcpus(vcpu, top, reader)
    automatic = vcpu is not None and vcpu.get("placement") == "auto"
    cpuset = _pin(vcpu, reader) if vcpu is not None and "cpuset" in vcpu.attrib and not automatic else None
    written = _pins(cputune.all("vcpupin"), "vcpu", reader)
    vcpupins = {Vcpu(number): pin for number, pin in written.items() if number < maximum}
    emulatorpin = cputune.first("emulatorpin")
    iothreadpins = _pins(cputune.all("iothreadpin"), "iothread", reader)
    memory_automatic = binding is not None and (
        binding.get("placement") == "auto"
        or (automatic and "nodeset" not in binding.attrib and binding.get("placement") is None)
    )
    if memory_automatic and cpuset is None and emulatorpin is None and not vcpupins and not iothreadpins:
        automatic = True
    cells = _cells(cpu, maximum, reader)
    devices = read_devices(top.all("devices"), reader)
    backing = top.below("memoryBacking")
    hugepages = _hugepages(backing, reader)
    memory = top.first("memory")
    return Domain(
        name=top.text("name") or "(no name)",
        place=reader.place(root),
        uuid=top.text("uuid"),
        maximum=maximum,
        online=online,
        vcpu_place=None if vcpu is None else reader.place(vcpu),
        automatic=automatic,
        cpuset=cpuset,
        vcpupins=vcpupins,
        emulatorpin=None if emulatorpin is None else _pin(emulatorpin, reader),
        iothreads=_iothreads(top, reader),
        iothreadpins=iothreadpins,
        realtime=_realtime(cputune, reader),
        memory_bytes=_memory_bytes(memory, top, cells, reader),
        memory_place=None if memory is None else reader.place(memory),
        cells=cells,
        memory=_memory(root if vcpu is None else vcpu, binding, automatic, memory_automatic, reader),
        memnodes=_memnodes(numatune, reader),
        topology=_topology(cpu, reader),
        hugepages=hugepages,
        preallocated=any(page.size_bytes != ORDINARY_PAGE for page in hugepages) or _preallocated(backing, devices),
        devices=devices,
        faults=tuple(reader.faults),
    )


def _vcpus(vcpu: Element | None, top: Sections, reader: Reader) -> tuple[int, Vcpus]:
    """The maximum and the vCPUs online at start. A ``<vcpus>`` list is the master: a vCPU that it leaves out is off."""
    maximum = 1 if vcpu is None else reader.number(vcpu, TEXT) or 0
    current = maximum if vcpu is None else reader.number(vcpu, "current", maximum) or 0
    if vcpu is not None and not reader.faults:
        if not 1 <= maximum <= LARGEST_VCPUS:
            reader.fault(vcpu, TEXT, f"a domain cannot have {maximum} vCPUs", "libvirt refuses this number")
        elif not 1 <= current <= maximum:
            reader.fault(vcpu, "current", f"current='{current}' is not from 1 to {maximum}", f"over {maximum}, or 0")
    maximum = min(max(maximum, 1), LARGEST_VCPUS)
    listed = top.below("vcpus").all("vcpu")
    if listed:
        on = [reader.number(each, "id") for each in listed if each.get("enabled") == "yes"]
        return maximum, IdSet.of(Vcpu(number) for number in on if number is not None and number < maximum)
    return maximum, IdSet((1 << min(current, maximum)) - 1)


def _pin(element: Element, reader: Reader) -> Pin | None:
    cpus: HostCpus | None = reader.id_set(element, "cpuset")
    return None if cpus is None else Pin(cpus, reader.place(element), element.get("cpuset", ""))


def _pins(elements: list[Element], attribute: str, reader: Reader) -> dict[int, Pin]:
    """The pin of each thread; of two for one thread, which libvirt refuses, the first."""
    found: dict[int, Pin] = {}
    for element in elements:
        number, pin = reader.number(element, attribute), _pin(element, reader)
        if number is not None and pin is not None:
            found.setdefault(number, pin)
    return found


def _iothreads(top: Sections, reader: Reader) -> tuple[int, ...]:
    """The ids of the IOThreads: those that are listed, then the lowest free ones up to the count."""
    element = top.first("iothreads")
    count = (0 if element is None else reader.number(element, TEXT)) or 0
    listed = [reader.number(each, "id") for each in top.below("iothreadids").all("iothread")]
    ids = [number for number in listed if number is not None]
    free = 1
    while len(ids) < min(count, LARGEST_VCPUS):
        if free not in ids:
            ids.append(free)
        free += 1
    return tuple(ids)


def _realtime(cputune: Sections, reader: Reader) -> Vcpus:
    """The vCPUs whose scheduler is fifo or rr."""
    mask = 0
    for element in cputune.all("vcpusched"):
        if element.get("scheduler") in ("fifo", "rr"):
            vcpus: Vcpus | None = reader.id_set(element, "vcpus")
            mask |= 0 if vcpus is None else vcpus.mask
    return IdSet(mask)


def _memory_bytes(memory: Element | None, top: Sections, cells: tuple[Cell, ...], reader: Reader) -> int | None:
    written = None if memory is None else reader.size(memory, TEXT)
    if not cells:
        return written
    sizes = top.below("devices").below("memory").below("target").all("size")
    devices = [reader.size(each, TEXT) or 0 for each in sizes]
    return sum(cell.memory_bytes for cell in cells) + sum(devices)


def _cells(cpu: Sections, maximum: int, reader: Reader) -> tuple[Cell, ...]:
    elements = cpu.below("numa").all("cell")
    found: list[Cell] = []
    taken = 0
    for position, element in enumerate(elements):
        number = reader.number(element, "id", position)
        cpus: Vcpus | None = reader.id_set(element, "cpus") if "cpus" in element.attrib else IdSet()
        memory = reader.size(element, "memory")
        if number is None or cpus is None or memory is None:
            continue
        taken |= cpus.mask
        found.append(Cell(GuestCell(number), cpus, memory, reader.place(element)))
    found.sort(key=lambda cell: cell.id)
    rest: Vcpus = IdSet((1 << maximum) - 1 & ~taken)
    if found and rest:
        first = found[0]
        found[0] = Cell(first.id, first.cpus | rest, first.memory_bytes, first.place)
    return tuple(found)


def _memory(
    vcpu: Element, element: Element | None, automatic: bool, memory_automatic: bool, reader: Reader
) -> MemoryBinding | None:
    """What numatune binds the whole guest's memory to. numad's vCPUs bring numad's memory, mode strict."""
    if element is None:
        return MemoryBinding("strict", None, reader.place(vcpu)) if automatic else None
    mode, place = element.get("mode", "strict"), reader.place(element)
    if memory_automatic:
        return MemoryBinding(mode, None, place)
    nodes: HostNodes | None = reader.id_set(element, "nodeset")
    return None if nodes is None else MemoryBinding(mode, nodes, place)


def _memnodes(numatune: Sections, reader: Reader) -> dict[GuestCell, MemoryBinding]:
    found: dict[GuestCell, MemoryBinding] = {}
    for element in numatune.all("memnode"):
        cell = reader.number(element, "cellid")
        nodes: HostNodes | None = reader.id_set(element, "nodeset")
        if cell is not None and nodes is not None:
            binding = MemoryBinding(element.get("mode", "strict"), nodes, reader.place(element))
            found.setdefault(GuestCell(cell), binding)
    return found


def _topology(cpu: Sections, reader: Reader) -> Topology | None:
    element = cpu.first("topology")
    if element is None:
        return None
    counts = [reader.number(element, name, 1) for name in ("sockets", "dies", "clusters", "cores", "threads")]
    sockets, dies, clusters, cores, threads = (count or 1 for count in counts)
    return Topology(sockets, dies, clusters, cores, threads, reader.place(element))


def _hugepages(backing: Sections, reader: Reader) -> tuple[HugePages, ...]:
    """The pages asked for. A ``<hugepages>`` without a page means the host's default size."""
    element = backing.first("hugepages")
    if element is None:
        return ()
    pages = element.findall("page")
    if not pages:
        return (HugePages(None, None, reader.place(element)),)
    found = []
    for page in pages:
        size = reader.size(page, "size")
        cells: GuestCells | None = reader.id_set(page, "nodeset") if "nodeset" in page.attrib else None
        if size is not None:
            found.append(HugePages(size, cells, reader.place(page)))
    return tuple(found)


def _preallocated(backing: Sections, devices: tuple[Device, ...]) -> bool:
    """Whether all memory is touched at start: asked for, or locked, or pinned for a device's DMA (VFIO)."""
    allocation = backing.first("allocation")
    return (
        (allocation is not None and allocation.get("mode") == "immediate")
        or backing.first("locked") is not None
        or any(device.kind in ("hostdev pci", "interface hostdev") for device in devices)
    )

"""The memory of a domain: its size, its NUMA cells, what backs it and where it is bound."""

from __future__ import annotations

from msgspec.structs import replace

from numalint.loaders.element import Reader, Sections, attribute
from numalint.loaders.xml import Element
from numalint.model.devices import (
    Device,
    GuestDevices,
)
from numalint.model.elements import ORDINARY_PAGE, Cell, Distance, HugePages, MaxMemory, MemoryBacking, MemoryBinding
from numalint.model.idset import GuestCell, GuestCells, HostNodes, IdSet, Vcpus
from numalint.model.place import TEXT

NODESET_MISSING = "numatune-nodeset-missing"
MEMNODE_INVALID = "memnode-invalid"

MODES = ("strict", "preferred", "interleave", "restrictive")
PLACEMENTS = ("static", "auto")


def guest_cells(cpu: Sections, maximum: int, reader: Reader) -> tuple[Cell, ...]:
    """The cells by id; the vCPUs of none are put into the first, as libvirt does (qemuDomainDefNumaCPUsRectify)."""
    found: list[Cell] = []
    taken = 0
    numa = cpu.first("numa")  # of two, libvirt reads the first
    for position, element in enumerate([] if numa is None else Sections(numa).all("cell")):
        number = reader.number(element, "id", position)
        cpus: Vcpus | None = reader.id_set(element, "cpus") if "cpus" in element.attrib else IdSet()
        memory = reader.size(element, "memory")
        if number is None or cpus is None or memory is None:
            continue
        taken |= cpus.mask
        shared = {"shared": True, "private": False}.get(element.get("memAccess", ""))
        distances = _distances(element, reader)
        found.append(Cell(GuestCell(number), cpus, memory, reader.place(element), cpus, shared, distances))
    found.sort(key=lambda cell: cell.id)
    rest: Vcpus = IdSet((1 << maximum) - 1 & ~taken)
    if found and rest:
        first = found[0]
        found[0] = replace(first, cpus=first.cpus | rest)
    return tuple(found)


def _distances(cell: Element, reader: Reader) -> tuple[Distance, ...]:
    found = []
    for element in Sections(cell).below("distances").all("sibling"):
        to, value = reader.number(element, "id"), reader.number(element, "value")
        if to is not None and value is not None:
            found.append(Distance(GuestCell(to), value, reader.place(element)))
    return tuple(found)


def memory_bytes(written: int | None, cells: tuple[Cell, ...], devices: GuestDevices) -> int | None:
    """What libvirt stores as ``<memory>``: the sum of the cells and of the memory devices, where there are cells."""
    if not cells:
        return written
    return sum(cell.memory_bytes for cell in cells) + sum(device.size_bytes for device in devices.memory)


def maximum_memory(top: Sections, reader: Reader) -> MaxMemory | None:
    element = top.first("maxMemory")
    size = None if element is None else reader.size(element, TEXT)
    if element is None or size is None:
        return None
    slots = reader.number(element, "slots") if "slots" in element.attrib else None
    return MaxMemory(size, slots, reader.place(element))


def memory_backing(element: Element | None, backing: Sections, reader: Reader) -> MemoryBacking:
    """What is in ``<memoryBacking>``, of which ``backing`` are the children."""
    if element is None:
        return MemoryBacking()
    return MemoryBacking(
        source=attribute(backing.first("source"), "type"),
        access=attribute(backing.first("access"), "mode"),
        allocation=attribute(backing.first("allocation"), "mode"),
        locked=backing.first("locked") is not None,
        unshared=backing.first("nosharepages") is not None,
        place=reader.place(element),
    )


def huge_pages(backing: Sections, reader: Reader) -> tuple[HugePages, ...]:
    """The pages asked for. A ``<hugepages>`` without a page means the host's default size."""
    element = backing.first("hugepages")
    if element is None:
        return ()
    pages = Sections(element).all("page")
    if not pages:
        return (HugePages(None, None, reader.place(element)),)
    found = []
    for page in pages:
        size = reader.size(page, "size")
        cells: GuestCells | None = reader.id_set(page, "nodeset") if "nodeset" in page.attrib else None
        if size is not None:
            found.append(HugePages(size, cells, reader.place(page)))
    return tuple(found)


def preallocates(backing: MemoryBacking, pages: tuple[HugePages, ...], devices: tuple[Device, ...]) -> bool:
    """Whether all memory is touched at start: huge pages, asked for, locked, or pinned for a device's DMA (VFIO)."""
    return (
        backing.allocation == "immediate"
        or backing.locked
        or any(page.size_bytes != ORDINARY_PAGE for page in pages)
        or any(device.kind in ("hostdev pci", "interface hostdev") for device in devices)
    )


def memory_binding(
    vcpu: Element, element: Element | None, automatic: bool, memory_automatic: bool, reader: Reader
) -> MemoryBinding | None:
    """What numatune binds the whole guest's memory to. numad's vCPUs bring numad's memory, mode strict."""
    if element is None:
        return MemoryBinding("strict", None, reader.place(vcpu)) if automatic else None
    mode, place = reader.word(element, "mode", MODES) or "strict", reader.place(element)
    reader.word(element, "placement", PLACEMENTS)
    if memory_automatic:
        if "nodeset" in element.attrib:  # dropped, but read before that
            reader.id_set(element, "nodeset")
        return MemoryBinding(mode, None, place)
    nodes: HostNodes | None = reader.id_set(element, "nodeset", NODESET_MISSING)
    return None if nodes is None else MemoryBinding(mode, nodes, place)


def memnodes(numatune: Sections, reader: Reader) -> tuple[MemoryBinding, ...]:
    """The memnodes in the order of their cells, as libvirt writes them."""
    found: list[MemoryBinding] = []
    for element in numatune.all("memnode"):
        cell = reader.number(element, "cellid")
        nodes: HostNodes | None = reader.id_set(element, "nodeset", MEMNODE_INVALID)
        if cell is not None and nodes is not None:
            mode = reader.word(element, "mode", MODES) or "strict"
            found.append(MemoryBinding(mode, nodes, reader.place(element), GuestCell(cell)))
    return tuple(sorted(found, key=lambda each: each.cell or 0))

"""A memory device, or `<maxMemory>`, does not fit the rest of the domain.

Memory devices are plugged into what `<maxMemory>` provides: so much memory, and so many slots. Each belongs to a NUMA cell of the
guest. libvirt refuses to define anything else: "cannot use/hotplug a memory device when domain 'maxMemory' is not defined", "maximum
memory size must be equal or greater than the actual memory size", "memory device count '2' exceeds slots count '1'", "can't add
memory backend for guest node '1' as the guest has only '1' NUMA nodes". The `<node>` in `<target>` is a cell of the guest; a host
node is named by `<nodemask>` in `<source>`. Before libvirt 9.6 a guest with `<maxMemory>` had to have cells, since then it is
given one.

Bad:

    <domain>
      <name>db4</name>
      <memory unit='GiB'>5</memory>
      <vcpu>2</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
        </numa>
      </cpu>
      <devices>
        <memory model='dimm'>
         ^^^^^^ there is no <maxMemory>
          <target>
            <size unit='GiB'>1</size>
            <node>0</node>
          </target>
        </memory>
      </devices>
    </domain>

Bad:

    <domain>
      <name>db4</name>
      <maxMemory slots='2' unit='GiB'>8</maxMemory>
      <memory unit='GiB'>5</memory>
      <vcpu>2</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
        </numa>
      </cpu>
      <devices>
        <memory model='dimm'>
         ^^^^^^ the guest has cell 0
          <target>
            <size unit='GiB'>1</size>
            <node>1</node>
          </target>
        </memory>
      </devices>
    </domain>

Bad:

    <domain>
      <name>db4</name>
      <maxMemory slots='2' unit='MiB'>4096</maxMemory>
                                      ^^^^ 4 GiB, less than 5 GiB
      <memory unit='GiB'>5</memory>
                         - 5 GiB with the memory devices
      <vcpu>2</vcpu>
    </domain>

Good:

    <domain>
      <name>db4</name>
      <maxMemory slots='2' unit='GiB'>8</maxMemory>
      <memory unit='GiB'>5</memory>
      <vcpu>2</vcpu>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
        </numa>
      </cpu>
      <devices>
        <memory model='dimm'>
          <target>
            <size unit='GiB'>1</size>
            <node>0</node>
          </target>
        </memory>
      </devices>
    </domain>

Fix: `<maxMemory slots='N'>` with a slot for each device and room for all of it, and in each `<target>` a cell of the guest.

When to ignore it: Never where libvirt runs QEMU.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: what they refuse
- libvirt, qemuDomainDefValidateMemoryHotplug, virDomainDefPostParseMemory
- libvirt, release notes of 9.6.0: a NUMA node is added for memory hotplug
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    TEXT,
    Category,
    Domain,
    Finding,
    GuestCells,
    IdSet,
    MaxMemory,
    MemoryDevice,
    Related,
    Release,
    Severity,
    Trait,
    count_text,
    domain_rule,
    ids_text,
    size_text,
)

SLOTTED = ("dimm", "nvdimm")
"""The models that take a slot in every release of libvirt."""

IN_A_CELL = (*SLOTTED, "virtio-mem")
"""The models that belong to a guest cell."""

CELL_ADDED = Release(9, 6)
"""From here on libvirt gives a guest with ``<maxMemory>`` and without cells one."""


@domain_rule("memory-device-invalid", Severity.ERROR, Category.CORRECTNESS, when=Trait.MORE_MEMORY)
def check(domain: Domain) -> Iterator[Finding]:
    devices, limit = domain.guest.memory, domain.maximum_memory
    if not (devices or limit is not None) or not domain.on_qemu:
        return
    if limit is None:
        yield from _unlimited([device for device in devices if device.model in IN_A_CELL])
    else:
        yield from _too_small(domain, limit)
        yield from _too_few_slots(limit, [device for device in devices if device.model in SLOTTED])
        yield from _without_cells(domain, limit)
    yield from _in_no_cell(domain)


def _unlimited(devices: list[MemoryDevice]) -> Iterator[Finding]:
    if devices:
        total = sum(device.size_bytes for device in devices)
        yield Finding(
            place=devices[0].place,
            message=f"it has {count_text(len(devices), 'memory device')} ({size_text(total)}), but no <maxMemory>",
            label="there is no <maxMemory>",
            related=_others(devices, "another memory device"),
            why="libvirt refuses to define it: cannot use/hotplug a memory device when 'maxMemory' is not defined",
            help=f"add <maxMemory slots='{len(devices)}' unit='GiB'> with the memory of the guest and of all devices",
            data={"devices": len(devices)},
        )


def _too_small(domain: Domain, limit: MaxMemory) -> Iterator[Finding]:
    total = domain.memory_bytes or 0
    if total > limit.size_bytes:
        sizes = f"{size_text(limit.size_bytes)}, less than {size_text(total)}"
        place = domain.memory_place
        has = f"{size_text(total)} with the memory devices"
        yield Finding(
            place=limit.place.at(TEXT),
            message=f"<maxMemory> is {size_text(limit.size_bytes)}, but it has {has}",
            label=sizes,
            related=() if place is None else (Related(place.at(TEXT), has),),
            why="libvirt refuses to define it: maximum memory size must be equal or greater than the actual memory size",
            help=f"write <maxMemory unit='KiB'>{total // 1024}</maxMemory> or more",
            data={"maximum_bytes": limit.size_bytes, "memory_bytes": total},
        )


def _too_few_slots(limit: MaxMemory, devices: list[MemoryDevice]) -> Iterator[Finding]:
    slots = limit.slots or 0
    if len(devices) > slots:
        yield Finding(
            place=limit.place.at("slots"),
            message=f"it has {count_text(len(devices), 'memory device')}, but {count_text(slots, 'slot')} for them",
            label=count_text(slots, "slot"),
            related=tuple(Related(device.place, "has no slot") for device in devices[slots : slots + MOST_RELATED]),
            why=f"libvirt refuses to define it: memory device count '{len(devices)}' exceeds slots count '{slots}'",
            help=f"write slots='{len(devices)}' or more",
            data={"devices": len(devices), "slots": slots},
        )


def _without_cells(domain: Domain, limit: MaxMemory) -> Iterator[Finding]:
    power = (domain.arch or "").startswith("ppc64")
    if not domain.cells and domain.libvirt < CELL_ADDED and not power:
        yield Finding(
            place=limit.place,
            message=f"it has <maxMemory>, but no guest cell, which libvirt {domain.libvirt} asks for",
            label="the guest has no cells",
            why="libvirt refuses to define it: At least one numa node has to be configured when enabling memory hotplug",
            help="add <numa> with one <cell> of all vCPUs and all memory to <cpu>",
        )


def _in_no_cell(domain: Domain) -> Iterator[Finding]:
    given = not domain.cells and domain.maximum_memory is not None and domain.libvirt >= CELL_ADDED
    cells: GuestCells = IdSet((1 << (1 if given else len(domain.cells))) - 1)
    devices = domain.guest.memory
    beyond = [device for device in devices if device.cell is not None and cells and device.cell >= len(cells)]
    unsaid = [device for device in devices if device.cell is None and device.model in IN_A_CELL and domain.cells]
    has = f"the guest has {ids_text('cell', cells)}" + (", which libvirt adds" if given else "")
    for wrong, what in ((beyond, "for a guest cell that there is not"), (unsaid, "for no guest cell")):
        if wrong:
            verb = "is" if len(wrong) == 1 else "are"
            yield Finding(
                place=wrong[0].place,
                message=f"{count_text(len(wrong), 'memory device')} {verb} {what}: {has}",
                label=has,
                related=_others(wrong, "another"),
                why="libvirt refuses to define it: <node> in <target> is a cell of the guest, not a node of the host",
                help=f"write <node> of {ids_text('guest cell', cells)} in <target>; a host node goes into <nodemask>",
                data={"cells": len(cells)},
            )


def _others(devices: list[MemoryDevice], label: str) -> tuple[Related, ...]:
    return tuple(Related(device.place, label) for device in devices[1 : 1 + MOST_RELATED])

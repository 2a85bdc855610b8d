"""The guest has more memory than the host.

QEMU asks for all of it when it starts, and Linux refuses what memory and swap together could never give: libvirt 9.0.0 and
11.3.0 say "cannot set up guest memory 'pc.ram': Cannot allocate memory". Memory in the host's pools of huge pages is lost to
guests in ordinary pages. What fits only without these pools starts, and swaps or is killed when the guest has used the rest;
where it is allocated at start (`<allocation mode='immediate'/>`, locked, or for a passed through device) it is killed at once.
So this is an error where the guest cannot start, and else a warning. A guest in huge pages is judged by the pools of their size
instead.

Host: pack:2 [numa(memory=32GiB)] core:4 pu:1

Bad:

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>80</memory>
                         ^^ 80 GiB at start
      <vcpu>8</vcpu>
    </domain>

Good:

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>60</memory>
      <vcpu>8</vcpu>
    </domain>

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "32 GiB"
      [node.0]
      hugepages = { "1G" = 16 }
      reserved_memory = "2 GiB"
      [node.1]
      hugepages = {}

Bad (warning):

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>60</memory>
                         ^^ 60 GiB at start
      <vcpu>8</vcpu>
    </domain>

Bad:

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>60</memory>
                         ^^ 60 GiB at start
      <memoryBacking>
        <allocation mode='immediate'/>
      </memoryBacking>
      <vcpu>8</vcpu>
    </domain>

Good:

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>44</memory>
      <memoryBacking>
        <allocation mode='immediate'/>
      </memoryBacking>
      <vcpu>8</vcpu>
    </domain>

Fix: Give the guest less memory than the host has for guests. SUSE leaves 5 to 10 % of the memory to the host.

When to ignore it: The host has swap, the guest never uses all that it is given, and nobody minds that it is slow when it does.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: more than the whole host is refused, preallocated memory over what there is ends in a kill
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: memory is not overcommitted, and 5 to 10 % are the host's
"""

from collections.abc import Iterator

from numalint import (
    TEXT,
    Category,
    Fact,
    Finding,
    Place,
    Placement,
    Severity,
    node_places,
    placement_rule,
    size_text,
)


@placement_rule(
    "memory-exceeds-host",
    Severity.ERROR,
    Category.PLACEMENT,
    needs=(Fact.NODES, Fact.MEMORY),
    uses=Fact.HUGEPAGES,
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    host = placement.host
    pools_known = Fact.HUGEPAGES not in host.unknown  # then hugepage-pool-too-small counts the pages
    wanted = sum(part.size_bytes for part in placement.memory_parts if not (part.huge and pools_known))
    has = sum(size or 0 for size in host.ordinary_bytes.values())
    if wanted <= has:
        return
    everything = sum(node.memory_bytes or 0 for node in host.nodes or ())
    fatal = _fatal(placement, wanted, everything)
    beside = "" if has == everything else f" for guests in ordinary pages, of {size_text(everything)}"
    yield Finding(
        place=_place(placement),
        message=f"it has {size_text(wanted)} of memory, but {host.name} has {size_text(has)}{beside}",
        label=f"{size_text(wanted)} at start",
        severity=None if fatal else Severity.WARNING,
        related=node_places(host, host.memory_nodes),
        why=fatal or "it starts, and swaps or is killed for want of memory when it uses more than there is",
        help=f"give it less than {size_text(has)}, for QEMU needs some memory beside the guest's",
        data={"memory_bytes": wanted, "host_bytes": has},
    )


def _fatal(placement: Placement, wanted: int, everything: int) -> str:
    """Why the guest cannot start; nothing where it can."""
    if placement.domain.backing.source == "file" and not placement.domain.hugepages:
        return ""  # the file is on a disk, and the host's memory only its cache
    if max(part.size_bytes for part in placement.memory_parts) > everything:  # Linux looks at each cell by itself
        return "QEMU cannot set up so much memory: Linux refuses what it could never give, unless swap makes up for it"
    unpooled = sum(size or 0 for size in placement.host.unpooled_bytes.values())
    if placement.domain.preallocated and wanted > unpooled:
        return "all of it is allocated at start, and what is in pools of huge pages is not to be had: QEMU is killed"
    return ""


def _place(placement: Placement) -> Place:
    domain = placement.domain
    if domain.cells and domain.numa_place is not None:
        return domain.numa_place  # libvirt takes their sum, whatever <memory> says
    return domain.place if domain.memory_place is None else domain.memory_place.at(TEXT)

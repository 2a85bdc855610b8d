"""A guest cell is bound to a node of the host that has fewer CPUs, or less memory, than the cell.

A guest cell is true only where it fits the host node that it stands for. Of memory that is bound with mode strict, what the
node does not have is not to be had: the guest starts, and is killed when it has used the rest, though other nodes have plenty;
where its memory is allocated at start it is killed then. That is an error. With other modes the rest comes from other nodes,
and is remote though the guest holds it for near. vCPUs that are more than the node's CPUs either wait for each other or run
beside other memory. These are warnings. nova places no instance that has a cell larger than a host's.

CPUs that the host keeps for itself, pools of huge pages and reserved memory are subtracted. Cells in huge pages are judged by
the pools instead, and so are guests of one cell, and cells that are too much for a node only together, by other rules.

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

Bad:

    <domain>
      <name>dw6</name>
      <vcpu>8</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
                                                   - node 1 has 4 CPUs
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='8' unit='GiB'/>
          <cell id='1' cpus='2-7' memory='8' unit='GiB'/>
                             ^^^ 6 vCPUs
        </numa>
      </cpu>
    </domain>

Bad (error):

    <domain>
      <name>dw6</name>
      <vcpu>8</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
                                                   - node 0 has 16 GiB for ordinary pages
        <memnode cellid='1' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-3' memory='20' unit='GiB'/>
                                          ^^ 20 GiB of memory
          <cell id='1' cpus='4-7' memory='20' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>dw6</name>
      <vcpu>8</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-3' memory='14' unit='GiB'/>
          <cell id='1' cpus='4-7' memory='14' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Give the cell what its node has, or more cells, or bind it to a node that is large enough. Cells are part of what the guest
sees, so they change at its next start.

When to ignore it: The vCPUs are overcommitted on purpose, or the guest is never to use all of its memory.

Sources:
- OpenStack nova, virt/hardware.py: a guest cell larger than the host's is not placed
- oVirt, NumaValidator: the memory of a virtual node must fit the host's
- measured with libvirt 9.0.0 and 11.3.0: strict memory that is more than the node's starts; with preallocation QEMU is killed
"""

from collections.abc import Iterator

import msgspec

from numalint import (
    MOST_RELATED,
    Category,
    Cell,
    Fact,
    Finding,
    GuestCell,
    HostNodes,
    MemoryPart,
    Place,
    Placement,
    Related,
    Severity,
    Trait,
    count_text,
    ids_text,
    node_places,
    placement_rule,
    size_text,
    union,
)


class Overfull(msgspec.Struct, frozen=True):
    """A cell with the nodes that it is bound to. ``cpus`` and ``memory`` are what these have of each that is too little."""

    cell: Cell
    nodes: HostNodes
    cpus: int | None
    memory: int | None

    @property
    def place(self) -> Place:
        return self.cell.place.at("cpus" if self.cpus is not None and self.cell.stated else "memory")


@placement_rule(
    "guest-cell-exceeds-node",
    Severity.WARNING,
    Category.GUEST_TOPOLOGY,
    needs=Fact.NODES,
    when=Trait.NUMATUNE | Trait.SEVERAL_CELLS,
    uses=(Fact.MEMORY, Fact.HUGEPAGES, Fact.HOUSEKEEPING),
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    domain = placement.domain
    if placement.host.one_node or len(domain.cells) < 2:
        return
    crowded = {} if len(domain.online) > len(placement.host.guest_cpus) else placement.crowded_cells
    memory = _short_of_memory(placement)
    found = []
    for cell in domain.cells if crowded or memory else ():
        nodes = placement.memory_of(cell).nodes
        cpus = None if _pinned_too_close(placement, cell) else crowded.get(cell.id)
        if nodes is not None and (cpus is not None or cell.id in memory):
            found.append(Overfull(cell, nodes, cpus, memory.get(cell.id)))
    if found:
        yield _finding(placement, found)


def _pinned_too_close(placement: Placement, cell: Cell) -> bool:
    """Whether its vCPUs are pinned to fewer CPUs than they are: vcpus-share-pcpu, vcpu-pins-oversubscribed."""
    most = placement.host.most_usable_cpus
    return any(vcpus & cell.cpus and len(vcpus) <= most for vcpus, _ in placement.overbooked_pins)


def _short_of_memory(placement: Placement) -> dict[GuestCell, int]:
    """The cells whose nodes have less memory in ordinary pages, and how much it is.

    What is too much only together with other memory is memory-exceeds-node's, and more than the host memory-exceeds-host's.
    """
    host = placement.host
    parts = [part for part in placement.memory_parts if not part.huge]
    if Fact.MEMORY in host.unknown or not parts:
        return {}
    if sum(part.size_bytes for part in parts) > sum(size or 0 for size in host.ordinary_bytes.values()):
        return {}
    found = {}
    for part in parts:
        nodes = part.policy.nodes
        if part.cell is None or nodes is None or not nodes <= host.memory_nodes:
            continue
        has = sum(host.ordinary_bytes[node] or 0 for node in nodes)
        if part.size_bytes > has and _inside(parts, nodes) == [part]:
            found[part.cell.id] = has
    return found


def _inside(parts: list[MemoryPart], nodes: HostNodes) -> list[MemoryPart]:
    return [part for part in parts if part.policy.nodes is not None and part.policy.nodes <= nodes]


def _finding(placement: Placement, found: list[Overfull]) -> Finding:
    host, first = placement.host, found[0]
    severity, why = max((_verdict(placement, each) for each in found), key=lambda verdict: verdict[0].rank)
    has = f"{ids_text('node', first.nodes)}{{}} {_has(placement, first)}"
    binding = placement.memory_of(first.cell).binding
    so = f" ({len(found)} of {len(placement.domain.cells)} cells are so)" if len(found) > 1 else ""
    return Finding(
        place=first.place,
        message=f"guest cell {first.cell.id} has {_wants(placement, first)}, but {has.format(f' of {host.name}')}{so}",
        label=_wants(placement, first),
        severity=severity,
        related=(
            *((Related(binding.place.at("nodeset"), has.format("")),) if binding is not None else ()),
            *(
                Related(each.place, f"cell {each.cell.id} has {_wants(placement, each)}")
                for each in found[1:MOST_RELATED]
            ),
            *node_places(host, first.nodes),
        ),
        why=why,
        help=_help(placement, first),
        data={
            "cells": ",".join(str(each.cell.id) for each in found),
            "nodes": str(first.nodes),
            "vcpus": len(first.cell.cpus & placement.domain.online),
            "memory_bytes": first.cell.memory_bytes,
        },
    )


def _wants(placement: Placement, each: Overfull) -> str:
    vcpus = [count_text(len(each.cell.cpus & placement.domain.online), "vCPU")] if each.cpus is not None else []
    memory = [f"{size_text(each.cell.memory_bytes)} of memory"] if each.memory is not None else []
    return " and ".join(vcpus + memory)


def _has(placement: Placement, each: Overfull) -> str:
    cpus = [count_text(each.cpus, "CPU")] if each.cpus is not None else []
    everything = sum(placement.host.node_by_id[node].memory_bytes or 0 for node in each.nodes)
    pages = "" if each.memory == everything else " for ordinary pages"
    memory = [f"{size_text(each.memory)}{pages}"] if each.memory is not None else []
    return f"{'has' if len(each.nodes) == 1 else 'have'} {' and '.join(cpus + memory)}"


def _verdict(placement: Placement, each: Overfull) -> tuple[Severity, str]:
    """How grave it is, and why. Only strict memory cannot be had elsewhere."""
    domain, size = placement.domain, each.cell.memory_bytes
    if each.memory is None:
        return Severity.WARNING, "its vCPUs wait for each other, or run on another node, where their memory is remote"
    if placement.memory_of(each.cell).mode != "strict":
        return Severity.WARNING, "the rest comes from other nodes, or is not to be had; the guest holds it for near"
    if size <= sum(placement.host.unpooled_bytes[node] or 0 for node in each.nodes):
        return Severity.WARNING, "it takes what the host keeps for itself there, and may be killed for want of memory"
    if domain.preallocated:
        return Severity.ERROR, "all of it is allocated at start: QEMU is killed when the node has no more"
    if domain.current_memory is not None and domain.current_memory < (domain.memory_bytes or 0):
        return (
            Severity.WARNING,
            f"only the balloon, at {size_text(domain.current_memory)}, may keep it from being killed",
        )
    return Severity.ERROR, "it starts, and is killed when it has used what is there, whatever other nodes have"


def _help(placement: Placement, each: Overfull) -> str:
    host, cell = placement.host, each.cell
    taken = union(nodes for other in placement.domain.cells if (nodes := placement.memory_of(other).nodes) is not None)
    for node in host.nodes or ():
        room = host.ordinary_bytes[node.id]
        if node.id not in taken and placement.fits([node], cell) and (room is None or room >= cell.memory_bytes):
            return (
                f"bind the cell to node {node.id} of {host.name}, and pin its vCPUs to CPUs {host.usable_cpus[node.id]}"
            )
    parts = [count_text(each.cpus, "vCPU")] if each.cpus else []
    parts += [f"less than {size_text(each.memory)} of memory"] if each.memory else []
    return (
        f"give the cell {'at most ' if each.cpus else ''}{' and '.join(parts)}" if parts else "bind it to other nodes"
    )

"""A memory device is on another node of the host than the guest cell that it is added to.

A `<memory>` device (a DIMM, virtio-mem, an NVDIMM) has a side of its own on either end: `<target><node>` is the guest cell that
gets it, `<source><nodemask>` the host nodes that it comes from, or `<path>` a device that lies on one. The nodemask overrides
numatune. Where it is not a node of the cell's memory, or of its vCPUs where nothing binds that, the guest takes for near what is
far, and a cell that was well placed is no longer. Nodes near each other (distance 12 or less) make a note, and so does an unknown
distance. A node without CPUs (CXL, HBM, persistent memory) counts as part of the nodes nearest to it.

Host: pack:2 [numa(memory=16GiB)] core:4 pu:1

Bad:

    <domain>
      <name>db13</name>
      <maxMemory slots='4' unit='GiB'>8</maxMemory>
      <vcpu>2</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
                                                   - guest cell 0 is bound to node 0
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
        </numa>
      </cpu>
      <devices>
        <memory model='dimm'>
          <source>
            <nodemask>1</nodemask>
                      ^ the DIMM is on node 1
          </source>
          <target>
            <size unit='GiB'>1</size>
            <node>0</node>
          </target>
        </memory>
      </devices>
    </domain>

Good:

    <domain>
      <name>db13</name>
      <maxMemory slots='4' unit='GiB'>8</maxMemory>
      <vcpu>2</vcpu>
      <numatune>
        <memnode cellid='0' mode='strict' nodeset='0'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4' unit='GiB'/>
        </numa>
      </cpu>
      <devices>
        <memory model='dimm'>
          <source>
            <nodemask>0</nodemask>
          </source>
          <target>
            <size unit='GiB'>1</size>
            <node>0</node>
          </target>
        </memory>
      </devices>
    </domain>

Fix: Name the cell's own node in `<nodemask>`, or leave it out: then the cell's numatune holds. Or add the device to the cell of
its node.

When to ignore it: The cell gets more memory than its node has, on purpose.

Sources:
- libvirt, Domain XML format, Memory devices: nodemask overrides the default
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: NUMA misses cost 10 % and more
"""

from collections.abc import Iterator

import msgspec

from numalint import (
    Category,
    Cell,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    MemoryDevice,
    NotJudged,
    Placement,
    Related,
    Severity,
    Trait,
    ids_text,
    node_places,
    placement_rule,
    union,
)


class Misplaced(msgspec.Struct, frozen=True):
    """A device on ``nodes`` of the host, and the ``own`` nodes of the cell that it is added to."""

    device: MemoryDevice
    cell: Cell
    nodes: HostNodes
    own: HostNodes


@placement_rule(
    "memory-device-node-mismatch",
    Severity.WARNING,
    Category.MEMORY,
    needs=Fact.NODES,
    when=Trait.MEMORY_DEVICES | Trait.CELLS,
    uses=(Fact.SOCKETS, Fact.DISTANCES, Fact.NAMES),
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    if placement.host.one_node and len(placement.host.nodes or ()) == 1:
        return
    cells = {cell.id: cell for cell in placement.domain.cells}
    for device in placement.domain.guest.memory:
        cell = cells.get(device.cell) if device.cell is not None else None
        own = None if cell is None else _own_nodes(placement, cell)
        if cell is None or not own:
            continue
        nodes = _nodes(placement, device)
        if nodes is None:
            if _persistent(device):
                yield NotJudged(Fact.NAMES, device.path or "")
        elif _misplaced(placement, nodes, own):
            yield _finding(placement, Misplaced(device, cell, nodes, own))


def _own_nodes(placement: Placement, cell: Cell) -> HostNodes | None:
    """The nodes of a cell's memory; where nothing binds that, of its vCPUs; none where these are kept nowhere."""
    bound = placement.memory_of(cell)
    if not bound.free:
        return bound.nodes
    return union(placement.held.get(vcpu, IdSet()) for vcpu in cell.cpus)


def _nodes(placement: Placement, device: MemoryDevice) -> HostNodes | None:
    """The nodes of the host that a device comes from; None where it says nothing of them, or they are unknown."""
    if device.nodes is not None:
        return device.nodes & IdSet.of(placement.host.node_by_id)
    node = placement.host.node_named(device.path) if device.path else None
    return None if node is None else IdSet.of([node])


def _persistent(device: MemoryDevice) -> bool:
    """Whether it is on a device of the host that lies on a node, not in a file."""
    return device.nodes is None and (device.path or "").startswith(("/dev/dax", "/dev/pmem"))


def _misplaced(placement: Placement, nodes: HostNodes, own: HostNodes) -> bool:
    """Whether one of the device's nodes has none of the cell's beside it."""
    if nodes <= own:
        return False
    beside, host = placement.host.homes_of(own), placement.host
    away = [homes for node in nodes - own if (homes := host.homes_of(IdSet.of([node]))) is not None]
    return beside is not None and any(not homes & beside for homes in away)


def _finding(placement: Placement, found: Misplaced) -> Finding:
    host, cell, device = placement.host, found.cell, found.device
    near = host.near(found.nodes, found.own)
    binding = placement.memory_of(cell).binding
    is_on = f"guest cell {cell.id} is {'bound to' if binding is not None else 'on'} {ids_text('node', found.own)}"
    what = {"dimm": "DIMM", "nvdimm": "NVDIMM"}.get(device.model, f"{device.model or 'memory'} device")
    said = f"the {what} is on {ids_text('node', found.nodes)}"
    beside = binding.place.at("nodeset") if binding is not None else cell.place
    return Finding(
        place=device.nodes_place or device.place,
        message=f"{said} of {host.name}, but {is_on}, to which it is added",
        label=said,
        severity=None if near is False else Severity.NOTE,
        related=(Related(beside, is_on), *node_places(host, found.nodes | found.own)),
        why="the guest takes it for near to the cell's vCPUs"
        + ("; how far it is is unknown, for no input states the distances" if near is None else ""),
        help=f"write <nodemask>{found.own}</nodemask>, or add it to the guest cell of {ids_text('node', found.nodes)}"
        if device.nodes is not None
        else f"add it to the guest cell of {ids_text('node', found.nodes)}",
        data={"cells": str(cell.id), "nodes": str(found.nodes), "memory_nodes": str(found.own)},
    )

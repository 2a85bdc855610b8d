"""A guest of several NUMA cells is not told to which of them a device is near.

A guest learns the node of a PCI device from the bus that it sits on, and only a PCI expander bus has a node: all devices below the
root bus show -1, unknown. Its drivers then allocate their rings and buffers wherever they happen to run, and what chooses paths
by nodes, such as NCCL, UCX and DPDK, chooses wrongly: half of the DMA and of the interrupts cross the interconnect, though
vCPUs and memory of the guest were bound with care. Where the devices are on the nodes of different cells it is a warning, for the
guest has to choose; with devices of one node, whose answer can be written into the guest by hand, it is a note. Machine types of the
i440fx are left alone.

Host: format = 1
      name = "gpu01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      distances = [[10, 21], [21, 10]]
      [node.0]
      pci = ["0000:17:00.0 gpu0"]
      [node.1]
      pci = ["0000:b1:00.0 gpu1"]

Bad:

    <domain>
      <name>ai3</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='8' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='8' unit='GiB'/>
        </numa>
      </cpu>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0x17' slot='0x00' function='0x0'/>
             ^^^^^^^ 0000:17:00.0 (gpu0) is on node 0, as guest cell 0 is
          </source>
        </hostdev>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0xb1' slot='0x00' function='0x0'/>
             ------- 0000:b1:00.0 (gpu1) is on node 1, as guest cell 1 is
          </source>
        </hostdev>
      </devices>
    </domain>

Bad (note):

    <domain>
      <name>ai3</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='8' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='8' unit='GiB'/>
        </numa>
      </cpu>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0xb1' slot='0x00' function='0x0'/>
             ^^^^^^^ 0000:b1:00.0 (gpu1) is on node 1, as guest cell 1 is
          </source>
        </hostdev>
      </devices>
    </domain>

Good:

    <domain>
      <name>ai3</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='8' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='8' unit='GiB'/>
        </numa>
      </cpu>
      <devices>
        <controller type='pci' index='0' model='pcie-root'/>
        <controller type='pci' index='1' model='pcie-expander-bus'>
          <target busNr='180'>
            <node>1</node>
          </target>
        </controller>
        <controller type='pci' index='2' model='pcie-root-port'>
          <address type='pci' bus='0x01' slot='0x00' function='0x0'/>
        </controller>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0xb1' slot='0x00' function='0x0'/>
          </source>
          <address type='pci' bus='0x02' slot='0x00' function='0x0'/>
        </hostdev>
      </devices>
    </domain>

Fix: A `pcie-expander-bus` whose `<node>` is the guest cell that is bound to the device's host node, a `pcie-root-port` on it, and the device on
that. The guest sees other PCI addresses then, and an expander cannot be plugged in while it runs.

When to ignore it: The guest runs Windows, which makes nothing of it, or the work is bound to the right cell by hand.

Sources:
- kubevirt/enhancements, VEP 115, and kubevirt/kubevirt, issue 13926: NCCL and UCX pick wrong paths
- libvirt, Domain XML format, "Controllers": it is up to the user to attach host devices to the right expander bus
- QEMU, docs/pci_expander_bridge.txt
"""

from collections.abc import Iterator

import msgspec

from numalint import (
    MOST_RELATED,
    Category,
    Device,
    Domain,
    Fact,
    Finding,
    GuestCells,
    HostNode,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    device_text,
    ids_text,
    placement_rule,
    union,
)

ON_PCI = ("hostdev pci", "interface hostdev", "hostdev mdev")
"""What the guest has as a PCI device of its own."""


class _Hidden(msgspec.Struct, frozen=True):
    """A device below the root bus that is on ``node``, where the memory of ``cells`` is."""

    device: Device
    node: HostNode
    cells: GuestCells


@placement_rule(
    "device-guest-node-hidden",
    Severity.WARNING,
    Category.IO_LOCALITY,
    needs=Fact.NODES,
    when=Trait.HOST_DEVICES | Trait.SEVERAL_CELLS,
    uses=(Fact.PCI, Fact.PCI_NODE, Fact.NAMES, Fact.DISTANCES, Fact.SOCKETS),
)
def check(placement: Placement) -> Iterator[Finding]:
    host, domain = placement.host, placement.domain
    if host.one_node or _on_i440fx(domain):
        return
    hidden = [each for device in domain.devices if (each := _judge(placement, device)) is not None]
    if not hidden:
        return
    first, nodes, cells = hidden[0], IdSet.of(each.node for each in hidden), union(each.cells for each in hidden)
    far = host.near(placement.memory_nodes or IdSet(), IdSet.of([first.node])) is False
    what = device_text(placement, first.device) if len(hidden) == 1 else f"{len(hidden)} passthrough devices"
    yield Finding(
        place=first.device.place,
        message=f"{what} {'is' if len(hidden) == 1 else 'are'} on {ids_text('node', nodes)} of {host.name}, as "
        f"{ids_text('guest cell', cells)} {'is' if len(cells) == 1 else 'are'}, but on no bus that tells the guest",
        label=_label(placement, first),
        severity=None if far and len({each.cells for each in hidden}) > 1 else Severity.NOTE,
        related=tuple(Related(each.device.place, _label(placement, each)) for each in hidden[1 : 1 + MOST_RELATED]),
        why="the guest sees node -1: its drivers allocate anywhere, and NCCL, UCX or DPDK cannot choose the near memory",
        help="put each below a <controller type='pci' model='pcie-expander-bus'> with the <node> of its guest cell, "
        f"{device_text(placement, first.device)} below <node>{min(first.cells)}</node>",
        data={"devices": len(hidden), "nodes": str(nodes), "cells": str(cells)},
    )


def _on_i440fx(domain: Domain) -> bool:
    machine = domain.machine or ""
    return machine.startswith("pc") and "q35" not in machine


def _judge(placement: Placement, device: Device) -> _Hidden | None:
    domain = placement.domain
    if device.kind not in ON_PCI or domain.cell_of_bus(device.guest_bus) is not None:
        return None
    if device.guest_bus is None and Trait.EXPANDERS in domain.traits:
        return None  # libvirt may choose a bus of an expander
    node = placement.node_of(device)
    near = None if node is None else placement.host.homes_of(IdSet.of([node]))
    if node is None or not near:
        return None
    own = near | IdSet.of([node])
    bound = {cell.id: placement.memory_of(cell).nodes for cell in domain.cells}
    cells = IdSet.of(cell for cell, nodes in bound.items() if nodes is not None and nodes & own)
    # beside none: device-remote; beside all: there is nothing to tell
    return _Hidden(device, node, cells) if cells and len(cells) < len(bound) and None not in bound.values() else None


def _label(placement: Placement, hidden: _Hidden) -> str:
    verb = "is" if len(hidden.cells) == 1 else "are"
    cells = ids_text("guest cell", hidden.cells)
    return f"{device_text(placement, hidden.device)} is on node {hidden.node}, as {cells} {verb}"

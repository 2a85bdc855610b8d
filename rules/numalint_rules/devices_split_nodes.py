"""Devices of several host nodes are passed to a guest that sees only one node.

To such a guest all its memory and all its CPUs are alike, so it cannot put the work of a GPU or a NIC beside it: whatever it does is
remote to some of its devices, and DMA and interrupts cross the interconnect. Where two GPUs are on two nodes, transfers
between them cross it as well; one report put an access to the other node at 2.1 times a local one. OpenStack keeps
guests without devices off the nodes that have some, so that there is room beside these.

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
      <name>ai2</name>
      <vcpu>4</vcpu>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0x17' slot='0x00' function='0x0'/>
             ------- 0000:17:00.0 (gpu0) is on node 0
          </source>
        </hostdev>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0xb1' slot='0x00' function='0x0'/>
             ^^^^^^^ 0000:b1:00.0 (gpu1) is on node 1
          </source>
        </hostdev>
      </devices>
    </domain>

Good:

    <domain>
      <name>ai2</name>
      <vcpu>4</vcpu>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0x17' slot='0x00' function='0x0'/>
          </source>
        </hostdev>
      </devices>
    </domain>

Fix: Give the guest a NUMA cell for each of these nodes, bound there by `<memnode>`, and put each device below a PCI expander bus of its
cell; or give it devices of one node.

When to ignore it: One of the devices is hardly used.

Sources:
- OpenStack nova-specs, pike/reserve-numa-with-pci
- barilon.com: GPUs on two nodes, 2.1 times the cost of a local access
- QEMU, docs/pci_expander_bridge.txt
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Device,
    Fact,
    Finding,
    HostNode,
    HostNodes,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    device_text,
    ids_text,
    node_places,
    placement_rule,
    union,
)


@placement_rule(
    "devices-split-nodes",
    Severity.NOTE,
    Category.IO_LOCALITY,
    needs=Fact.NODES,
    when=Trait.HOST_DEVICES | Trait.SEVERAL_NODES,
    uses=(Fact.PCI, Fact.PCI_NODE, Fact.NAMES, Fact.DISTANCES, Fact.SOCKETS),
)
def check(placement: Placement) -> Iterator[Finding]:
    host = placement.host
    if host.one_node or len(placement.domain.cells) > 1:  # a guest of cells: device-guest-node-hidden
        return
    found = list(_located(placement))
    homes: HostNodes = union(near for _, _, near in found)
    # a device that is away from the guest: device-remote
    if len(homes) < 2 or not all(placement.beside(near | IdSet.of([node])) for _, node, near in found):
        return
    device, node, near = found[0]
    others = [each for each in found if not each[2] & near]
    together = host.near(homes, near)
    if not others or together:
        return
    first, *rest = others
    nodes = IdSet.of(number for _, number, _ in found)
    yield Finding(
        place=first[0].place,
        message=f"its {len(found)} passthrough devices are on {ids_text('node', nodes)} of {host.name}, "
        "but it has one NUMA node to see",
        label=f"{device_text(placement, first[0])} is on node {first[1]}",
        related=(
            Related(device.place, f"{device_text(placement, device)} is on node {node}"),
            *(Related(it.place, f"{device_text(placement, it)} is on node {number}") for it, number, _ in rest),
            *node_places(host, nodes),
        )[:MOST_RELATED],
        why="whatever the guest does is remote to some of its devices, and it cannot tell to which"
        + ("; how far is unknown, for no input states the distances" if together is None else ""),
        help="give it a <cell> and a <memnode> for each of these nodes, and each device a pcie-expander-bus of its cell; "
        "or devices of one node",
        data={"devices": len(found), "nodes": str(nodes)},
    )


def _located(placement: Placement) -> Iterator[tuple[Device, HostNode, HostNodes]]:
    """The passthrough devices whose nodes are known, and the nodes with CPUs that are nearest to each."""
    for device in placement.domain.devices:
        node = placement.node_of(device) if device.passthrough and not device.kind.startswith("memory") else None
        if node is not None:
            near = placement.host.homes_of(IdSet.of([node]))
            if near:
                yield device, node, near

"""A device is below an expander bus of one guest cell, but on the host node of another.

The `<node>` of a PCI expander bus tells the guest to which of its cells the devices below are near. Here it tells the wrong one: the
guest puts the buffers of the device, its interrupts and the work on it beside memory that is on the other host node, so that all
its DMA crosses the interconnect, which a guest that knew nothing would do for half of it. libvirt checks nothing of it: "it is up to the
user" to attach host devices to the right bus. An easy slip is to write the number of the host node.

Host: format = 1
      name = "gpu01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      distances = [[10, 21], [21, 10]]
      [node.1]
      pci = ["0000:b1:00.0 gpu1"]

Bad:

    <domain>
      <name>ai4</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='1'/>
        <memnode cellid='1' mode='strict' nodeset='0'/>
                                                   - the memory of guest cell 1 is on node 0
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
                  ^ 0000:b1:00.0 (gpu1) below it is on host node 1
          </target>
        </controller>
        <controller type='pci' index='2' model='pcie-root-port'>
          <address type='pci' bus='0x01' slot='0x00' function='0x0'/>
        </controller>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0xb1' slot='0x00' function='0x0'/>
             ------- 0000:b1:00.0 (gpu1) is on node 1
          </source>
          <address type='pci' bus='0x02' slot='0x00' function='0x0'/>
        </hostdev>
      </devices>
    </domain>

Good:

    <domain>
      <name>ai4</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='1'/>
        <memnode cellid='1' mode='strict' nodeset='0'/>
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
            <node>0</node>
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

Fix: `<node>` of the expander: the guest cell whose `<memnode>` names the device's host node; or the device below the expander of that cell.

When to ignore it: Never; leave `<node>` out where the guest is to know nothing.

Sources:
- libvirt, Domain XML format, "Controllers": it is up to the user to attach host devices to the right expander bus
- kubevirt/enhancements, VEP 115: expander buses in the order of the guest's cells
- QEMU, docs/pci_expander_bridge.txt
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    NEAR,
    Category,
    Cell,
    Device,
    Fact,
    Finding,
    GuestCells,
    HostNode,
    HostNodes,
    IdSet,
    Place,
    Placement,
    Related,
    Severity,
    Trait,
    device_text,
    ids_text,
    placement_rule,
)


@placement_rule(
    "device-guest-node-mismatch",
    Severity.WARNING,
    Category.IO_LOCALITY,
    needs=Fact.NODES,
    when=Trait.HOST_DEVICES | Trait.EXPANDERS,
    uses=(Fact.PCI, Fact.PCI_NODE, Fact.NAMES, Fact.DISTANCES, Fact.SOCKETS),
)
def check(placement: Placement) -> Iterator[Finding]:
    if placement.host.one_node:
        return
    groups: dict[tuple[int, HostNode], list[Device]] = {}
    for device in placement.domain.devices:
        told, node = placement.domain.cell_of_bus(device.guest_bus), placement.node_of(device)
        if told is not None and node is not None and _rightful(placement, told, node):
            groups.setdefault((told, node), []).append(device)
    for (cell, node), devices in groups.items():
        yield _finding(placement, placement.domain.cells[cell], node, devices)


def _nodes_of(placement: Placement, cell: Cell) -> HostNodes | None:
    """The host nodes of a guest cell: those of its memory, else those that its vCPUs are pinned to."""
    bound = placement.memory_of(cell).nodes
    pins = [placement.held.get(vcpu) for vcpu in cell.cpus & placement.domain.online]
    return bound if bound is not None or len({*pins}) != 1 else pins[0]


def _rightful(placement: Placement, number: int, node: HostNode) -> GuestCells:
    """The cells that a device is beside, where it is not beside the cell of its bus.

    None of them: device-remote. A cell that there is not: pxb-node-invalid.
    """
    cells, near = placement.domain.cells, placement.host.homes_of(IdSet.of([node]))
    if number >= len(cells) or not near:
        return IdSet()
    own = near | IdSet.of([node])
    nodes = {cell.id: _nodes_of(placement, cell) for cell in cells}
    told = nodes[cells[number].id]
    if told is None or told & own:
        return IdSet()
    return IdSet.of(cell for cell, its in nodes.items() if its is not None and its & own)


def _finding(placement: Placement, cell: Cell, node: HostNode, devices: list[Device]) -> Finding:
    told: HostNodes = _nodes_of(placement, cell) or IdSet()
    near = placement.host.near(placement.host.homes_of(IdSet.of([node])) or IdSet(), told)
    right = min(_rightful(placement, cell.id, node))
    what = device_text(placement, devices[0]) if len(devices) == 1 else f"{len(devices)} devices"
    binding = placement.memory_of(cell).binding
    where = f"the memory of guest cell {cell.id} is on {ids_text('node', told)}"
    places = [] if binding is None or binding.nodes is None else [Related(binding.place.at("nodeset"), where)]
    places += [Related(each.place, f"{device_text(placement, each)} is on node {node}") for each in devices]
    return Finding(
        place=_expander(placement, cell, devices[0]),
        message=f"{what} on node {node} of {placement.host.name} {'is' if len(devices) == 1 else 'are'} shown "
        f"on guest cell {cell.id}, which is on {ids_text('node', told)}",
        label=f"{what} below it is on host node {node}",
        severity=None if near is False else Severity.NOTE,
        related=tuple(places[:MOST_RELATED]),
        why=_why(near),
        help=f"<node>{right}</node>: guest cell {right} is on node {node}",
        data={"devices": len(devices), "node": node, "cell": cell.id},
    )


def _expander(placement: Placement, cell: Cell, device: Device) -> Place:
    """Where the cell of the device's bus is written; of several expanders on that cell, the device itself."""
    places = [each.place for each in placement.domain.guest.controllers if each.cell == cell.id]
    return places[0] if len(places) == 1 else device.place


def _why(near: bool | None) -> str:
    if near:
        return f"the nodes are near each other (distance {NEAR} or less), but the guest puts its buffers on the farther one"
    far = "" if near is False else "; how far is unknown, for no input states the distances"
    return f"the guest puts buffers and interrupts of the device beside the wrong memory, and all its DMA crosses nodes{far}"

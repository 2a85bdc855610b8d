"""A NIC of the host carries the guest's packets, and the emulator with its vhost workers is on another node.

The guest has several nodes, and the NIC that its macvtap device is on is beside one of them. But the packets are carried by vhost workers, or
by the emulator itself, and these are pinned to another node of the guest: each packet is copied between buffers of the NIC's node and the
guest's memory by a CPU that may be remote to both.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      distances = [[10, 21], [21, 10]]
      [node.1]
      pci = ["0000:81:00.0 ens3f0"]

Bad:

    <domain>
      <name>gw2</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
        <vcpupin vcpu='1' cpuset='2'/>
        <vcpupin vcpu='2' cpuset='5'/>
        <vcpupin vcpu='3' cpuset='6'/>
        <emulatorpin cpuset='0'/>
                             - the emulator threads run on node 0
      </cputune>
      <numatune>
        <memory mode='interleave' nodeset='0-1'/>
      </numatune>
      <devices>
        <interface type='direct'>
          <source dev='ens3f0' mode='bridge'/>
                       ^^^^^^ ens3f0 is on node 1
          <model type='virtio'/>
        </interface>
      </devices>
    </domain>

Good:

    <domain>
      <name>gw2</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
        <vcpupin vcpu='1' cpuset='2'/>
        <vcpupin vcpu='2' cpuset='5'/>
        <vcpupin vcpu='3' cpuset='6'/>
        <emulatorpin cpuset='4'/>
      </cputune>
      <numatune>
        <memory mode='interleave' nodeset='0-1'/>
      </numatune>
      <devices>
        <interface type='direct'>
          <source dev='ens3f0' mode='bridge'/>
          <model type='virtio'/>
        </interface>
      </devices>
    </domain>

Fix: `<emulatorpin>` with CPUs of the NIC's node, or of both nodes.

When to ignore it: The NIC carries little.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: vhost workers run where the emulator runs
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: the socket of the I/O adapter
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
    ids_text,
    node_places,
    placement_rule,
)


@placement_rule(
    "nic-backend-remote",
    Severity.NOTE,
    Category.IO_LOCALITY,
    needs=Fact.NODES,
    when=Trait.INTERFACES | Trait.HOST_DEVICES | Trait.SEVERAL_NODES,
    uses=(Fact.PCI, Fact.PCI_NODE, Fact.NAMES, Fact.DISTANCES, Fact.SOCKETS),
)
def check(placement: Placement) -> Iterator[Finding]:
    host, cpus, home = placement.host, placement.emulator.cpus, placement.home_nodes
    nodes: HostNodes = IdSet() if cpus is None else host.nodes_of(cpus)
    # emulator threads that are away from the guest: emulatorpin-remote
    if not nodes or host.one_node or (home and not nodes & home):
        return
    remote: dict[HostNode, list[Device]] = {}
    for device in placement.domain.devices:
        node = placement.node_of(device) if device.kind == "interface direct" else None
        if node is not None and _away(placement, node, nodes):
            remote.setdefault(node, []).append(device)
    for node, nics in remote.items():
        yield _finding(placement, node, nics, nodes)


def _away(placement: Placement, node: HostNode, nodes: HostNodes) -> bool:
    """Whether the emulator is away from a NIC that is beside the guest; one that is not is device-remote's."""
    host = placement.host
    near = host.homes_of(IdSet.of([node]))
    if not near or nodes & near or not placement.beside(near | IdSet.of([node])):
        return False
    return not host.near(nodes, near)


def _finding(placement: Placement, node: HostNode, nics: list[Device], nodes: HostNodes) -> Finding:
    host, own = placement.host, IdSet.of([node])
    what, are = (str(nics[0].reference), "is") if len(nics) == 1 else (f"{len(nics)} NICs", "are")
    pin = () if placement.emulator.pin is None else (placement.emulator.pin.place.at("cpuset"),)
    cpus = host.cpus_of(host.homes_of(own) or own)
    unknown = host.near(nodes, own) is None
    return Finding(
        place=nics[0].place,
        message=f"{what} {are} on node {node} of {host.name}, "
        f"but the emulator and vhost, which carry the packets, run on {ids_text('node', nodes)}",
        label=f"{nics[0].reference} is on node {node}",
        related=(
            *(Related(place, f"the emulator threads run on {ids_text('node', nodes)}") for place in pin),
            *(Related(each.place, f"{each.reference} too") for each in nics[1:]),
            *node_places(host, nodes | own),
        )[:MOST_RELATED],
        why="each packet crosses nodes on its way to the guest"
        + ("; how far is unknown, for no input states the distances" if unknown else ""),
        help=f"give <emulatorpin> some of {ids_text('CPU', cpus - placement.pinned_cpus or cpus)} too",
        data={"nics": len(nics), "node": node, "emulator_nodes": str(nodes)},
    )

"""A device of the host is on another node than the guest that uses it.

What a device reads and writes by DMA crosses the interconnect where its node is not the memory's; register accesses and
interrupts do where it is not the vCPUs'. Red Hat says to pin vCPUs and memory to the socket that the I/O adapter is connected to,
and puts the loss at 10 % and more; a guest with a GPU on the wrong node was 20 % slower than its twin. Where the device has either
the memory or the vCPUs beside it, or where the nodes are parts of one socket (distance 12 or less), this is a note.

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
      <name>fw1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0'/>
                                       - the memory is on node 0
      </numatune>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0x81' slot='0x00' function='0x0'/>
             ^^^^^^^ 0000:81:00.0 (ens3f0) is on node 1
          </source>
        </hostdev>
      </devices>
    </domain>

Bad (note):

    <domain>
      <name>fw1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
      <devices>
        <interface type='direct'>
          <source dev='ens3f0' mode='bridge'/>
                       ^^^^^^ 0000:81:00.0 (ens3f0) is on node 1
        </interface>
      </devices>
    </domain>

Good:

    <domain>
      <name>fw1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
      <devices>
        <hostdev mode='subsystem' type='pci'>
          <source>
            <address domain='0x0000' bus='0x81' slot='0x00' function='0x0'/>
          </source>
        </hostdev>
      </devices>
    </domain>

Fix: Move vCPUs and memory to the device's node, or give the guest a device of its own node.

When to ignore it: The device is hardly used.

Sources:
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: the I/O adapter
- Red Hat OpenStack Platform 16.1, NFV Product Guide, 5.1: 10 % and more
- OpenStack nova, PCI affinity policies: required, socket, preferred, legacy
- Rafay: the twin GPU guests
"""

from collections.abc import Iterator

import msgspec

from numalint import (
    NEAR,
    Category,
    Device,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    Node,
    NotJudged,
    PciAddress,
    Placement,
    Related,
    Severity,
    Trait,
    ids_text,
    node_places,
    placement_rule,
    set_text,
)


class Remote(msgspec.Struct, frozen=True):
    """A device that is on ``node``, away from the guest: ``distance`` from the nearest node of the guest."""

    device: Device
    address: PciAddress
    node: Node
    away: tuple[str, ...]
    severity: Severity
    distance: int | None


@placement_rule(
    "device-remote",
    Severity.WARNING,
    Category.IO_LOCALITY,
    needs=Fact.NODES,
    when=Trait.HOST_DEVICES | Trait.SEVERAL_NODES,
    uses=(Fact.PCI, Fact.PCI_NODE, Fact.NAMES, Fact.DISTANCES),
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    if placement.host.one_node and len(placement.host.nodes or ()) == 1:
        return
    groups: dict[tuple[int, Severity, tuple[str, ...]], list[Remote]] = {}
    for device in placement.domain.devices:
        if device.kind.startswith("memory"):
            continue  # memory-device-node-mismatch
        judged = _judge(placement, device)
        if isinstance(judged, NotJudged):
            yield judged
        elif judged is not None:
            groups.setdefault((judged.node.id, judged.severity, judged.away), []).append(judged)
    for group in groups.values():
        yield _finding(placement, group)


def _judge(placement: Placement, device: Device) -> Remote | NotJudged | None:
    address = placement.address_of(device)
    if address is None:
        return NotJudged(Fact.NAMES, str(device.reference))
    number = placement.host.node_of_pci(address)
    if number is None:
        return NotJudged(Fact.PCI_NODE, str(address))
    node = placement.host.node_by_id[number]
    own: HostNodes = IdSet.of([node.id])
    homes = placement.host.homes_of(own)  # of a node without CPUs: those nearest to it
    if homes is None:
        return NotJudged(Fact.DISTANCES, str(address))
    near = own | homes
    sides = [("vCPUs", _confined_to(placement)), ("memory", placement.memory_nodes)]
    away = tuple(what for what, nodes in sides if nodes is not None and not nodes & near)
    if not away:
        return None
    guest = IdSet.of(number for what, nodes in sides if what in away for number in nodes or ())
    distance = placement.distance_to(node.id, guest)
    # memory that is bound nowhere is touched first by threads that are away, vCPUs that float may come near
    far = "vCPUs" in away and not (placement.memory_nodes or IdSet()) & near
    far = far and distance is not None and distance > NEAR
    return Remote(device, address, node, away, Severity.WARNING if far else Severity.NOTE, distance)


def _confined_to(placement: Placement) -> HostNodes | None:
    """The nodes of the vCPUs; None where nothing keeps them anywhere."""
    return None if placement.unconfined else placement.vcpu_nodes


def _finding(placement: Placement, group: list[Remote]) -> Finding:
    first, host = group[0], placement.host
    what = _device_text(placement, first) if len(group) == 1 else f"{len(group)} devices"
    verb = "is" if len(group) == 1 else "are"
    others = tuple(
        Related(each.device.place, f"{_device_text(placement, each)} is on node {each.node.id}") for each in group[1:]
    )
    return Finding(
        place=first.device.place,
        message=f"{what} {verb} on node {first.node.id} of {host.name}, but {_elsewhere(placement, first)}",
        label=f"{_device_text(placement, first)} is on node {first.node.id}",
        severity=first.severity,
        related=(
            *others,
            *_sides(placement, first),
            *_device_places(placement, first),
            *node_places(host, IdSet.of([first.node.id])),
        ),
        why=_why(first),
        help=_help(placement, first),
        data={"devices": ",".join(str(each.address) for each in group), "node": first.node.id},
    )


def _device_text(placement: Placement, remote: Remote) -> str:
    names = (placement.host.pci or {})[remote.address].names if remote.address in (placement.host.pci or {}) else ()
    return f"{remote.address}" + (f" ({', '.join(names[:2])})" if names else "")


def _elsewhere(placement: Placement, remote: Remote) -> str:
    vcpus, memory = _confined_to(placement), placement.memory_nodes
    if remote.away == ("vCPUs", "memory") and vcpus is not None and vcpus == memory:
        return f"vCPUs and memory are on {ids_text('node', vcpus)}"
    said = {"vCPUs": f"the vCPUs are on {ids_text('node', vcpus or IdSet())}",
            "memory": f"the memory is on {ids_text('node', memory or IdSet())}"}  # fmt: skip
    return " and ".join(said[what] for what in remote.away)


def _sides(placement: Placement, remote: Remote) -> tuple[Related, ...]:
    """Where the domain says that its vCPUs and its memory are elsewhere."""
    found = []
    if "vCPUs" in remote.away:
        pin = next((each.pin for each in placement.online.values() if each.pin is not None), None)
        if pin is not None:
            nodes = ids_text("node", _confined_to(placement) or IdSet())
            found.append(Related(pin.place.at("cpuset"), f"the vCPUs are on {nodes}"))
    if "memory" in remote.away:
        binding = next((each.binding for each in placement.memory_policies if each.binding is not None), None)
        if binding is not None:
            nodes = ids_text("node", placement.memory_nodes or IdSet())
            found.append(Related(binding.place.at("nodeset"), f"the memory is on {nodes}"))
    return tuple(found)


def _device_places(placement: Placement, remote: Remote) -> tuple[Related, ...]:
    device = (placement.host.pci or {}).get(remote.address)
    if device is None or device.place is None:
        return ()
    return (Related(device.place, f"{remote.address} is on node {remote.node.id}"),)


def _why(remote: Remote) -> str:
    if remote.distance is None:
        return "DMA or interrupts cross nodes; how far is unknown, for no input states the distances"
    crossing: dict[tuple[str, ...], str] = {
        ("vCPUs",): "register accesses and interrupts cross",
        ("memory",): "DMA crosses",
    }
    crossed = crossing.get(remote.away, "DMA and interrupts cross")
    much = "the nodes are near each other" if remote.distance <= NEAR else "10 % and more"
    return f"{crossed} from node to node at distance {remote.distance} ({much})"


def _help(placement: Placement, remote: Remote) -> str:
    homes = placement.host.homes_of(IdSet.of([remote.node.id])) or IdSet()
    room = next((node for node in homes if placement.fits([placement.host.node_by_id[node]])), None)
    if room is None:
        return f"give the guest a device of its own node; node {homes} cannot hold it"
    nearest = "" if room == remote.node.id else ", the nearest with CPUs"
    cpus = set_text(placement.host.usable_cpus[room])
    return f"move the guest to node {room}{nearest} (CPUs {cpus}), or give it a device of its own node"

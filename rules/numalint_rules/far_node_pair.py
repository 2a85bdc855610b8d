"""The guest is on nodes that are farther from each other than others that would hold it.

Hosts of four and more sockets are often no full mesh: some pairs of nodes are one hop apart, others two, and the distances
(SLIT) say which. A guest of several nodes that is on a far pair pays for the second hop wherever its nodes talk to each other.
SUSE's guides hand the host's distances on to the guest for that reason. The rule knows nothing of the other guests of the host,
so it is a note.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 4
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "16 GiB"
      distances = [[10, 21, 31, 21], [21, 10, 21, 31], [31, 21, 10, 21], [21, 31, 21, 10]]

Bad:

    <domain>
      <name>sim1</name>
      <memory unit='GiB'>2</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
                                  - vCPU 0 is on node 0
        <vcpupin vcpu='1' cpuset='9'/>
                                  ^ vCPU 1 is on node 2
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0,2'/>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='2'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0' memory='1' unit='GiB'/>
          <cell id='1' cpus='1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>sim1</name>
      <memory unit='GiB'>2</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
        <memnode cellid='0' mode='strict' nodeset='0'/>
        <memnode cellid='1' mode='strict' nodeset='1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0' memory='1' unit='GiB'/>
          <cell id='1' cpus='1' memory='1' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Fix: Move the guest to nodes that are near each other, if other guests leave room there.

When to ignore it: The near nodes are taken, or the guest's parts hardly talk to each other. Where the guest has a device of the
host on one of its nodes, only nodes that keep it there are proposed.

Sources:
- SUSE, SAP HANA on KVM: the distances of the cells are those of the host
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3: a host of eight nodes
"""

from collections.abc import Iterator

from numalint import (
    NEAR,
    Category,
    Fact,
    Finding,
    Host,
    HostNodes,
    IdSet,
    Place,
    Placement,
    Related,
    Severity,
    Trait,
    ids_text,
    node_places,
    node_spread,
    placement_rule,
    socket_spread,
)


@placement_rule(
    "far-node-pair",
    Severity.NOTE,
    Category.PLACEMENT,
    needs=(Fact.NODES, Fact.DISTANCES),
    when=Trait.SEVERAL_NODES,
    uses=(Fact.MEMORY, Fact.HOUSEKEEPING, Fact.PCI_NODE),
    precision="medium",
)
def check(placement: Placement) -> Iterator[Finding]:
    host = placement.host
    if host.one_node or len(host.by_distance) < 3 or placement.domain.automatic:
        return
    nodes = _chosen(placement)
    if not 1 < len(nodes) < len(host.by_distance) or (host.widest_distance(nodes) or 0) <= NEAR:
        return
    total = _total(host, nodes)
    best = min(
        _others(placement, nodes), key=lambda row: (_total(host, row), -len(row & nodes), row.mask), default=nodes
    )
    if _total(host, best) >= total or _said_elsewhere(placement, nodes):
        return
    place, label, related = _where(placement, nodes)
    yield Finding(
        place=place,
        message=f"it is on {ids_text('node', nodes)} of {host.name}, {_apart(host, nodes)}, "
        f"but {ids_text('node', best)}, {_apart(host, best)}, would hold it too",
        label=label,
        related=(*related, *node_places(host, nodes | best)),
        why="what one of its nodes wants of another takes a longer way, with a longer wait and fewer bytes a second",
        help=f"move it to {ids_text('node', best)} (CPUs {host.cpus_of(best) & host.guest_cpus}), if other guests leave room",
        data={"nodes": str(nodes), "distance": total, "nearer_nodes": str(best), "nearer_distance": _total(host, best)},
    )


def _chosen(placement: Placement) -> HostNodes:
    """The nodes that vCPUs and memory are kept on; none where they are kept on different ones, which other rules tell."""
    memory = placement.memory_nodes
    bound: HostNodes = (memory or IdSet()) & placement.host.cpu_nodes
    held: HostNodes = bound if placement.unconfined else placement.vcpu_nodes or IdSet()
    return held if memory is None or held == bound else IdSet()


def _others(placement: Placement, nodes: HostNodes) -> Iterator[HostNodes]:
    """As many nodes near each other that would hold the guest, with those of the chosen ones that have its devices."""
    devices = {placement.node_of(device) for device in placement.domain.devices}
    kept: HostNodes = IdSet.of(node for node in nodes if node in devices)
    host = placement.host
    for row in host.by_distance:
        near = row[: len(nodes)]
        able = all(placement.fits([node], cell) for node in near for cell in placement.domain.cells)
        ids: HostNodes = IdSet.of(node.id for node in near)
        if able and kept <= ids and host.widest_distance(ids) is not None and placement.fits(list(near)):
            yield ids


def _said_elsewhere(placement: Placement, nodes: HostNodes) -> bool:
    """Whether other rules say that the guest is on more nodes than it needs, or that its pins roam."""
    if len(placement.domain.cells) < 2 and 0 < len(placement.fewest_nodes) < len(nodes):
        return True
    return bool(placement.pinned) and (socket_spread(placement) or node_spread(placement)) is not None


def _total(host: Host, nodes: HostNodes) -> int:
    """The distances of all pairs together."""
    pairs = ((one, other) for one in nodes for other in nodes if one < other)
    return sum(max(host.distance(one, other) or 0, host.distance(other, one) or 0) for one, other in pairs)


def _apart(host: Host, nodes: HostNodes) -> str:
    total = _total(host, nodes)
    return f"at distance {total}" if len(nodes) == 2 else f"whose distances add up to {total}"


def _where(placement: Placement, nodes: HostNodes) -> tuple[Place, str, tuple[Related, ...]]:
    """The first thing that puts it on another node: a vcpupin unlike the first, ``<vcpu cpuset>`` or the nodeset."""
    domain, host, where = placement.domain, placement.host, ids_text("node", nodes)
    if placement.unconfined and placement.domain.memory is not None:
        return placement.domain.memory.place.at("nodeset"), f"the memory is on {where}", ()
    if not placement.unconfined and placement.pinned:
        on = {vcpu: host.nodes_of(domain.vcpupins[vcpu].cpus) for vcpu in placement.pinned}
        first = next(iter(on))
        other = next((vcpu for vcpu, own in on.items() if own != on[first]), first)
        beside = Related(domain.vcpupins[first].place.at("cpuset"), f"vCPU {first} is on {ids_text('node', on[first])}")
        label = f"vCPU {other} is on {ids_text('node', on[other])}"
        return domain.vcpupins[other].place.at("cpuset"), label, () if other == first else (beside,)
    if domain.cpuset is not None:
        return domain.cpuset.place.at("cpuset"), f"CPUs of {where}", ()
    return placement.vcpus_place, f"on {where}", ()

"""Domains bind more memory to nodes than these have.

Memory with mode strict comes from its nodes or not at all. Each of the domains fits by itself and starts; when they have used
what the nodes have, the kernel kills one of them, though other nodes have plenty. Where memory is allocated at start, the last
one is killed while it starts. OpenStack counts the memory of a node for all its instances before it places the next one. Sets of
several nodes are judged together: of what may come from node 0 or 1, what is left by others must be enough. The smallest set of
nodes that is too small is named.

Both the host and that these domains are on it are declared, and that they never run together is not, so strict memory over what
the nodes have is an error. It is a warning where only balloons (`<currentMemory>`) keep it from going wrong, where it is
what the host keeps for itself that is taken, and where the mode lets the rest come from other nodes, where it is remote and stays.
Of domains that have a device in common, only the largest counts, for the others cannot run beside it.

Host: pack:2 [numa(memory=32GiB)] core:4 pu:1

Bad:

    <domain>
      <name>db1</name>
      <memory unit='GiB'>20</memory>
                         ^^ 20 GiB of db1, bound to node 1
      <vcpu cpuset='4-7'>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>
    <domain>
      <name>db2</name>
      <memory unit='GiB'>16</memory>
                         -- 16 GiB of db2, bound to node 1
      <vcpu cpuset='4-7'>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Good:

    <domain>
      <name>db1</name>
      <memory unit='GiB'>20</memory>
      <vcpu cpuset='4-7'>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>
    <domain>
      <name>db2</name>
      <memory unit='GiB'>16</memory>
      <vcpu cpuset='0-3'>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Bad:

    <domain>
      <name>dw1</name>
      <memory unit='GiB'>40</memory>
      <vcpu>6</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0-1'/>
      </numatune>
      <cpu>
        <numa>
          <cell id='0' cpus='0-2' memory='20' unit='GiB'/>
                                          ^^ 40 GiB of dw1, bound to nodes 0-1
          <cell id='1' cpus='3-5' memory='20' unit='GiB'/>
        </numa>
      </cpu>
    </domain>
    <domain>
      <name>db2</name>
      <memory unit='GiB'>30</memory>
                         -- 30 GiB of db2, bound to node 0
      <vcpu cpuset='0-3'>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Bad (warning):

    <domain>
      <name>db1</name>
      <memory unit='GiB'>20</memory>
                         ^^ 20 GiB of db1, bound to node 1
      <vcpu cpuset='4-7'>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>
    <domain>
      <name>db2</name>
      <memory unit='GiB'>16</memory>
                         -- 16 GiB of db2, to come from node 1
      <vcpu cpuset='4-7'>2</vcpu>
      <numatune>
        <memory mode='preferred' nodeset='1'/>
      </numatune>
    </domain>

Fix: Bind some of them to another node, give them less memory, or move one to another host. Domains that never run together are
declared so in `numalint.toml`, as `exclusive-groups = [["db1", "db2"]]` of their host.

When to ignore it: The domains never use all that they are given, and a kill is no harm.

Sources:
- OpenStack nova, virt/hardware.py: what a node has left is counted before an instance is placed on it
- oVirt engine, NumaPinningHelper: whether the pinned nodes of all domains find room on those of the host
- measured with libvirt 9.0.0 and 11.3.0: a domain over its node starts, and is killed; with preallocation while it starts
"""

import functools
from collections.abc import Iterator

import msgspec

from numalint import (
    Conflict,
    Excess,
    Fact,
    Fleet,
    HostNode,
    HostNodes,
    IdSet,
    Severity,
    Share,
    Target,
    host_rule,
    ids_text,
    overcommitted,
    size_text,
    union,
)


class Need(msgspec.Struct, frozen=True):
    """Memory that is to come from some nodes; ``strict``: or not at all."""

    nodes: HostNodes
    share: Share
    strict: bool


@host_rule(
    "node-memory-overcommitted",
    Severity.ERROR,
    needs=(Fact.NODES, Fact.MEMORY),
    uses=Fact.HUGEPAGES,
    precision="very-high",
)
def check(fleet: Fleet) -> Iterator[Conflict]:
    needs = list(_needs(fleet))
    told: HostNodes = IdSet()
    for strict in (True, False):
        some = [(need.nodes, need.share) for need in needs if need.strict or not strict]
        room = fleet.host.unpooled_bytes if strict else fleet.host.ordinary_bytes
        for nodes, over in overcommitted(fleet, some, functools.partial(_sum, room)):
            if not nodes & told:
                told |= nodes
                yield _conflict(fleet, needs, nodes, over, strict)


def _needs(fleet: Fleet) -> Iterator[Need]:
    """The bound memory; that in huge pages is hugepage-pool-overcommitted's, and unbound memory host-memory-overcommitted's."""
    exist = IdSet.of(fleet.host.node_by_id)
    pools_known = Fact.HUGEPAGES not in fleet.host.unknown
    for claim in fleet.claims:
        for part in claim.memory:
            nodes = (part.nodes or IdSet()) & fleet.host.memory_nodes
            if nodes and part.nodes is not None and part.nodes <= exist and not (part.huge and pools_known):
                target = Target("memory") if part.cell is None else Target("cell", str(part.cell))
                yield Need(nodes, Share(claim, part.size_bytes, target), part.strict)


def _sum(room: dict[HostNode, int | None], nodes: HostNodes) -> int:
    return sum(room[node] or 0 for node in nodes)


def _conflict(fleet: Fleet, needs: list[Need], nodes: HostNodes, over: Excess, strict: bool) -> Conflict:
    host, has = fleet.host, _sum(fleet.host.ordinary_bytes, nodes)
    wanted = size_text(over.wanted)
    severity, why = _verdict(fleet, needs, nodes, over, strict)
    one = len(nodes) == 1
    ask = f"bind {wanted} to {'it' if one else 'them'}" if strict else f"want {wanted} of {'it' if one else 'them'}"

    own: dict[int, list[Need]] = {}
    for need in needs:
        if need.nodes <= nodes:
            own.setdefault(id(need.share.claim), []).append(need)

    def label(share: Share) -> str:
        its = own[id(share.claim)]
        how = "bound to" if all(need.strict for need in its) else "to come from"
        return f"{size_text(share.size)} of {share.claim.domain}, {how} {ids_text('node', union(need.nodes for need in its))}"

    return Conflict(
        parties=over.parties(label),
        message=f"{ids_text('node', nodes)} of {host.name} {'has' if one else 'have'} {size_text(has)} for guests, "
        f"and {over.who} {ask}",
        subject=ids_text("node", nodes),
        severity=severity,
        nodes=nodes,
        why=why,
        help=f"{_room_elsewhere(fleet, needs, nodes)}give them less memory; "
        f"{fleet.apart_text(share.claim for share in over.running)}",
        data={"nodes": str(nodes), "nodes_bytes": has, "memory_bytes": over.wanted, "domains": len(over.running)},
    )


def _verdict(
    fleet: Fleet, needs: list[Need], nodes: HostNodes, over: Excess, strict: bool
) -> tuple[Severity | None, str]:
    """How grave it is, and why. Only strict memory cannot be had elsewhere."""
    if not strict:
        if all(need.strict for need in needs if need.nodes <= nodes):
            return Severity.WARNING, "they take what the host keeps for itself there, and one may be killed for it"
        return Severity.WARNING, "what finds no room there comes from other nodes, where it is remote and stays"
    kept = sum(min(share.claim.ballooned_bytes, share.size) for share in over.running)
    if over.wanted - kept <= _sum(fleet.host.unpooled_bytes, nodes):
        return (
            Severity.WARNING,
            f"only their balloons, which hold {size_text(kept)}, keep one of them from being killed",
        )
    return None, "they start, and one is killed when they have used what is there, whatever other nodes have"


def _room_elsewhere(fleet: Fleet, needs: list[Need], nodes: HostNodes) -> str:
    left = {
        node: (size or 0) - sum(need.share.size for need in needs if need.nodes == IdSet.of([node]))
        for node, size in fleet.host.ordinary_bytes.items()
        if node not in nodes
    }
    best = max(left, key=lambda node: left[node], default=None)
    if best is None or left[best] <= 0:
        return ""
    return f"bind some of it to node {best}, of which {size_text(left[best])} are left, or "

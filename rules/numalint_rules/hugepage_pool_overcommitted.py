"""Domains need more huge pages together than their nodes have.

Huge pages come out of pools, one for each size and node, and QEMU takes all that its guest needs when it starts. Whoever comes
last finds too few: "unable to map backing store for guest RAM: Cannot allocate memory". Each domain fits by itself, so it is
found out on the day on which all of them start, often after the host was booted. oVirt and OpenStack count the pages of each
node before they start a guest. A pool that is exactly used up is enough.

Both the pools and that these domains are on the host are declared, and that they never run together is not. So it is an error
where the pages are bound with mode strict, or are more than the whole host has. Where the mode lets the rest come from other
nodes, and these have enough, it is a warning: that part is remote and stays. Of domains that have a device in common, only the
largest counts. Pages of the host's default size are not judged, since no input states which it is.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 8
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "64 GiB"
      [node.0]
      hugepages = { "1G" = 32 }
      [node.1]
      hugepages = { "1G" = 16 }

Bad:

    <domain>
      <name>vnf1</name>
      <memory unit='GiB'>12</memory>
                         ^^ 12 pages of vnf1 from node 1
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='8-15'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>
    <domain>
      <name>vnf2</name>
      <memory unit='GiB'>8</memory>
                         - 8 pages of vnf2 from node 1
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='8-15'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Good:

    <domain>
      <name>vnf1</name>
      <memory unit='GiB'>12</memory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='8-15'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>
    <domain>
      <name>vnf2</name>
      <memory unit='GiB'>8</memory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='0-7'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Bad (warning):

    <domain>
      <name>vnf1</name>
      <memory unit='GiB'>12</memory>
                         ^^ 12 pages of vnf1 from node 1
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='8-15'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>
    <domain>
      <name>vnf2</name>
      <memory unit='GiB'>8</memory>
                         - 8 pages of vnf2 from node 1
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='8-15'>4</vcpu>
      <numatune>
        <memory mode='preferred' nodeset='1'/>
      </numatune>
    </domain>

Fix: Bind some of them to a node that has pages left, give them less memory, or reserve more pages on the node, at boot or in
`/sys/devices/system/node/nodeN/hugepages/`. Domains that never run together are declared so in `numalint.toml`, as
`exclusive-groups = [["vnf1", "vnf2"]]` of their host.

When to ignore it: A hook reserves the pages before a domain starts, or the kernel may add surplus ones (`nr_overcommit_hugepages`).

Sources:
- measured with libvirt 9.0.0 and 11.3.0: what is refused and how, that a pool used up is enough, and that preferred spills
- oVirt engine, VAR__DETAIL__NOT_ENOUGH_HUGE_PAGES: pages are counted before a domain starts
- OpenStack nova, virt/hardware.py: the pages of a node, less those of its instances
- Linux, Documentation/admin-guide/mm/hugetlbpage: pools for each node
"""

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
    NotJudged,
    Severity,
    Share,
    Target,
    count_text,
    host_rule,
    ids_text,
    overcommitted,
    size_text,
)

Pools = dict[HostNode, int | None]


class Need(msgspec.Struct, frozen=True):
    """Pages of ``size`` bytes: ``wanted`` are the nodes that they are to come from, ``nodes`` those that they can come from."""

    size: int
    wanted: HostNodes
    nodes: HostNodes
    share: Share


@host_rule(
    "hugepage-pool-overcommitted",
    Severity.ERROR,
    needs=Fact.NODES,
    uses=Fact.HUGEPAGES,
    precision="very-high",
)
def check(fleet: Fleet) -> Iterator[Conflict | NotJudged]:
    users = [claim for claim in fleet.claims if any(part.huge for part in claim.memory)]
    if len(users) < 2:
        return
    if Fact.HUGEPAGES in fleet.host.unknown:
        yield NotJudged(Fact.HUGEPAGES, "")
        return
    if any(part.huge and part.page_bytes is None for claim in users for part in claim.memory):
        yield NotJudged(Fact.HUGEPAGES, "which size of page is the default")
    needs = list(_needs(fleet))
    for size in sorted({need.size for need in needs}):
        pools = _pools(fleet, size)
        if any(total is None for total in pools.values()):
            yield NotJudged(Fact.HUGEPAGES, f"how many pages of {size_text(size)} there are")
        elif pools:
            yield from _short(fleet, [need for need in needs if need.size == size], pools)


def _needs(fleet: Fleet) -> Iterator[Need]:
    """The pages of each part of a guest; of nodes that the host does not have, node-nonexistent speaks."""
    exist: HostNodes = IdSet.of(fleet.host.node_by_id)
    for claim in fleet.claims:
        for part in claim.memory:
            wanted = (exist if part.nodes is None else part.nodes) & fleet.host.memory_nodes
            if part.huge and part.page_bytes and wanted and (part.nodes or exist) <= exist:
                target = Target("memory") if part.cell is None else Target("cell", str(part.cell))
                pages = -(-part.size_bytes // part.page_bytes)
                yield Need(part.page_bytes, wanted, wanted if part.strict else exist, Share(claim, pages, target))


def _pools(fleet: Fleet, size: int) -> Pools:
    """How many pages of a size each node has, None where unknown; none at all: hugepage-size-unavailable."""
    pools = {node.id: (node.hugepages or {}).get(size) for node in fleet.host.nodes or ()}
    if not any(pools.values()):
        return {}
    return {node: 0 if pool is None else pool.total for node, pool in pools.items()}


def _short(fleet: Fleet, needs: list[Need], pools: Pools) -> Iterator[Conflict]:
    def room(nodes: HostNodes) -> int:
        return sum(pools[node] or 0 for node in nodes)

    told: HostNodes = IdSet()
    for fatal in (True, False):
        sets = [(need.nodes if fatal else need.wanted, need.share) for need in needs]
        for nodes, over in overcommitted(fleet, sets, room):
            if not nodes & told:
                told |= nodes
                yield _conflict(fleet, needs, nodes, over, fatal)


def _conflict(fleet: Fleet, needs: list[Need], nodes: HostNodes, over: Excess, fatal: bool) -> Conflict:
    pages, has = size_text(needs[0].size), int(over.room)

    own: dict[int, HostNodes] = {}
    for need in needs:
        if need.wanted <= nodes:
            own[id(need.share.claim)] = own.get(id(need.share.claim), need.wanted) | need.wanted

    def label(share: Share) -> str:
        return f"{count_text(share.size, 'page')} of {share.claim.domain} from {ids_text('node', own[id(share.claim)])}"

    return Conflict(
        parties=over.parties(label),
        message=f"{ids_text('node', nodes)} of {fleet.host.name} {'has' if len(nodes) == 1 else 'have'} "
        f"{count_text(has, 'page')} of {pages}, and {over.who} need {over.wanted} of them",
        subject=f"pages of {pages} of {ids_text('node', nodes)}",
        severity=None if fatal else Severity.WARNING,
        nodes=nodes,
        why="QEMU takes all of them at start, and that of the last one gives up: unable to map backing store for guest RAM"
        if fatal
        else "what finds no page there takes those of other nodes, where it is remote and stays",
        help=f"reserve {over.wanted - has} more on {ids_text('node', nodes)}, or bind some of them elsewhere; "
        f"{fleet.apart_text(share.claim for share in over.running)}",
        data={
            "page_bytes": needs[0].size,
            "nodes": str(nodes),
            "nodes_pages": has,
            "pages": over.wanted,
            "domains": len(over.running),
        },
    )

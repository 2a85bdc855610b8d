"""The guest needs more huge pages than there are on the nodes that it is bound to, or on the host.

Huge pages come out of pools, one for each size and node, that are filled when the host boots or by hand. QEMU takes all that a
guest needs when it starts. The host's total says nothing of a node: of 2048 free pages a guest that is bound to node 1 has
those of node 1. With mode strict QEMU then gives up: "unable to map backing store for guest RAM: Cannot allocate memory", or,
for one cell of several, "preallocating memory failed: Bad address". So does a guest that needs more than the whole host has,
whatever binds it. These are errors. With mode preferred or interleave, and where nothing binds the memory, the rest comes from
other nodes, where it stays and is remote: a warning. A pool that is exactly used up is enough.

What counts is what is free when the guest starts, and other guests count. Where an input states how many pages are free
(`numalint topology capture`), too few of those is a warning, and no error, for a guest that ran at that moment had its own.
Pages of the host's default size are not judged, since no input states which it is.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 8
      threads_per_core = 1
      cpu_numbering = "threads-last"
      memory_per_node = "64 GiB"
      [node.0]
      hugepages = { "1G" = 32, "2M" = { total = 2048, free = 1290 } }
      [node.1]
      hugepages = { "1G" = 16, "2M" = { total = 2048, free = 758 } }

Bad:

    <domain>
      <name>vnf1</name>
      <memory unit='GiB'>20</memory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
                      - pages of 1 GiB
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='8-15'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
                                       ^ 20 pages of 16
      </numatune>
    </domain>

Bad (warning):

    <domain>
      <name>vnf2</name>
      <memory unit='GiB'>2</memory>
      <memoryBacking>
        <hugepages>
          <page size='2' unit='MiB'/>
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='8-15'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='1'/>
                                       ^ 1024 pages of 758 that are free
      </numatune>
    </domain>

Bad (warning):

    <domain>
      <name>vnf1</name>
      <memory unit='GiB'>20</memory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <vcpu cpuset='8-15'>4</vcpu>
      <numatune>
        <memory mode='preferred' nodeset='1'/>
                                          ^ 20 pages of 16
      </numatune>
    </domain>

Bad:

    <domain>
      <name>vnf1</name>
      <memory unit='GiB'>60</memory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
                      ^ 60 pages of 48
        </hugepages>
      </memoryBacking>
      <vcpu>4</vcpu>
    </domain>

Good:

    <domain>
      <name>vnf1</name>
      <memory unit='GiB'>20</memory>
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

Fix: Bind the guest to a node that has the pages, give it less memory, or reserve more pages on its node, at boot or in
`/sys/devices/system/node/nodeN/hugepages/`.

When to ignore it: A hook reserves the pages before the guest starts, or the kernel may add surplus ones
(`nr_overcommit_hugepages`).

Sources:
- measured with libvirt 9.0.0 and 11.3.0: what is refused and how, that a pool used up is enough, and that preferred spills
- kubevirt/kubevirt, issue 6981: free pages on the host, and too few on the node
- autotest/tp-libvirt, specific_numa_memory_bind_hugepage
- Linux, Documentation/admin-guide/mm/hugetlbpage: pools for each node
"""

import enum
from collections.abc import Iterable, Iterator

import msgspec

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostNode,
    HostNodes,
    IdSet,
    MemoryPart,
    NotJudged,
    Place,
    Placement,
    Pool,
    Related,
    Severity,
    Trait,
    count_text,
    ids_text,
    node_places,
    placement_rule,
    size_text,
)


class Whose(enum.Enum):
    """Whose pages are too few: those of the nodes that are bound to, of all nodes, or of the node that has the most."""

    BOUND = enum.auto()
    ALL = enum.auto()
    MOST = enum.auto()


class Short(msgspec.Struct, frozen=True):
    """Parts of the guest that want so many pages of ``size`` of ``nodes``, of which these have ``total``, ``free`` now."""

    size: int
    parts: list[MemoryPart]
    nodes: HostNodes
    whose: Whose
    wanted: int
    total: int
    free: int

    @property
    def now(self) -> bool:
        """Whether there are enough, but not free."""
        return self.wanted <= self.total

    @property
    def has(self) -> int:
        return self.free if self.now else self.total


@placement_rule(
    "hugepage-pool-too-small",
    Severity.ERROR,
    Category.HUGEPAGES,
    needs=(Fact.NODES, Fact.HUGEPAGES),
    when=Trait.HUGEPAGES,
    uses=(Fact.HUGEPAGES_FREE, Fact.DISTANCES, Fact.HOUSEKEEPING),
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    parts = [part for part in placement.memory_parts if part.huge]
    sizes, least = {part.page_bytes for part in parts}, placement.host.least_pages
    if all(size and _pages(parts, size) <= least.get(size, -1) for size in sizes):
        return  # each node has enough for all of it
    if None in sizes:
        yield NotJudged(Fact.HUGEPAGES, "which size of page is the default")
    for size in sorted(filter(None, sizes)):
        pools = [pools[size] for node in placement.host.nodes or () if size in (pools := node.hugepages or {})]
        if any(pool.total is None and pool.free is None for pool in pools):
            yield NotJudged(Fact.HUGEPAGES, f"how many pages of {size_text(size)} there are")
        elif pools:  # else hugepage-size-unavailable
            of_size = [part for part in parts if part.page_bytes == size]
            yield from (_finding(placement, short) for short in _short(placement, size, of_size))


def _short(placement: Placement, size: int, parts: list[MemoryPart]) -> Iterator[Short]:
    """The whole host, where it has too few pages; else each set of nodes that is bound to and has, unless a part has."""
    host: HostNodes = IdSet.of(placement.host.node_by_id)
    everything = _count(placement, size, parts, host, Whose.ALL)
    if everything.wanted > everything.has:
        yield everything
        return
    found: list[HostNodes] = []
    sets = {part.policy.nodes.mask: part.policy.nodes for part in parts if part.policy.nodes}
    for nodes in sorted(sets.values(), key=lambda nodes: (len(nodes), nodes.mask)):
        inside = [part for part in parts if part.policy.nodes is not None and part.policy.nodes <= nodes]
        exist = nodes <= host and nodes & placement.host.memory_nodes  # else node-nonexistent, node-memoryless
        if exist and not any(part <= nodes for part in found):
            short = _count(placement, size, inside, nodes, Whose.BOUND)
            if short.wanted > short.has:
                found.append(nodes)
                yield short
    if placement.unbound and len(host) > 1:
        each = (_count(placement, size, parts, IdSet.of([node]), Whose.MOST) for node in host)
        most = max(each, key=lambda short: short.total)
        if most.wanted > most.total and _fits_otherwise(placement):
            yield most


def _count(placement: Placement, size: int, parts: list[MemoryPart], nodes: HostNodes, whose: Whose) -> Short:
    """What parts want of nodes, in whole pages; where it is not said how many are free, all are."""
    pools = [(placement.host.node_by_id[node].hugepages or {}).get(size, Pool(0, 0)) for node in nodes]
    total = sum((pool.free if pool.total is None else pool.total) or 0 for pool in pools)
    free = sum((pool.total if pool.free is None else pool.free) or 0 for pool in pools)
    return Short(size, parts, nodes, whose, _pages(parts, size), total, free)


def _pages(parts: Iterable[MemoryPart], size: int) -> int:
    return sum(-(-part.size_bytes // size) for part in parts)


def _fits_otherwise(placement: Placement) -> bool:
    """Whether it is on one node but for its pages; of others vcpus-exceed-node and the rules of vnuma speak."""
    kept = placement.unconfined or len(placement.vcpu_nodes or ()) == 1
    small = len(placement.domain.online) <= placement.host.most_usable_cpus
    return len(placement.domain.cells) < 2 and kept and small


def _finding(placement: Placement, short: Short) -> Finding:
    severity, why = _verdict(placement, short)
    page, nodesets = _page_place(placement, short), _nodesets(short)
    first, *others = nodesets or [page]
    return Finding(
        place=first,
        message=_message(placement, short),
        label=f"{count_text(short.wanted, 'page')} of {short.has}{' that are free' if short.now else ''}",
        severity=severity,
        related=(
            *(Related(place, "more of them") for place in others[:MOST_RELATED]),
            *((Related(page, f"pages of {size_text(short.size)}"),) if nodesets else ()),
            *node_places(placement.host, short.nodes),
        ),
        why=why,
        help=_help(placement, short),
        data={
            "page_bytes": short.size,
            "pages": short.wanted,
            "nodes": str(short.nodes),
            "nodes_pages": short.total,
            "nodes_free": short.free,
        },
    )


def _page_place(placement: Placement, short: Short) -> Place:
    """Where the size of the pages is written; that of a device may be its own."""
    part = short.parts[0]
    page = placement.domain.page_of(part.cell)
    if page is not None and page.size_bytes == short.size:
        return page.place.at("size")
    return placement.domain.place if part.device is None else part.device.place


def _nodesets(short: Short) -> list[Place]:
    places = (part.nodeset_place for part in short.parts if short.whose is Whose.BOUND)
    return list(dict.fromkeys(place for place in places if place is not None))


def _message(placement: Placement, short: Short) -> str:
    host, (part, *more) = placement.host, short.parts
    cell = part.cell if len(placement.domain.cells) > 1 and not more else None
    who = "it" if cell is None else f"guest cell {cell.id}"
    needs = f"{who} needs {count_text(short.wanted, 'page')} of {size_text(short.size)}"
    free = " free" if short.now else ""
    if short.whose is Whose.ALL:
        return f"{needs}, but {host.name} has {short.has}{free}"
    if short.whose is Whose.MOST:
        return f"{needs}, but no node of {host.name} has over {short.total}"
    everything = _count(placement, short.size, [], IdSet.of(host.node_by_id), Whose.ALL)
    on, has = f"{ids_text('node', short.nodes)} of {host.name}", "has" if len(short.nodes) == 1 else "have"
    rest = everything.free if short.now else everything.total
    return f"{needs} on {on}, which {has} {short.has}{free}; the host has {rest}{free}"


def _verdict(placement: Placement, short: Short) -> tuple[Severity | None, str]:
    """How grave it is, and why. Only strict memory cannot be had elsewhere, and nothing beyond the host."""
    if short.now:
        return (
            Severity.WARNING,
            "it starts once others have given pages back, if it was not running itself, with its own",
        )
    if short.whose is Whose.MOST:
        groups = [IdSet.of(node.id for node in group) for group in placement.host.near_groups]
        near = any(_count(placement, short.size, [], group, Whose.ALL).total >= short.wanted for group in groups)
        why = f"its pages come from several nodes{', near to each other' if near else ''}, and it knows of one"
        return Severity.NOTE if near else Severity.WARNING, why
    strict = [part for part in short.parts if part.policy.mode == "strict"]
    if short.whose is Whose.BOUND and _pages(strict, short.size) <= short.total:
        return Severity.WARNING, "the rest is on other nodes, where it is remote and stays, if it is to be had at all"
    return None, "QEMU takes all of them at start, and gives up: unable to map backing store for guest RAM"


def _help(placement: Placement, short: Short) -> str:
    lacking, pages = short.wanted - short.has, size_text(short.size)
    if short.whose is Whose.ALL:
        return f"reserve {count_text(lacking, 'more page')} of {pages} on {placement.host.name}, or give it less memory"
    other = next((node for node in placement.host.node_by_id if _has_room(placement, short, node)), None)
    if other is not None and short.whose is Whose.BOUND:
        has = _count(placement, short.size, [], IdSet.of([other]), Whose.BOUND).has
        return f"bind it to node {other}, which has {has} of them, and its vCPUs to CPUs {placement.host.usable_cpus[other]}"
    if len(short.nodes) > 1:
        return f"reserve {count_text(lacking, 'more page')} of {pages} on {ids_text('node', short.nodes)}, or give it less memory"
    (node,) = short.nodes
    pool = f"/sys/devices/system/node/node{node}/hugepages/hugepages-{short.size >> 10}kB/nr_hugepages"
    return f"reserve {lacking} more on node {node}: write {short.total + lacking} into {pool} on the host"


def _has_room(placement: Placement, short: Short, node: HostNode) -> bool:
    """Whether a node has the pages and the CPUs for the one part of the guest that lacks them."""
    (part, *more), nodes = short.parts, IdSet.of([node])
    if more or part.device is not None or nodes <= short.nodes:
        return False
    there = [each for each in placement.memory_parts if each.policy.nodes and nodes <= each.policy.nodes]
    own = [each for each in there if each.page_bytes == short.size]
    both = _count(placement, short.size, [part, *own], nodes, Whose.BOUND)
    return both.wanted <= both.free and placement.fits([placement.host.node_by_id[node]], part.cell)

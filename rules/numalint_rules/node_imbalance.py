"""One node is full of dedicated vCPUs or bound memory while another one is nearly empty.

The caches, the memory channels and the power of a socket serve those who are on it. SUSE measured two large guests on a two-socket
EPYC: one on each node they did as much together as the bare host, without placement less than half of it each. Where a domain
of the full node could as well be on the empty one, both sides gain: it has channels for itself, and the others more of theirs. Full is
over 80 % of the CPUs that guests may have, or of the memory, nearly empty under 30 %. A domain that has a device of the host,
or does not fit there with its memory and its huge pages, stays where it is.

Host: pack:2 [numa(memory=64GiB)] core:4 pu:1

Bad:

    <domain>
      <name>db1</name>
      <memory unit='GiB'>16</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
                                  ^ db1 could move: 2 vCPUs and 16 GiB
        <vcpupin vcpu='1' cpuset='1'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>
    <domain>
      <name>db2</name>
      <memory unit='GiB'>16</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
                                  - db2 could move: 2 vCPUs and 16 GiB
        <vcpupin vcpu='1' cpuset='3'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Bad:

    <domain>
      <name>cache1</name>
      <memory unit='GiB'>30</memory>
                         ^^ cache1 could move: 2 vCPUs and 30 GiB
      <vcpu cpuset='0-3'>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>
    <domain>
      <name>cache2</name>
      <memory unit='GiB'>30</memory>
                         -- cache2 could move: 2 vCPUs and 30 GiB
      <vcpu cpuset='0-3'>2</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Good:

    <domain>
      <name>db1</name>
      <memory unit='GiB'>16</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>
    <domain>
      <name>db2</name>
      <memory unit='GiB'>16</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
      <numatune>
        <memory mode='strict' nodeset='1'/>
      </numatune>
    </domain>

Fix: Move a domain to the empty node: its pins and the nodes of its memory.

When to ignore it: The other node is kept free on purpose, for a guest that is to come or for what runs on the host itself.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 7002: two guests, each on a node of its own, and without placement
- OpenStack nova, virt/hardware.py: instances are packed on nodes, or spread over them
"""

import math
from collections import Counter
from collections.abc import Iterator

import msgspec

from numalint import (
    Claim,
    Conflict,
    Fact,
    Fleet,
    HostNode,
    IdSet,
    Party,
    Severity,
    Share,
    Target,
    at_once,
    count_text,
    host_rule,
    ids_text,
    names_text,
    set_text,
    size_text,
)

FULL, EMPTY = 0.8, 0.3
UNKNOWN_PAGE = -1
"""Huge pages of the host's default size, whatever that is."""


class Load(msgspec.Struct, frozen=True):
    """What domains have of a node, of so much: CPUs, or bytes of ordinary memory."""

    node: HostNode
    shares: list[Share]
    has: int

    @property
    def used(self) -> int:
        return sum(share.size for share in self.shares)

    @property
    def part(self) -> float:
        return self.used / self.has


@host_rule("node-imbalance", Severity.NOTE, needs=Fact.NODES, uses=(Fact.MEMORY, Fact.HUGEPAGES, Fact.HOUSEKEEPING))
def check(fleet: Fleet) -> Iterator[Conflict]:
    if len(fleet.claims) < 2 or len(fleet.host.node_regions) < 2:
        return
    for in_memory in (False, True):
        loads = [load for node in fleet.host.cpu_nodes if (load := _load(fleet, node, in_memory)).has]
        full = max(loads, key=lambda load: load.part, default=None)
        empty = min(loads, key=lambda load: load.part, default=None)
        # a node that is more than full is node-memory-overcommitted's, or pcpu-double-booked's
        if full is not None and empty is not None and FULL < full.part <= 1 and empty.part < EMPTY:
            movable = _movable(fleet, full, empty)
            if movable and len(full.shares) > 1:
                yield _conflict(fleet, full, empty, movable, in_memory)
                return


def _load(fleet: Fleet, node: HostNode, in_memory: bool) -> Load:
    """What domains that run at once have of a node, of what it has for guests; nothing where that is unknown."""
    if in_memory:
        sizes = [(claim, _memory(claim, node)[0]) for claim in fleet.claims]
        has = fleet.host.ordinary_bytes[node] or 0
    else:
        cpus = fleet.host.usable_cpus[node]
        sizes, has = [(claim, len(claim.dedicated_cpus & cpus)) for claim in fleet.claims], len(cpus)
    shares = [Share(claim, size, Target("memory")) for claim, size in sizes if size]
    return Load(node, at_once(fleet, sorted(shares, key=lambda share: -share.size)), has)


def _memory(claim: Claim, node: HostNode | None = None) -> Counter[int]:
    """The memory of a domain, or that which is bound to a node alone, by size of its huge pages; 0: ordinary ones."""
    found: Counter[int] = Counter()
    for part in claim.memory:
        if node is None or part.nodes == IdSet.of([node]):
            found[(part.page_bytes or UNKNOWN_PAGE) if part.huge else 0] += part.size_bytes
    return found


def _movable(fleet: Fleet, full: Load, empty: Load) -> list[Share]:
    """The domains of the full node that nothing else keeps there, that fit the empty one, and do not fill that."""
    here, cpus = fleet.host.cpus_of(IdSet.of([full.node])), fleet.host.usable_cpus[empty.node] - fleet.taken_cpus
    free = _free_memory(fleet, empty.node)
    found = []
    for share in full.shares:
        claim, memory = share.claim, _memory(share.claim)
        inside = claim.floating or claim.dedicated_cpus | (claim.shared or here) <= here
        kept = claim.devices or any(part.nodes not in (None, IdSet.of([full.node])) for part in claim.memory)
        fits = claim.vcpus <= len(cpus) and all(size <= free.get(page, 0) for page, size in memory.items())
        if inside and not kept and fits and empty.used + share.size <= FULL * empty.has:
            found.append(share)
    return found


def _free_memory(fleet: Fleet, node: HostNode) -> dict[int, float]:
    """What is left of a node by those that are bound to it, by size of pages; memory that is unknown is no bound."""
    taken = sum((_memory(claim, node) for claim in fleet.claims), Counter[int]())
    ordinary, pools = fleet.host.ordinary_bytes[node], fleet.host.node_by_id[node].hugepages or {}
    room: dict[int, float] = {size: size * (pool.total or 0) for size, pool in pools.items()}
    room[0] = math.inf if ordinary is None else ordinary
    return {page: size - taken[page] for page, size in room.items()}


def _conflict(fleet: Fleet, full: Load, empty: Load, movable: list[Share], in_memory: bool) -> Conflict:
    host, first, among = fleet.host, movable[0].claim, {id(share.claim) for share in movable}
    cpus = host.usable_cpus[empty.node] - fleet.taken_cpus

    def text(load: Load) -> str:
        return f"{size_text(load.used)} of {size_text(load.has)}" if in_memory else f"{load.used} of {load.has} CPUs"

    def party(share: Share) -> Party:
        claim, own = share.claim, size_text(share.size) if in_memory else count_text(share.size, "CPU")
        could = f"could move: {count_text(claim.vcpus, 'vCPU')} and {size_text(sum(_memory(claim).values()))}"
        target = share.target if in_memory else Target("vcpupin", str(min(claim.dedicated)))
        return Party(claim, target, f"{claim.domain} {could if id(claim) in among else f'has {own}'}")

    rest = [share for share in full.shares if id(share.claim) not in among]
    return Conflict(
        parties=tuple(map(party, [*movable, *rest])),
        message=f"{names_text(share.claim.domain for share in full.shares)} have {text(full)} on node {full.node} "
        f"of {host.name}, and {text(empty)} on node {empty.node} {'is' if in_memory else 'are'} taken",
        subject=ids_text("node", IdSet.of([full.node])),
        nodes=IdSet.of([full.node, empty.node]),
        why="those of the full node share its caches and its memory channels, and those of the other one are idle",
        help=f"move {first.domain} to node {empty.node}: CPUs {set_text(cpus)} for its "
        f"{count_text(first.vcpus, 'vCPU')}, and nodeset='{empty.node}' for its memory",
        data={"full": full.node, "empty": empty.node, "movable": len(movable)},
    )

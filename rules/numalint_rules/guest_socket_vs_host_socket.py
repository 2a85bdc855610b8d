"""The guest's sockets or dies are not the host's: it takes vCPUs for neighbours that are far apart, or the other way round.

To the guest, the vCPUs of one socket, or of one die where `<topology>` has dies, share an L3 cache; its scheduler keeps work there that
shares data. Where they are pinned to several L3 caches or sockets of the host, it does so in vain, and where one cache is split over
two dies it avoids what would be near. SUSE tells to give the guest the host's dies: without, it believes that one L3 cache
spans all its vCPUs, 256 in their example.

Host: pack:1 [numa(memory=32GiB)] l3:2 core:4 pu:1

Bad:

    <domain>
      <name>win6</name>
      <vcpu>6</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
                                  - vCPU 0 is in the L3 cache of CPUs 0-3
        <vcpupin vcpu='1' cpuset='2'/>
        <vcpupin vcpu='2' cpuset='3'/>
        <vcpupin vcpu='3' cpuset='5'/>
        <vcpupin vcpu='4' cpuset='6'/>
        <vcpupin vcpu='5' cpuset='7'/>
      </cputune>
      <cpu>
        <topology sockets='1' cores='6' threads='1'/>
         ^^^^^^^^ one socket of 6 vCPUs
      </cpu>
    </domain>

Good:

    <domain>
      <name>win6</name>
      <vcpu>6</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
        <vcpupin vcpu='1' cpuset='2'/>
        <vcpupin vcpu='2' cpuset='3'/>
        <vcpupin vcpu='3' cpuset='5'/>
        <vcpupin vcpu='4' cpuset='6'/>
        <vcpupin vcpu='5' cpuset='7'/>
      </cputune>
      <cpu>
        <topology sockets='1' dies='2' cores='3' threads='1'/>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>win7</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
                                  - vCPU 0 is in the L3 cache of CPUs 4-7
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='6'/>
                                  - vCPU 2 is in the L3 cache of CPUs 4-7
        <vcpupin vcpu='3' cpuset='7'/>
      </cputune>
      <cpu>
        <topology sockets='1' dies='2' cores='2' threads='1'/>
         ^^^^^^^^ 2 dies of 2 vCPUs
      </cpu>
    </domain>

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "nodes-interleaved"

Bad:

    <domain>
      <name>dw2</name>
      <vcpu>8</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
                                  - vCPU 0 is in socket 0
        <vcpupin vcpu='1' cpuset='1'/>
                                  - vCPU 1 is in socket 1
        <vcpupin vcpu='2' cpuset='2'/>
        <vcpupin vcpu='3' cpuset='3'/>
        <vcpupin vcpu='4' cpuset='4'/>
        <vcpupin vcpu='5' cpuset='5'/>
        <vcpupin vcpu='6' cpuset='6'/>
        <vcpupin vcpu='7' cpuset='7'/>
      </cputune>
      <cpu>
        <topology sockets='2' cores='4' threads='1'/>
         ^^^^^^^^ 2 sockets of 4 vCPUs
      </cpu>
    </domain>

Good:

    <domain>
      <name>dw2</name>
      <vcpu>8</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='2'/>
        <vcpupin vcpu='2' cpuset='4'/>
        <vcpupin vcpu='3' cpuset='6'/>
        <vcpupin vcpu='4' cpuset='1'/>
        <vcpupin vcpu='5' cpuset='3'/>
        <vcpupin vcpu='6' cpuset='5'/>
        <vcpupin vcpu='7' cpuset='7'/>
      </cputune>
      <cpu>
        <topology sockets='2' cores='4' threads='1'/>
      </cpu>
    </domain>

Fix: A guest socket for each host socket, a guest die for each L3 cache, and the vCPUs of each pinned there. The topology is part of
what the guest sees, so it changes at the next start.

When to ignore it: The guest's system counts sockets or dies for its licence, or does not know dies.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: dies in the guest's topology
- kubevirt/kubevirt, issue 17198
"""

from collections import Counter
from collections.abc import Iterator

from numalint import (
    Category,
    Fact,
    Finding,
    Host,
    HostCpus,
    NotJudged,
    Placement,
    Related,
    Severity,
    Topology,
    Trait,
    Vcpu,
    Vcpus,
    count_text,
    placement_rule,
    set_text,
    socket_spread,
    union,
)

Homes = dict[str, HostCpus]
"""Parts of the host in words, each with its CPUs."""


@placement_rule(
    "guest-socket-vs-host-socket",
    Severity.NOTE,
    Category.GUEST_TOPOLOGY,
    needs=Fact.SOCKETS,
    when=Trait.PINS | Trait.TOPOLOGY | Trait.DEDICATED,
    uses=(Fact.L3, Fact.CORES, Fact.NODES, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    topology = placement.domain.topology
    if topology is None or topology.vcpus_per_socket == 1:
        return
    if placement.intent is None:
        yield NotJudged(Fact.CORES, "whether the pins are whole cores")
    elif placement.dedicated:
        yield from _judge(placement, topology)


def _judge(placement: Placement, topology: Topology) -> Iterator[Finding | NotJudged]:
    domain, host, pinned = placement.domain, placement.host, placement.pinned_cpus
    sockets, caches = _sockets(host, pinned), _caches(host, pinned)
    parts, dies = _pinned(placement, domain.guest_sockets), _pinned(placement, domain.guest_dies)
    noun = "die" if topology.dies > 1 else "socket"
    crossed = [part for part in parts if len(_homes(placement, part, sockets)) > 1] if len(parts) > 1 else []
    if crossed and socket_spread(placement) is None:  # else vcpupin-spans-sockets
        advice = "pin the vCPUs of each guest socket to one host socket"
        yield _finding(placement, topology, (parts, crossed, sockets), ("socket", "sockets"), advice)
    elif host.l3 is None:
        yield NotJudged(Fact.L3, "the guest's dies")
    elif topology.dies > 1 and 0 < len(caches) < len(dies):
        yield _huddled(placement, topology, dies, caches)
    elif len(caches) <= len(placement.enough_l3) and len(domain.online.runs()) == 1:
        # more caches than needed are vcpus-split-llc; vCPUs left out in the midst line the caches up by hand
        near = [part for part in dies if len(_homes(placement, part, sockets)) == 1]  # else wide-vm-without-vnuma
        split = [part for part in near if len(_homes(placement, part, caches)) > 1]
        if split:
            homes = {name: caches[name] for name in _homes(placement, split[0], caches)}
            advice = f"pin the vCPUs of each guest {noun} to one L3 cache"
            if len(dies) < len(caches):
                advice = _dies(placement, topology, homes)
            yield _finding(placement, topology, (dies, split, caches), (noun, "L3 caches"), advice)


def _sockets(host: Host, pinned: HostCpus) -> Homes:
    return {f"socket {at.id}": at.cpus for at in host.socket_regions if at.cpus.mask & pinned.mask}


def _caches(host: Host, pinned: HostCpus) -> Homes:
    return {f"the L3 cache of CPUs {set_text(cache.cpus)}": cache.cpus for cache in host.l3_of(pinned)}


def _pinned(placement: Placement, parts: tuple[Vcpus, ...]) -> list[list[Vcpu]]:
    """The pinned vCPUs of each part of the guest that has some."""
    found = ([vcpu for vcpu in part if vcpu in placement.pinned] for part in parts)
    return [part for part in found if part]


def _homes(placement: Placement, vcpus: list[Vcpu], homes: Homes) -> list[str]:
    mask = union(placement.domain.vcpupins[vcpu].cpus for vcpu in vcpus).mask
    return [name for name, cpus in homes.items() if cpus.mask & mask]


def _seats(placement: Placement, vcpus: list[Vcpu], homes: Homes) -> tuple[Related, ...]:
    seats = {vcpu: _homes(placement, [vcpu], homes) for vcpu in vcpus}
    pins = placement.domain.vcpupins
    return tuple(
        Related(pins[vcpu].place.at("cpuset"), f"vCPU {vcpu} is in {at[0]}") for vcpu, at in seats.items() if at
    )


def _finding(
    placement: Placement,
    topology: Topology,
    found: tuple[list[list[Vcpu]], list[list[Vcpu]], Homes],
    words: tuple[str, str],
    advice: str,
) -> Finding:
    """Of the guest's ``parts`` some are ``torn`` between several ``homes``."""
    (parts, torn, homes), (noun, their) = found, words
    part, where = torn[0], _homes(placement, torn[0], homes)
    other = next((vcpu for vcpu in part if where[0] not in _homes(placement, [vcpu], homes)), part[-1])
    so = f" ({len(torn)} of {len(parts)} are so)" if len(parts) > 1 else ""
    return Finding(
        place=topology.place,
        message=f"{len(part)} vCPUs are one {noun} in the guest, but pinned to {len(where)} {their} of "
        f"{placement.host.name}{so}",
        label=f"{f'one {noun}' if len(parts) == 1 else count_text(len(parts), noun)} of {len(part)} vCPUs",
        related=_seats(placement, [part[0], other], homes),
        why="the guest keeps work that shares data on vCPUs that are far apart, and takes them for near",
        help=advice,
        data={f"guest_{noun}s": len(parts), their.replace(" ", "_").lower(): len(where)},
    )


def _dies(placement: Placement, topology: Topology, homes: Homes) -> str:
    """A die for each cache, where the cores can be divided so and the CPUs of each cache are enough for one."""
    dies, room = topology.dies * len(homes), min(map(len, homes.values()))
    size = topology.vcpus_per_socket // dies
    most = max(Counter(vcpu // size for vcpu in placement.domain.online).values())
    if topology.cores % len(homes) or most > room:
        each = "give the guest a die for each L3 cache (dies in <topology>), with no more vCPUs than that has CPUs"
        return f"{each}, and pin the vCPUs of each die to one of them"
    told = f"<topology sockets='{topology.sockets}' dies='{dies}' cores='{topology.cores // len(homes)}'"
    return f"write {told} threads='{topology.threads}'/>, and pin the vCPUs of each die to one L3 cache"


def _huddled(placement: Placement, topology: Topology, dies: list[list[Vcpu]], caches: Homes) -> Finding:
    """Several dies of the guest are in one L3 cache."""
    where = f"{count_text(len(caches), 'L3 cache')} of {placement.host.name}"
    return Finding(
        place=topology.place,
        message=f"the guest has {len(dies)} dies, but they are pinned to {where}",
        label=f"{len(dies)} dies of {len(dies[0])} vCPUs",
        related=_seats(placement, [die[0] for die in dies[:2]], caches),
        why="the guest keeps work off vCPUs that share a cache, and takes them for far apart",
        help="give it fewer dies in <topology>, with more cores to each: one for each L3 cache",
        data={"dies": len(dies), "l3_caches": len(caches)},
    )

"""The guest's cores have more threads than any core of the host.

`<topology threads='2'>` tells the guest that its vCPUs come in pairs, each pair the two threads of one core. On a host without
SMT, or with fewer threads a core, no two vCPUs can ever be that. The guest's scheduler holds half of its vCPUs for the slow
second threads of the others: it fills one of each pair first, leaves the other idle as long as it can, and puts what shares
data on two vCPUs that share no cache. oVirt does not start such a guest ("not enough CPU threads per core").

On POWER a guest's threads run on the threads of the core that the host keeps offline: there nothing is said.

Host: pack:1 [numa(memory=32GiB)] core:8 pu:1

Bad:

    <domain>
      <name>ci1</name>
      <vcpu>4</vcpu>
      <cpu>
        <topology sockets='1' cores='2' threads='2'/>
                                                 ^ 2 threads a core
      </cpu>
    </domain>

Good:

    <domain>
      <name>ci1</name>
      <vcpu>4</vcpu>
      <cpu>
        <topology sockets='1' cores='4' threads='1'/>
      </cpu>
    </domain>

Host: pack:1 [numa(memory=32GiB)] core:8 pu:2

Bad:

    <domain>
      <name>ci2</name>
      <vcpu>8</vcpu>
      <cpu>
        <topology sockets='1' cores='2' threads='4'/>
                                                 ^ 4 threads a core
      </cpu>
    </domain>

Good:

    <domain>
      <name>ci2</name>
      <vcpu>8</vcpu>
      <cpu>
        <topology sockets='1' cores='4' threads='2'/>
      </cpu>
    </domain>

Fix: As many threads as a core of the host has, and more cores. The guest sees the change, at its next start.

When to ignore it: The guest counts cores for its licence, or its system takes no more cores than these.

Sources:
- oVirt, engine: not enough CPU threads per core
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: threads of the guest on threads of the host
- Linux, KVM on POWER: the host runs with one thread a core, the guest with all
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Fact,
    Finding,
    Placement,
    Severity,
    Topology,
    Trait,
    count_text,
    placement_rule,
)


@placement_rule(
    "guest-threads-without-host-smt",
    Severity.WARNING,
    Category.GUEST_TOPOLOGY,
    needs=Fact.CORES,
    when=Trait.TOPOLOGY,
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    domain, host, topology = placement.domain, placement.host, placement.domain.topology
    if topology is None or topology.threads == 1 or (domain.arch or host.arch or "").startswith("ppc"):
        return
    least, most = host.threads_per_core
    if least >= topology.threads:
        return
    own = host.cores_of(placement.pinned_cpus) if placement.dedicated else ()
    widest = max(map(len, own), default=most)  # of two kinds of core, those that it is pinned to
    if 0 < widest < topology.threads:
        yield _finding(placement, topology, widest, pinned=widest < most)


def _finding(placement: Placement, topology: Topology, widest: int, *, pinned: bool) -> Finding:
    name, cores = placement.host.name, topology.cores * topology.threads // widest
    has = (
        f"the cores of {name} that it is pinned to have {widest}" if pinned else f"no core of {name} has over {widest}"
    )
    whole = topology.cores * topology.threads % widest == 0
    rest = f"{_attribute('dies', topology.dies)}{_attribute('clusters', topology.clusters)} "
    return Finding(
        place=topology.place.at("threads"),
        message=f"the guest has {count_text(topology.threads, 'thread')} a core, but {has}",
        label=f"{count_text(topology.threads, 'thread')} a core",
        why="the guest leaves vCPUs idle that it takes for second threads, and shares data between some that share no cache",
        help=f"write <topology sockets='{topology.sockets}'{rest}cores='{cores}' threads='{widest}'/>"
        if whole
        else f"write at most {widest} in threads, and more cores",
        data={"threads": topology.threads, "host_threads": widest},
    )


def _attribute(name: str, value: int) -> str:
    return f" {name}='{value}'" if value > 1 else ""

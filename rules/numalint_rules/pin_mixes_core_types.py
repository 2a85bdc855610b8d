"""The vCPUs are pinned to CPUs of different kinds.

Hybrid processors have performance and efficiency cores, Arm's big.LITTLE has cores of several capacities: the kernel calls the fastest
1024, and the small ones have far less. A guest is told nothing of it: it takes its vCPUs for equal, gives each the
same work, and a parallel program runs at the speed of the slowest.

Host: format = 1
      name = "desktop"
      synthetic = "pack:1 [numa(memory=32GiB)] l3:1 core:8 pu:1"
      [cpus]
      kinds = { performance = "0-3", efficiency = "4-7" }

Bad:

    <domain>
      <name>win5</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
                                  - vCPU 0 is on a performance core
        <vcpupin vcpu='1' cpuset='2'/>
        <vcpupin vcpu='2' cpuset='3'/>
        <vcpupin vcpu='3' cpuset='4'/>
                                  ^ vCPU 3 is on an efficiency core
      </cputune>
    </domain>

Good:

    <domain>
      <name>win5</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
        <vcpupin vcpu='2' cpuset='2'/>
        <vcpupin vcpu='3' cpuset='3'/>
      </cputune>
    </domain>

Fix: Pin all vCPUs to one kind, and leave the other to the host, the emulator and the IOThreads.

When to ignore it: The guest places its own work by hand, and knows which of its vCPUs are the slow ones.

Sources:
- canonical/lxd, issue 14133: guests pinned over fast and slow cores of one processor
- canonical/lxd, issue 16404: pin to cores of one kind
- Linux, cpu-capacity: the capacity of a CPU, the fastest being 1024
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    Vcpu,
    placement_rule,
)


@placement_rule(
    "pin-mixes-core-types",
    Severity.NOTE,
    Category.PINNING,
    when=Trait.PINS | Trait.DEDICATED,
    uses=(Fact.CORES, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    kinds, pinned = placement.host.kinds or {}, placement.pinned_cpus
    if sum(bool(cpus & pinned) for cpus in kinds.values()) < 2 or not placement.dedicated:
        return
    on = {kind: vcpus for kind, cpus in kinds.items() if (vcpus := _vcpus_on(placement, cpus))}
    most, *_, least = sorted(on, key=lambda kind: -len(on[kind]))
    pins = placement.domain.vcpupins
    yield Finding(
        place=pins[on[least][0]].place.at("cpuset"),
        message=f"its vCPUs are on unlike cores of {placement.host.name}: "
        + ", ".join(f"{len(vcpus)} on {kind}" for kind, vcpus in on.items()),
        label=f"vCPU {on[least][0]} is on {_a(least)} core",
        related=(Related(pins[on[most][0]].place.at("cpuset"), f"vCPU {on[most][0]} is on {_a(most)} core"),),
        why="the guest takes its vCPUs for equal: it gives each the same work, and waits for the slow ones",
        help=_help(placement),
        data={kind: str(IdSet.of(vcpus)) for kind, vcpus in on.items()},
    )


def _vcpus_on(placement: Placement, cpus: HostCpus) -> list[Vcpu]:
    return [
        vcpu
        for vcpu, affinity in placement.pinned.items()
        if affinity.cpus is not None and affinity.cpus.mask & cpus.mask
    ]


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _help(placement: Placement) -> str:
    kept: HostCpus = placement.host.housekeeping or IdSet()
    kinds = {kind: cpus - kept for kind, cpus in (placement.host.kinds or {}).items()}
    roomy = [kind for kind, cpus in kinds.items() if len(placement.pinned) <= len(cpus)]
    if roomy:
        best = max(roomy, key=lambda kind: (len(_vcpus_on(placement, kinds[kind])), kind == "performance"))
        return f"pin all of them to one kind, such as {best}: CPUs {kinds[best]}"
    return "no kind has that many CPUs: give the guest fewer vCPUs, or let it float with <vcpu cpuset>"

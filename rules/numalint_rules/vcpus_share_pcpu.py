"""Several vCPUs are pinned to the same single CPU.

They take turns on it, so that each gets a part of a CPU, and the others are stopped while one runs. A guest does not expect
that: a vCPU that waits for a lock spins until the vCPU that holds it gets its turn. It is mostly a slip of the pen, two pins
with one number. OpenStack rules it out: pinned guests cannot be oversubscribed. Sets of several CPUs that overlap are no such
slip: SAP HANA pins both vCPUs of a core to the pair of its threads, and each has one.

Host: none

Bad:

    <domain>
      <name>web3</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
                                  - vCPU 1 is on CPU 3
        <vcpupin vcpu='2' cpuset='3'/>
                                  ^ vCPU 2 is on CPU 3 too
        <vcpupin vcpu='3' cpuset='5'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>web3</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <vcpupin vcpu='2' cpuset='4'/>
        <vcpupin vcpu='3' cpuset='5'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>hana3</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2,34'/>
        <vcpupin vcpu='1' cpuset='2,34'/>
        <vcpupin vcpu='2' cpuset='3,35'/>
        <vcpupin vcpu='3' cpuset='3,35'/>
      </cputune>
    </domain>

Fix: Give each vCPU a CPU of its own, or the guest fewer vCPUs.

When to ignore it: A test guest that is meant to be slow, or one that must have more vCPUs than it may use.

Sources:
- OpenStack nova, CPU topologies: oversubscription is not possible with pinned instances
- SUSE, SAP HANA on KVM: both vCPUs of a core on the pair of its threads
- canonical/lxd, issue 14133
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostCpus,
    Placement,
    Related,
    Severity,
    Trait,
    Vcpus,
    ids_text,
    placement_rule,
    set_text,
    union,
)


@placement_rule(
    "vcpus-share-pcpu",
    Severity.WARNING,
    Category.PINNING,
    when=Trait.PINS,
    uses=(Fact.NODES, Fact.HOUSEKEEPING),
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    # several CPUs are vcpu-pins-oversubscribed, realtime vCPUs rt-vcpu-shared-cpu
    realtime = placement.domain.realtime
    shared = [(vcpus, cpus) for vcpus, cpus in placement.overbooked_pins if len(cpus) == 1 and not vcpus & realtime]
    if not shared:
        return
    vcpus, cpus = shared[0]
    pins = placement.domain.vcpupins
    _, second, *_ = vcpus
    others = [(each, cpu) for members, cpu in shared for each in members if each != second]
    every = union(members for members, _ in shared)
    yield Finding(
        place=pins[second].place.at("cpuset"),
        message=_message(placement, shared),
        label=f"vCPU {second} is on CPU {cpus} too",
        related=tuple(
            Related(pins[each].place.at("cpuset"), f"vCPU {each} is on CPU {cpu}")
            for each, cpu in others[:MOST_RELATED]
        ),
        why="they take turns, so each has a part of a CPU, and waits for locks that the other holds while it is stopped",
        help=_help(placement, len(every) - len(shared)),
        data={"vcpus": str(every), "cpus": str(union(cpu for _, cpu in shared))},
    )


def _message(placement: Placement, shared: list[tuple[Vcpus, HostCpus]]) -> str:
    vcpus, cpus = shared[0]
    of = f" of {placement.host.name}" if placement.host.name else ""
    who, all_of_them = ids_text("vCPU", vcpus), "both" if len(vcpus) == 2 else "all"
    if len(shared) == 1:
        return f"{who} are {all_of_them} pinned to CPU {cpus}{of}"
    total = sum(len(members) for members, _ in shared)
    return f"{total} vCPUs are pinned to {len(shared)} CPUs{of}, {who} {all_of_them} to CPU {cpus}"


def _help(placement: Placement, wanted: int) -> str:
    spare = placement.spare_cpus
    if len(spare) < wanted:
        return "give each vCPU a CPU of its own, or the guest fewer vCPUs"
    return f"give each vCPU a CPU of its own; no pin of this domain names {set_text(spare)} of the same node"

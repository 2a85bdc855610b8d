"""Some vCPUs are on isolated CPUs, others are not.

Isolated CPUs (`isolcpus=`) have no other tasks, the others have those of the host and of floating guests. The vCPUs of one
guest are then not alike: what waits for all of them waits for those that are disturbed, and the isolated CPUs were given for
little. Most often the set of isolated CPUs was changed after the guests were pinned, or the wrong CPUs were taken.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 1
      cores_per_node = 8
      threads_per_core = 1
      cpu_numbering = "threads-last"
      [cpus]
      isolated = "4-7"

Bad:

    <domain>
      <name>nfv1</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='3'/>
                                  ^ vCPU 0 is on no isolated CPU
        <vcpupin vcpu='1' cpuset='4'/>
                                  - vCPU 1 is on an isolated CPU
        <vcpupin vcpu='2' cpuset='5'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>nfv1</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='6'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>nfv1</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='3'/>
        <vcpupin vcpu='1' cpuset='4'/>
        <vcpupin vcpu='2' cpuset='5'/>
        <vcpusched vcpus='1-2' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Fix: Pin all vCPUs to isolated CPUs, or none.

When to ignore it: One vCPU is for the guest's own housekeeping, and the others do the work. Realtime vCPUs on isolated CPUs
beside others that are not realtime say so, and so do vCPUs that share a pool beside others with a CPU each: then nothing is
said.

Sources:
- canonical/hotsos, cpu_pinning: cpu-dedicated-set-mixed-sources
- libvirt, kbase, KVM real time: a vCPU for what is not realtime
- OpenStack nova-specs, victoria/use-pcpu-vcpu-in-one-instance: the mixed policy
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Fact,
    Finding,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    Vcpus,
    ids_text,
    placement_rule,
    set_text,
)


@placement_rule(
    "isolated-set-mixed", Severity.NOTE, Category.ISOLATION, needs=(Fact.NODES, Fact.ISOLATED), when=Trait.PINS
)
def check(placement: Placement) -> Iterator[Finding]:
    isolated, host = placement.host.isolated, placement.host
    cpus = placement.pinned_cpus
    if not isolated or not cpus & isolated or cpus <= isolated:
        return
    sets = {vcpu: affinity.cpus for vcpu, affinity in placement.pinned.items() if affinity.cpus is not None}
    if any(each & isolated and not each <= isolated for each in sets.values()):
        return  # floating-over-isolcpus has a set that is mixed by itself
    inside: Vcpus = IdSet.of(vcpu for vcpu, each in sets.items() if each <= isolated)
    outside: Vcpus = IdSet.of(vcpu for vcpu in sets if vcpu not in inside)
    outside -= placement.domain.realtime  # rt-cpu-not-isolated has these
    if not outside or _meant(placement, inside, outside):
        return
    other, own = next(iter(outside)), next(iter(inside))
    yield Finding(
        place=placement.domain.vcpupins[other].place.at("cpuset"),
        message=f"{ids_text('vCPU', inside)} {'is' if len(inside) == 1 else 'are'} on isolated CPUs of {host.name}, "
        f"{ids_text('vCPU', outside)} on others",
        label=f"vCPU {other} is on no isolated CPU",
        related=(Related(placement.domain.vcpupins[own].place.at("cpuset"), f"vCPU {own} is on an isolated CPU"),),
        why="the host's own tasks and floating guests disturb a part of the vCPUs, and the rest waits for these",
        help=f"pin all to isolated CPUs ({set_text(isolated)} of {host.name}), or none",
        data={"isolated_vcpus": str(inside), "other_vcpus": str(outside), "isolated": str(isolated)},
    )


def _meant(placement: Placement, inside: Vcpus, outside: Vcpus) -> bool:
    """Whether those on isolated CPUs are the realtime ones, or have a CPU each and the others share a pool."""
    if placement.domain.realtime & inside and not placement.domain.realtime & outside:
        return True
    alone = all(len(placement.cpus_of(IdSet.of([vcpu])) or ()) == 1 for vcpu in inside)
    return alone and all(len(placement.cpus_of(IdSet.of([vcpu])) or ()) > 1 for vcpu in outside)

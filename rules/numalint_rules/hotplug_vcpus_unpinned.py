"""vCPUs that wait to be plugged in have no pin, while those that run have one.

A vCPU beyond `current` has no thread at start. When it is plugged in it gets its own vcpupin, if there is one; else it inherits
`<vcpu cpuset>`, and without that all CPUs of the host. A guest whose vCPUs all had their CPUs then has some that roam, over
other nodes, over the CPUs of its own vCPUs and of other guests. `virsh setvcpus` does not ask.

Host: none

Bad:

    <domain>
      <name>app9</name>
      <vcpu current='2'>4</vcpu>
                     ^ vCPUs 2-3 wait, and have no vcpupin
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
         ------- first of 2 pins
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>app9</name>
      <vcpu current='2'>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='6'/>
        <vcpupin vcpu='3' cpuset='7'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>app10</name>
      <vcpu current='2' cpuset='4-7'>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
    </domain>

Fix: Pin the vCPUs that wait too: the pins are kept until they are needed. Or give `<vcpu cpuset>` the CPUs of the guest's node.

When to ignore it: They are never plugged in. A `<vcpus>` list that disables them one by one says so, and is left alone.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: a vCPU beyond current has no thread, and its vcpupin waits
- oVirt/vdsm, pull request 99: keeps the pins of vCPUs that can be plugged in
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Fact,
    Finding,
    IdSet,
    Origin,
    Placement,
    Related,
    Severity,
    Trait,
    count_text,
    ids_text,
    placement_rule,
    set_text,
)


@placement_rule(
    "hotplug-vcpus-unpinned",
    Severity.NOTE,
    Category.PINNING,
    when=Trait.PINS | Trait.OFFLINE_VCPUS,
    uses=(Fact.NODES, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    domain, inherited = placement.domain, placement.inherited
    if domain.listed_vcpus or inherited.origin is Origin.VCPU_CPUSET or placement.unconfined:
        return
    waiting = IdSet.of(vcpu for vcpu in placement.vcpus if vcpu not in domain.online and vcpu not in domain.vcpupins)
    if not waiting or IdSet.of(placement.pinned) != domain.online:  # else vcpupin-partial says it of those that run
        return
    auto = inherited.origin is Origin.PLACEMENT_AUTO
    of = f" of {placement.host.name}" if placement.host.name else ""
    first = next(iter(placement.pinned))
    yield Finding(
        place=placement.vcpus_place if domain.vcpu_place is None else domain.vcpu_place.at("current"),
        message=f"{ids_text('vCPU', waiting)} may be plugged in later, and then run on "
        f"{'the CPUs that numad chose' if auto else f'any CPU{of}'}: only those that start are pinned",
        label=f"{ids_text('vCPU', waiting)} {'waits' if len(waiting) == 1 else 'wait'}, and "
        f"{'has' if len(waiting) == 1 else 'have'} no vcpupin",
        related=(Related(domain.vcpupins[first].place, f"first of {count_text(len(placement.pinned), 'pin')}"),),
        why="a vCPU that is plugged in has no CPU of its own, and may leave the node of the guest's memory",
        help=_help(placement, len(waiting)),
        data={"waiting": str(waiting), "pinned": str(domain.online)},
    )


def _help(placement: Placement, waiting: int) -> str:
    host, spare = placement.host, placement.spare_cpus
    node = host.cpus_of(host.nodes_of(placement.pinned_cpus)) - (host.housekeeping or IdSet())
    free = f" (no pin of this domain names {set_text(spare)} of the same node)" if len(spare) >= waiting else ""
    confine = f", or set <vcpu cpuset='{node}'>" if node and not placement.domain.automatic else ""
    return f"add a <vcpupin> for each{free}{confine}"

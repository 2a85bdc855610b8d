"""Some vCPUs are pinned to fewer CPUs than they are.

Their sets may all differ and still have too few CPUs between them: three vCPUs on 2-3, 2-3 and 3 have two. However the
scheduler moves them, one always waits, and with it whoever waits for a lock that it holds. SUSE says of vCPUs that are always
busy: even one more than there are CPUs is a misconfiguration. Whether each vCPU can have a CPU is found by a matching: sets that
overlap are fine as long as there is a CPU for each, as in SAP HANA's pairs.

Host: none

Bad:

    <domain>
      <name>app7</name>
      <vcpu>6</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4-7'/>
                                  --- vCPU 0 is one of the 6
        <vcpupin vcpu='1' cpuset='4-7'/>
        <vcpupin vcpu='2' cpuset='4-7'/>
        <vcpupin vcpu='3' cpuset='4-7'/>
        <vcpupin vcpu='4' cpuset='4-7'/>
        <vcpupin vcpu='5' cpuset='4-7'/>
                                  ^^^ 6 vCPUs have CPUs 4-7 between them
      </cputune>
    </domain>

Bad:

    <domain>
      <name>app8</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5-6'/>
        <vcpupin vcpu='2' cpuset='5-6'/>
        <vcpupin vcpu='3' cpuset='6'/>
                                  ^ 3 vCPUs have CPUs 5-6 between them
      </cputune>
    </domain>

Good:

    <domain>
      <name>app7</name>
      <vcpu>6</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4-9'/>
        <vcpupin vcpu='1' cpuset='4-9'/>
        <vcpupin vcpu='2' cpuset='4-9'/>
        <vcpupin vcpu='3' cpuset='4-9'/>
        <vcpupin vcpu='4' cpuset='4-9'/>
        <vcpupin vcpu='5' cpuset='4-9'/>
      </cputune>
    </domain>

Fix: Name as many CPUs as there are vCPUs, on the same node; or give the guest fewer vCPUs.

When to ignore it: The guest is mostly idle and overcommitted on purpose, or a `<quota>` gives its vCPUs a part of a CPU anyway.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: oversubscription of host resources
- OpenStack nova, CPU topologies: oversubscription is not possible with pinned instances
- SUSE, SAP HANA on KVM: pairs of vCPUs on the pair of a core's threads
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
    count_text,
    cpus_text,
    ids_text,
    placement_rule,
    set_text,
)


@placement_rule(
    "vcpu-pins-oversubscribed",
    Severity.WARNING,
    Category.PINNING,
    when=Trait.PINS,
    uses=(Fact.NODES, Fact.HOUSEKEEPING),
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    groups = [group for group in placement.overbooked_pins if _ours(placement, *group)]
    if not groups or placement.unconfined:
        return
    vcpus, cpus = groups[0]
    pins = placement.domain.vcpupins
    *others, last = vcpus
    yield Finding(
        place=pins[last].place.at("cpuset"),
        message=_message(placement, groups),
        label=f"{len(vcpus)} vCPUs have {ids_text('CPU', cpus)} between them",
        related=tuple(
            Related(pins[each].place.at("cpuset"), f"vCPU {each} is one of the {len(vcpus)}")
            for each in others[:MOST_RELATED]
        ),
        why="they cannot all run at once: one always waits, and the guest waits for the locks that it holds",
        help=_help(placement, len(vcpus) - len(cpus)),
        data={"vcpus": str(vcpus), "cpus": str(cpus), "groups": len(groups)},
    )


def _ours(placement: Placement, vcpus: Vcpus, cpus: HostCpus) -> bool:
    """Whether no rule says more: vcpus-share-pcpu of one CPU, rt-vcpu-* of realtime vCPUs, vcpus-exceed-node of too many."""
    fits = Fact.NODES in placement.host.unknown or len(vcpus) <= placement.host.most_usable_cpus
    return len(cpus) > 1 and not vcpus & placement.domain.realtime and fits


def _message(placement: Placement, groups: list[tuple[Vcpus, HostCpus]]) -> str:
    vcpus, cpus = groups[0]
    of = f" of {placement.host.name}" if placement.host.name else ""
    more = f", and {count_text(len(groups) - 1, 'further group')} like these" if len(groups) > 1 else ""
    return f"{ids_text('vCPU', vcpus)} ({len(vcpus)} vCPUs) are pinned to {cpus_text(cpus)}{of}{more}"


def _help(placement: Placement, lacking: int) -> str:
    spare = placement.spare_cpus
    if len(spare) < lacking:
        return f"name {count_text(lacking, 'more CPU')} in these pins, or give the guest fewer vCPUs"
    return f"name {count_text(lacking, 'more CPU')}: no pin of this domain names {set_text(spare)} of the same node"

"""Some vCPUs are pinned, and the others may run on more CPUs than these.

A vCPU without a vcpupin inherits `<vcpu cpuset>` or, where there is none, all CPUs of the host. It then runs on the CPUs of the
pinned ones, or on another node than the guest's memory, and one slow vCPU holds up the others wherever the guest waits
for a lock. Most often a pin was forgotten when the number of vCPUs was raised, or a core was taken for a vCPU.

Host: none

Bad:

    <domain>
      <name>batch1</name>
      <vcpu cpuset='0-7'>4</vcpu>
                         ^ vCPU 2 has no vcpupin
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
        <vcpupin vcpu='3' cpuset='3'/>
      </cputune>
    </domain>

Bad (note):

    <domain>
      <name>mixed1</name>
      <vcpu cpuset='8-15'>4</vcpu>
                          ^ vCPUs 2-3 have no vcpupin
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>batch1</name>
      <vcpu cpuset='0-7'>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
        <vcpupin vcpu='2' cpuset='2'/>
        <vcpupin vcpu='3' cpuset='3'/>
      </cputune>
    </domain>

Fix: Pin the others too; or give `<vcpu cpuset>` the CPUs of the pins, where these are as many as the vCPUs.

When to ignore it: Some vCPUs are shared on purpose. A `<vcpu cpuset>` that has none of the pinned CPUs says so, and makes this a
note.

Sources:
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: a vCPU without a pin inherits the parent tag
- measured with libvirt 9.0.0 and 11.3.0: each vCPU falls back by itself
- OpenStack nova-specs, victoria/use-pcpu-vcpu-in-one-instance: the mixed policy
"""

from collections.abc import Iterator

from numalint import (
    Affinity,
    Category,
    Finding,
    Origin,
    Placement,
    Related,
    Severity,
    Trait,
    Vcpus,
    count_text,
    cpus_text,
    ids_text,
    placement_rule,
)


@placement_rule("vcpupin-partial", Severity.WARNING, Category.PINNING, when=Trait.PINS, precision="very-high")
def check(placement: Placement) -> Iterator[Finding]:
    pinned, inherited = placement.pinned_vcpus, placement.inherited
    rest = placement.domain.online - pinned - placement.domain.realtime  # rt-vcpu-unpinned has these
    if not pinned or not rest or (inherited.cpus is not None and inherited.cpus <= placement.pinned_cpus):
        return
    apart = inherited.pin is not None and not inherited.pin.cpus & placement.pinned_cpus
    others = f"while {count_text(len(pinned), 'vCPU')} {'is' if len(pinned) == 1 else 'are'} pinned"
    first = next(iter(pinned))
    pins = Related(placement.domain.vcpupins[first].place, f"first of {count_text(len(pinned), 'pin')}")
    yield Finding(
        place=placement.vcpus_place,
        message=f"{ids_text('vCPU', rest)} may run on {_where(inherited)}, {others}",
        label=f"{ids_text('vCPU', rest)} {'has' if len(rest) == 1 else 'have'} no vcpupin",
        severity=Severity.NOTE if apart else None,
        related=(*_inherited_from(inherited), pins),
        why="they share these CPUs with whatever else runs there" if apart else _why(placement, rest),
        help=_help(placement, rest),
        data={"unpinned": str(rest), "pinned": str(pinned)},
    )


def _where(inherited: Affinity) -> str:
    if inherited.origin is Origin.PLACEMENT_AUTO:
        return "the CPUs that numad chooses"
    if inherited.cpus is None:
        return "all CPUs of the host"
    by = " by <vcpu cpuset>" if inherited.origin is Origin.VCPU_CPUSET else ", all CPUs of the host"
    return cpus_text(inherited.cpus) + by


def _inherited_from(inherited: Affinity) -> tuple[Related, ...]:
    if inherited.pin is None:
        return ()
    return (Related(inherited.pin.place.at("cpuset"), "what a vCPU without a vcpupin inherits"),)


def _why(placement: Placement, rest: Vcpus) -> str:
    inherited, who = placement.inherited, "it" if len(rest) == 1 else "they"
    if inherited.cpus is not None and placement.host.nodes is not None:
        strange = placement.host.nodes_of(inherited.cpus) - placement.host.nodes_of(placement.pinned_cpus)
        if strange:
            away = ids_text("node", strange)
            return f"{who} may leave the node of the pinned vCPUs for {away}, and take time from them"
    return f"{who} may take CPU time from the pinned vCPUs, and the guest waits for its slowest"


def _help(placement: Placement, rest: Vcpus) -> str:
    pins, cpus = f"add a <vcpupin> for {ids_text('vCPU', rest)}", placement.pinned_cpus
    enough = len(cpus) >= len(placement.domain.online)
    return f"{pins}, or set <vcpu cpuset='{cpus}'>" if enough else pins

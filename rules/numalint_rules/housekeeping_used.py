"""vCPUs may run on CPUs that the host keeps for itself.

Housekeeping CPUs have the host's daemons, its interrupts, and the emulator threads of the guests. A vCPU there is disturbed by
them and disturbs them, and with them every guest that waits for I/O. Which CPUs these are is declared in the host file; SUSE
keeps at least a core of each node. A vCPU that was to have a CPU of its own does not have it there: a warning. A guest that
floats only shares them now and then: a note. Emulator and IOThreads belong there.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 1
      cores_per_node = 8
      threads_per_core = 1
      cpu_numbering = "threads-last"
      [cpus]
      housekeeping = "0-1"

Bad:

    <domain>
      <name>nfv1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
                                  ^ CPU 1 is for housekeeping
        <vcpupin vcpu='1' cpuset='2'/>
        <emulatorpin cpuset='0-1'/>
      </cputune>
    </domain>

Bad (note):

    <domain>
      <name>web1</name>
      <vcpu cpuset='0-5'>2</vcpu>
                    ^^^ CPUs 0-1 are for housekeeping
    </domain>

Bad (note):

    <domain>
      <name>web1</name>
      <vcpu>2</vcpu>
            ^ 2 vCPUs without a set
    </domain>

Good:

    <domain>
      <name>nfv1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <emulatorpin cpuset='0-1'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>web1</name>
      <vcpu cpuset='2-7'>2</vcpu>
    </domain>

Fix: Give the vCPUs CPUs that are not for housekeeping: another pin, or `<vcpu cpuset>` with the rest.

When to ignore it: The guest is part of the host's own service, or small and idle. Where the host keeps no CPUs, declare none.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: reserve at least one core of each node
- libvirt, kbase, KVM real time: which CPUs housekeeping needs
- canonical/hotsos, cpu_pinning: insufficient-system-cores
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Affinity,
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    Origin,
    Placement,
    Related,
    Severity,
    Vcpu,
    Vcpus,
    count_text,
    ids_text,
    place_of_term,
    placement_rule,
    set_text,
)


@placement_rule(
    "housekeeping-used",
    Severity.WARNING,
    Category.ISOLATION,
    needs=(Fact.NODES, Fact.HOUSEKEEPING),
    uses=(Fact.CORES, Fact.ISOLATED),
)
def check(placement: Placement) -> Iterator[Finding]:
    host, kept = placement.host, placement.host.housekeeping
    cpus = placement.vcpu_cpus  # unknown where numad places one of the vCPUs
    if not kept or (cpus is not None and not cpus & kept) or len(placement.domain.online) > len(host.guest_cpus):
        return  # vcpus-exceed-host has the guests that are too large for the other CPUs
    there = _there(placement, kept)
    if not there:
        return
    first, *others = there.items()
    vcpus: Vcpus = IdSet.of(there)
    used = (placement.cpus_of(vcpus) or IdSet()) & kept
    pin = first[1].pin
    verb = "may run" if any(len(each.cpus or ()) > 1 for each in there.values()) else "is" if not others else "are"
    yield Finding(
        place=placement.vcpus_place if pin is None else place_of_term(pin, lambda cpus: bool(cpus & kept)),
        message=f"{ids_text('vCPU', vcpus)} {verb} on {ids_text('CPU', used)} of {host.name}, kept for housekeeping",
        label=_label(placement, first[1], kept),
        severity=None if placement.dedicated else Severity.NOTE,
        related=tuple(
            Related(place_of_term(each.pin, lambda cpus: bool(cpus & kept)), f"vCPU {vcpu} too")
            for vcpu, each in others[:MOST_RELATED]
            if each.pin is not None and each.explicit
        ),
        why="the host's daemons, interrupts and emulator threads run there: they disturb the vCPUs, and these them",
        help=_help(placement),
        data={"vcpus": str(vcpus), "cpus": str(used), "housekeeping": str(kept)},
    )


def _there(placement: Placement, kept: HostCpus) -> dict[Vcpu, Affinity]:
    """The vCPUs that may run on such a CPU.

    Realtime vCPUs are rt-on-housekeeping's, and those without any set beside pinned ones vcpupin-partial's.
    """
    forgotten = bool(placement.pinned) and placement.inherited.origin is Origin.DEFAULT
    return {
        vcpu: affinity
        for vcpu, affinity in placement.online.items()
        if affinity.cpus is not None
        and affinity.cpus & kept
        and vcpu not in placement.domain.realtime
        and not (forgotten and affinity.pin is None)
    }


def _label(placement: Placement, affinity: Affinity, kept: HostCpus) -> str:
    if affinity.pin is None:
        return f"{count_text(len(placement.domain.online), 'vCPU')} without a set"
    used = affinity.pin.cpus & kept
    return f"{ids_text('CPU', used)} {'is' if len(used) == 1 else 'are'} for housekeeping"


def _help(placement: Placement) -> str:
    host = placement.host
    own = host.cpus_of(host.nodes_of(placement.vcpu_cpus or placement.pinned_cpus)) & host.guest_cpus
    if placement.pinned:
        return f"pin it to another CPU, such as {set_text(own - placement.pinned_cpus or own)}"
    balanced = own - (host.isolated or IdSet())
    if len(balanced) < len(placement.domain.online):
        return f"pin each vCPU to another CPU, such as {set_text(own)}"
    return f"<vcpu cpuset='{balanced}'>"

"""A realtime vCPU is pinned to a CPU that the host keeps for itself.

The host's own work, its timers and its interrupts run on the housekeeping CPUs. A realtime vCPU there preempts all of it, and waits for the
parts that cannot be preempted: neither the guest nor the host keeps its word. CPU 0 is such a CPU everywhere unless one says
otherwise: Red Hat's guide has it that core 0 must always be left to housekeeping, and that realtime work on it breaks realtime.
Where no housekeeping CPUs are declared CPU 0 is a warning.

Host: format = 1
      name = "rt01"
      [topology]
      sockets = 1
      cores_per_node = 8
      threads_per_core = 1
      [cpus]
      housekeeping = "0-1"

Bad:

    <domain>
      <name>plc9</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='1'/>
                                  ^ the host keeps CPU 1 for itself
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
                          - fifo, priority 1
      </cputune>
    </domain>

Good:

    <domain>
      <name>plc9</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Host: none

Bad (warning):

    <domain>
      <name>plc10</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='1'/>
        <vcpupin vcpu='1' cpuset='0'/>
                                  ^ the host does its own work on CPU 0
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Fix: Pin realtime vCPUs to isolated CPUs, and leave one core of each socket at least to the host.

When to ignore it: The host keeps other CPUs than CPU 0. Then declare them: `housekeeping` under `[cpus]`.

Sources:
- Red Hat Enterprise Linux for Real Time 10, Configuring virtualization, chapter 3: core 0 must always be housekeeping
- libvirt, KVM Real Time Guest Config: CPUs that are reserved for the host
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    NotJudged,
    Placement,
    Related,
    Severity,
    Trait,
    Vcpu,
    Vcpus,
    ids_text,
    placement_rule,
    set_text,
    union,
)

CPU_0: HostCpus = IdSet(1)


@placement_rule(
    "rt-on-housekeeping",
    Severity.ERROR,
    Category.REALTIME,
    when=Trait.REALTIME,
    uses=(Fact.HOUSEKEEPING, Fact.ISOLATED),
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    host, domain = placement.host, placement.domain
    declared = host.housekeeping is not None
    if not declared:
        yield NotJudged(Fact.HOUSEKEEPING, "CPUs other than CPU 0")
    kept = host.housekeeping if host.housekeeping is not None else CPU_0 - (host.isolated or IdSet())
    cpus = placement.realtime_cpus & kept
    if not cpus:
        return
    vcpus = [vcpu for vcpu, its in placement.realtime.items() if its.cpus is not None and its.cpus <= cpus]
    pins = [(vcpu, pin) for vcpu in vcpus if (pin := placement.vcpus[vcpu].pin) is not None]
    scheduler = domain.scheduler_of(vcpus[0])
    told = (
        (Related(scheduler.place.at("vcpus"), f"{scheduler.policy}, priority {scheduler.priority}"),)
        if scheduler
        else ()
    )
    on = f"realtime {ids_text('vCPU', IdSet[Vcpu].of(vcpus))} {'is' if len(vcpus) == 1 else 'are'} on {ids_text('CPU', cpus)}"
    of = f" of {host.name}" if host.name else ""
    yield Finding(
        place=pins[0][1].place.at("cpuset") if pins else placement.vcpus_place,
        message=f"{on}{of}, kept for housekeeping ({set_text(kept)})" if declared else f"{on}{of}, the host's boot CPU",
        label=_label(placement, vcpus[0], declared),
        severity=None if declared else Severity.WARNING,
        related=(
            *told,
            *(Related(pin.place.at("cpuset"), _label(placement, each, declared)) for each, pin in pins[1:MOST_RELATED]),
        ),
        why="the vCPU preempts the host's own work, and waits for the parts of it that cannot be preempted",
        help=_help(placement, IdSet.of(vcpus), kept),
        data={"vcpus": str(IdSet[Vcpu].of(vcpus)), "cpus": str(cpus), "housekeeping": str(kept)},
    )


def _label(placement: Placement, vcpu: Vcpu, declared: bool) -> str:
    cpu = ids_text("CPU", placement.vcpus[vcpu].cpus or CPU_0)
    return f"the host keeps {cpu} for itself" if declared else f"the host does its own work on {cpu}"


def _help(placement: Placement, vcpus: Vcpus, kept: HostCpus) -> str:
    host, domain = placement.host, placement.domain
    threads = [*domain.iothreadpins.values(), *([domain.emulatorpin] if domain.emulatorpin else [])]
    free = (host.isolated or host.cpus or IdSet()) - kept - placement.pinned_cpus - union(pin.cpus for pin in threads)
    free = free & host.cpus_of(host.nodes_of(placement.pinned_cpus)) or free
    kind = "isolated CPU" if host.isolated else "CPU"
    siblings = union(core for core in domain.guest_cores if core & vcpus) & domain.online - vcpus
    along = f", and {ids_text('vCPU', siblings)} to the same core" if siblings else ""
    return f"pin it to another {kind}{f', such as {set_text(free)}' if free else ''}{along}"

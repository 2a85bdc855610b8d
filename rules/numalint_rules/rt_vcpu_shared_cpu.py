"""A realtime vCPU shares its CPU with another thread of the domain.

A thread with the policy fifo runs until it sleeps; with rr it gives way to its equals alone. Whatever else is on the CPU waits so long,
and a busy guest does not sleep. Two realtime vCPUs on one CPU starve each other, and a lock that is held by the one that waits is
never given back. Red Hat says of a core that a realtime thread monopolises: it cannot do its housekeeping, and in the end the
whole system is unstable. A thread that may go elsewhere is not stuck, but it may well be put there: a warning.

Host: none

Bad:

    <domain>
      <name>plc4</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='6'/>
                                  - realtime vCPU 2 has CPU 6
        <vcpupin vcpu='3' cpuset='6'/>
                                  ^ vCPU 3 has only CPU 6
        <vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Bad (warning):

    <domain>
      <name>plc5</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
                                  - realtime vCPU 1 has CPU 5
        <emulatorpin cpuset='0-1'/>
        <iothreadpin iothread='1' cpuset='0-1,5'/>
                                              ^ IOThread 1 may run on CPU 5
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>plc4</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='6'/>
        <vcpupin vcpu='3' cpuset='7'/>
        <emulatorpin cpuset='0-1,4'/>
        <vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Fix: Give each realtime vCPU a CPU that no other set of the domain has.

When to ignore it: Never for a thread that has no other CPU.

Sources:
- Red Hat Enterprise Linux for Real Time, Tuning Guide, real time throttling
- libvirt, KVM Real Time Guest Config: each guest CPU is pinned to a dedicated host core
"""

from collections.abc import Iterator

import msgspec

from numalint import (
    MOST_RELATED,
    Affinity,
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    Pin,
    Place,
    Placement,
    Related,
    Severity,
    Trait,
    Vcpu,
    count_text,
    ids_text,
    place_of_term,
    placement_rule,
)


class _Clash(msgspec.Struct, frozen=True):
    """A thread on a CPU that realtime vCPUs hold."""

    who: str
    pin: Pin | None
    cpus: HostCpus
    stuck: bool


@placement_rule(
    "rt-vcpu-shared-cpu",
    Severity.ERROR,
    Category.REALTIME,
    when=Trait.REALTIME,
    uses=(Fact.NODES, Fact.HOUSEKEEPING),
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    clashes = list(_clashes(placement))
    stuck = [clash for clash in clashes if clash.stuck]
    if stuck:
        why = "what runs there waits as long as the realtime vCPU does not sleep, and it has no other CPU"
        yield _finding(placement, stuck, None, why)
    if len(stuck) < len(clashes):
        why = "when it is put there it waits as long as the realtime vCPU does not sleep, and delays that when it does"
        yield _finding(placement, [clash for clash in clashes if not clash.stuck], Severity.WARNING, why)


def _clashes(placement: Placement) -> Iterator[_Clash]:
    """Threads that share a CPU with a realtime vCPU; of those that roam only where their own pin says so."""
    held: dict[int, Vcpu] = {}  # the first realtime vCPU of each CPU, by the CPU's mask
    for vcpu, affinity in placement.online.items():
        cpus = affinity.cpus or IdSet()
        if vcpu in placement.realtime:
            if len(cpus) == 1 and held.setdefault(cpus.mask, vcpu) != vcpu:  # of several, rt-vcpu-unpinned
                yield _Clash(f"vCPU {vcpu}", affinity.pin, cpus, True)
        else:
            yield from _clash(placement, f"vCPU {vcpu}", affinity)
    for thread, affinity in placement.iothreads.items():
        yield from _clash(placement, f"IOThread {thread}", affinity)
    emulator = placement.emulator
    if emulator.cpus is not None and emulator.cpus - placement.realtime_cpus:  # else rt-emulator-starved
        yield from _clash(placement, "the emulator", emulator)


def _clash(placement: Placement, who: str, affinity: Affinity) -> Iterator[_Clash]:
    if affinity.cpus is None or not affinity.cpus & placement.realtime_cpus:
        return
    stuck = affinity.cpus <= placement.realtime_cpus
    if stuck or affinity.explicit:
        yield _Clash(who, affinity.pin, affinity.cpus & placement.realtime_cpus, stuck)


def _finding(placement: Placement, clashes: list[_Clash], severity: Severity | None, why: str) -> Finding:
    first = clashes[0]
    vcpu = next(each for each, its in placement.realtime.items() if its.cpus and its.cpus <= first.cpus)
    its = placement.realtime[vcpu]
    of = f" of {placement.host.name}" if placement.host.name else ""
    more = f", and {count_text(len(clashes) - 1, 'other thread')} likewise" if len(clashes) > 1 else ""
    pin = None if its.pin is first.pin else its.pin
    own = () if pin is None else (Related(pin.place.at("cpuset"), f"realtime vCPU {vcpu} has CPU {its.cpus}"),)
    further = [Related(_place(placement, each), _label(each)) for each in clashes[1:MOST_RELATED]]
    return Finding(
        place=_place(placement, first),
        message=f"realtime vCPU {vcpu} shares CPU {its.cpus}{of} with {first.who}{more}",
        label=_label(first),
        severity=severity,
        related=(*own, *further),
        why=why,
        help=_help(placement, first),
        data={"threads": len(clashes), "vcpu": vcpu, "cpus": str(first.cpus)},
    )


def _place(placement: Placement, clash: _Clash) -> Place:
    if clash.pin is None:
        return placement.vcpus_place
    return place_of_term(clash.pin, lambda term: bool(term & clash.cpus))


def _label(clash: _Clash) -> str:
    return f"{clash.who} {'has only' if clash.stuck else 'may run on'} {ids_text('CPU', clash.cpus)}"


def _help(placement: Placement, clash: _Clash) -> str:
    if not clash.stuck:
        assert clash.pin is not None, "a thread that may go elsewhere is told of only where its own pin says so"
        return f"leave the CPUs of realtime vCPUs out: cpuset='{clash.pin.cpus - placement.realtime_cpus}'"
    spare = placement.spare_cpus
    such = f", such as CPU {min(spare)}, which no pin of this domain names" if spare else ""
    return f"give {clash.who} a CPU that no realtime vCPU has{such}"

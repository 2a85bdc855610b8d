"""The other thread of a realtime vCPU's core is used by something else.

The two threads of a core share its execution units and caches: what runs on the sibling makes the realtime vCPU slower at any moment, by
an amount that nobody can bound. libvirt's guide calls hyperthreading incompatible with realtime, and OpenStack's tells to switch
SMT off. Where it is on, the sibling of a realtime CPU stays idle. Two realtime vCPUs of one guest on a core are a note: they
disturb but each other.

Host: format = 1
      name = "rt02"
      [topology]
      sockets = 1
      cores_per_node = 8
      threads_per_core = 2
      cpu_numbering = "threads-last"

Bad:

    <domain>
      <name>plc11</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
                                  - realtime vCPU 1 has CPU 3
        <emulatorpin cpuset='0,11'/>
                               ^^ the emulator may run on CPU 11
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Bad (note):

    <domain>
      <name>plc12</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
                                  - realtime vCPU 1 has CPU 3
        <vcpupin vcpu='2' cpuset='11'/>
                                  ^^ vCPU 2 may run on CPU 11
        <vcpusched vcpus='1-2' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>plc11</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <emulatorpin cpuset='0,8'/>
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Fix: Leave the siblings of realtime CPUs idle: no pin names them, and the host isolates them too. Or switch SMT off.

When to ignore it: The guest's deadlines are wide enough for a core that is half as fast.

Sources:
- libvirt, KVM Real Time Guest Config: hyperthreading is incompatible with real time
- OpenStack nova, real time: disable SMT
- Red Hat Enterprise Linux for Real Time 10, Configuring virtualization, chapter 4
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
    Pin,
    Place,
    Placement,
    Related,
    Severity,
    Trait,
    count_text,
    ids_text,
    place_of_term,
    placement_rule,
    set_text,
    union,
)


class _Neighbour(msgspec.Struct, frozen=True):
    """A thread with a pin, and the siblings of realtime CPUs that it may run on."""

    who: str
    pin: Pin
    cpus: HostCpus


@placement_rule(
    "rt-sibling-busy",
    Severity.WARNING,
    Category.REALTIME,
    needs=Fact.CORES,
    when=Trait.REALTIME,
    uses=(Fact.NODES, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    held = placement.realtime_cpus
    siblings = union(placement.host.cores_of(held)) - held
    if siblings:
        others = [*_threads(placement)]
        busy = [
            _Neighbour(who, its.pin, its.cpus & siblings)
            for who, its in others
            if its.pin is not None and its.cpus is not None and its.cpus & siblings and not its.cpus & held
        ]
        if busy:
            yield _finding(
                placement, busy, None, "what runs there slows the realtime vCPU down, by as much as it likes"
            )
    pairs = [*_pairs(placement)]
    if pairs:
        yield _finding(placement, pairs, Severity.NOTE, "two realtime vCPUs on a core slow each other down")


def _threads(placement: Placement) -> Iterator[tuple[str, Affinity]]:
    """The threads beside the realtime vCPUs; of vCPUs those that have a pin, or it is vcpupin-partial."""
    for vcpu, affinity in placement.pinned.items():
        if vcpu not in placement.realtime:
            yield f"vCPU {vcpu}", affinity
    yield "the emulator", placement.emulator
    for thread, affinity in placement.iothreads.items():
        yield f"IOThread {thread}", affinity


def _pairs(placement: Placement) -> Iterator[_Neighbour]:
    """The realtime vCPUs in whose core is another one, on a CPU of its own."""
    seen: dict[HostCpus, HostCpus] = {}
    for vcpu, core in placement.vcpu_cores.items():
        pin = placement.domain.vcpupins[vcpu]
        if vcpu in placement.realtime and len(pin.cpus) == 1 and seen.setdefault(core, pin.cpus) != pin.cpus:
            yield _Neighbour(f"vCPU {vcpu}", pin, pin.cpus)


def _finding(placement: Placement, busy: list[_Neighbour], severity: Severity | None, why: str) -> Finding:
    first = busy[0]
    cores = union(placement.host.cores_of(first.cpus))
    vcpu, its = next(
        (vcpu, its) for vcpu, its in placement.realtime.items() if its.cpus and its.cpus <= cores - first.cpus
    )
    more = f", and {count_text(len(busy) - 1, 'other thread')} likewise" if len(busy) > 1 else ""
    own = () if its.pin is None else (Related(its.pin.place.at("cpuset"), f"realtime vCPU {vcpu} has CPU {its.cpus}"),)
    return Finding(
        place=_place(first),
        message=f"{first.who} may run on {ids_text('CPU', first.cpus)} of {placement.host.name}, "
        f"in one core with CPU {its.cpus} of realtime vCPU {vcpu}{more}",
        label=_label(first),
        severity=severity,
        related=(
            *own,
            *(Related(_place(each), _label(each)) for each in busy[1:MOST_RELATED]),
        ),
        why=why,
        help=_help(placement),
        data={"threads": len(busy), "cpus": str(union(each.cpus for each in busy)), "vcpu": vcpu},
    )


def _place(neighbour: _Neighbour) -> Place:
    return place_of_term(neighbour.pin, lambda term: bool(term & neighbour.cpus))


def _label(neighbour: _Neighbour) -> str:
    return f"{neighbour.who} may run on {ids_text('CPU', neighbour.cpus)}"


def _help(placement: Placement) -> str:
    spare = placement.spare_cpus - union(placement.host.cores_of(placement.realtime_cpus))
    such = f": no pin of this domain names {set_text(spare)}" if spare else ""
    return f"leave the siblings of realtime CPUs idle, and use CPUs of other cores{such}"

"""An IOThread is pinned to CPUs that vCPUs have for themselves.

An IOThread serves disks so that neither a vCPU nor the emulator has to. On a vCPU's own CPU it undoes that: while it submits and completes
requests, and while it polls for new ones, which QEMU's IOThreads do before they sleep, the vCPU stands still; and while the vCPU is busy,
the disk waits. KubeVirt moved IOThreads off the vCPUs' CPUs for this reason, oVirt logs a warning. Often it is a slip: `1-7` written
for `1,7`, or a number of the wrong core. The CPU's SMT sibling is another matter, and for guests of one vCPU what SUSE recommends.

Host: none

Bad:

    <domain>
      <name>win7</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
                                  - vCPU 0 has CPU 2
        <vcpupin vcpu='1' cpuset='3'/>
        <iothreadpin iothread='1' cpuset='1-2'/>
                                          ^^^ CPU 2 is that of vCPU 0
      </cputune>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <source file='/srv/win7.img'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Good:

    <domain>
      <name>win7</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <iothreadpin iothread='1' cpuset='0-1'/>
      </cputune>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <source file='/srv/win7.img'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Fix: Pin the IOThread to CPUs of the same node that no vCPU has, such as those of the emulator.

When to ignore it: All CPUs are given away, and the guest is mostly idle while it waits for its disk.

Sources:
- KubeVirt, pull request 3103: IOThreads moved off the vCPUs' CPUs
- oVirt engine: logs a warning where IOThread and vCPU pins overlap
- libvirt, Domain XML format, iothreadids: poll
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: one thread for the vCPU, the other for its I/O
"""

from collections.abc import Iterator

import msgspec

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    NotJudged,
    Pin,
    Placement,
    Related,
    Severity,
    Trait,
    Vcpus,
    ids_text,
    iothreadpin_text,
    place_of_term,
    placement_rule,
    union,
)


class _Shared(msgspec.Struct, frozen=True):
    """An IOThread whose pin has ``cpus`` of ``vcpus``."""

    thread: int
    pin: Pin
    cpus: HostCpus
    vcpus: Vcpus


@placement_rule(
    "iothread-overlaps-vcpu",
    Severity.NOTE,
    Category.THREADS,
    when=Trait.IOTHREADS | Trait.PINS | Trait.DEDICATED,
    uses=(Fact.CORES, Fact.NODES, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    shared = list(_shared(placement))
    if not shared:
        return
    if placement.intent is None:
        yield NotJudged(Fact.CORES, "whether the pins are whole cores")
    elif placement.dedicated:
        first, threads = shared[0], IdSet.of(each.thread for each in shared)
        cpus, vcpus = union(each.cpus for each in shared), union(each.vcpus for each in shared)
        of = f" of {placement.host.name}" if placement.host.name else ""
        only = ("has only" if len(shared) == 1 else "have only") if _nothing_else(shared) else "may run on"
        yield Finding(
            place=place_of_term(first.pin, lambda term: bool(term & first.cpus)),
            message=f"{ids_text('IOThread', threads)} {only} {ids_text('CPU', cpus)}{of}, "
            f"which {ids_text('vCPU', vcpus)} {'has' if len(vcpus) == 1 else 'have'} too",
            label=_label(first),
            related=(*_owners(placement, first.vcpus), *(_further(each) for each in shared[1:]))[:MOST_RELATED],
            why="serving the disk and polling for requests take time from the vCPU, and a busy vCPU holds up the disk",
            help=_help(placement, shared),
            data={"iothreads": str(threads), "cpus": str(cpus), "vcpus": str(vcpus)},
        )


def _shared(placement: Placement) -> Iterator[_Shared]:
    """The IOThreads with a pin of their own on CPUs of vCPUs; those of realtime ones are rt-vcpu-shared-cpu's."""
    pins, taken = placement.domain.iothreadpins, placement.pinned_cpus
    for thread in placement.iothreads:  # without a pin: iothreadpin-missing
        pin = pins.get(thread)
        if pin is not None and pin.cpus & taken:
            own = {
                vcpu: affinity.cpus & pin.cpus
                for vcpu, affinity in placement.pinned.items()
                if affinity.cpus is not None and affinity.cpus & pin.cpus and vcpu not in placement.domain.realtime
            }
            if own:
                yield _Shared(thread, pin, union(own.values()), IdSet.of(own))


def _nothing_else(shared: list[_Shared]) -> bool:
    return all(each.pin.cpus <= each.cpus for each in shared)


def _label(shared: _Shared) -> str:
    verb, its = ("is", "that") if len(shared.cpus) == 1 else ("are", "those")
    return f"{ids_text('CPU', shared.cpus)} {verb} {its} of {ids_text('vCPU', shared.vcpus)}"


def _owners(placement: Placement, vcpus: Vcpus) -> Iterator[Related]:
    for vcpu in list(vcpus)[: MOST_RELATED // 2]:
        pin = placement.domain.vcpupins[vcpu]
        yield Related(pin.place.at("cpuset"), f"vCPU {vcpu} has {ids_text('CPU', pin.cpus)}")


def _further(shared: _Shared) -> Related:
    place = place_of_term(shared.pin, lambda term: bool(term & shared.cpus))
    return Related(place, f"IOThread {shared.thread}: {_label(shared)}")


def _help(placement: Placement, shared: list[_Shared]) -> str:
    first, *others = shared
    too = f"; {ids_text('IOThread', IdSet.of(each.thread for each in others))} likewise" if others else ""
    rest = first.pin.cpus - placement.pinned_cpus
    if rest:
        return f"leave the vCPUs' CPUs out: <iothreadpin iothread='{first.thread}' cpuset='{rest}'/>{too}"
    other = iothreadpin_text(placement, first.thread)
    return f"{other}{too}" if other else "its vCPUs have all CPUs of their node: leave one of them to the IOThreads"

"""The emulator threads are pinned to CPUs that vCPUs have for themselves.

A vCPU that has a CPU of its own runs until something else wants that CPU. The emulator's main loop, its workers and the vhost workers
of the NICs, all of which keep to `<emulatorpin>`, then take time from it at moments that the guest cannot choose: OpenStack says of its
own default, the union of all pins, that the emulator threads "will steal some time", and offers the policies `isolate` and
`share` against it. It is a trade-off, for a CPU that only the emulator has does nothing most of the time.

Host: pack:1 [numa(memory=64GiB)] core:8 pu:1

Bad:

    <domain>
      <name>nfv3</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
                                  - vCPU 0 has CPU 2
        <vcpupin vcpu='1' cpuset='3'/>
        <emulatorpin cpuset='1-2'/>
                             ^^^ CPU 2 is that of vCPU 0
      </cputune>
    </domain>

Bad:

    <domain>
      <name>nfv3</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <emulatorpin cpuset='2-3'/>
                             ^^^ CPUs 2-3 are those of vCPUs 0-1
      </cputune>
    </domain>

Good:

    <domain>
      <name>nfv3</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <emulatorpin cpuset='0-1'/>
      </cputune>
    </domain>

Fix: `<emulatorpin>` with CPUs of the same node that no vCPU has: those that the host keeps for such work, or one that the guests share.

When to ignore it: All CPUs are given away, and the guest minds no delay of some microseconds. OpenStack and KubeVirt write such
domains by default.

Sources:
- OpenStack nova, CPU topologies: emulator threads steal time from the vCPUs; the policies isolate and share
- KubeVirt user guide, dedicated CPU resources: isolateEmulatorThread
- oVirt engine: logs a warning where emulator and vCPU pins overlap
- measured with libvirt 9.0.0 and 11.3.0: vhost-net workers run where the emulator runs
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
    cpus_text,
    emulatorpin_text,
    ids_text,
    place_of_term,
    placement_rule,
    union,
)


@placement_rule(
    "emulatorpin-overlaps-vcpu",
    Severity.NOTE,
    Category.THREADS,
    when=Trait.PINS | Trait.DEDICATED,
    uses=(Fact.CORES, Fact.NODES, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    pin = placement.domain.emulatorpin  # without one: emulatorpin-missing
    if pin is None or not pin.cpus & placement.pinned_cpus:
        return
    shared = _shared(placement, pin.cpus)
    if shared and placement.intent is None:
        yield NotJudged(Fact.CORES, "whether the pins are whole cores")
    elif shared and placement.dedicated:
        cpus, vcpus = union(shared.values()), IdSet.of(shared)
        has = "has" if len(vcpus) == 1 else "have"
        only = "have only" if pin.cpus <= cpus else "may run on"
        of = f" of {placement.host.name}" if placement.host.name else ""
        verb, its = ("is", "that") if len(cpus) == 1 else ("are", "those")
        yield Finding(
            place=place_of_term(pin, lambda term: bool(term & cpus)),
            message=f"the emulator threads {only} {_text(cpus)}{of}, which {ids_text('vCPU', vcpus)} {has} too",
            label=f"{ids_text('CPU', cpus)} {verb} {its} of {ids_text('vCPU', vcpus)}",
            related=tuple(
                Related(placement.domain.vcpupins[vcpu].place.at("cpuset"), f"vCPU {vcpu} has {ids_text('CPU', own)}")
                for vcpu, own in list(shared.items())[:MOST_RELATED]
            ),
            why=f"device emulation and vhost-net take time from {'it' if len(vcpus) == 1 else 'them'}, "
            "at moments that the guest cannot choose",
            help=emulatorpin_text(placement)
            or "its vCPUs have all CPUs of their node: leave one of them to the emulator",
            data={"cpus": str(cpus), "vcpus": str(vcpus)},
        )


def _shared(placement: Placement, cpus: HostCpus) -> dict[Vcpu, HostCpus]:
    """The CPUs that each pinned vCPU shares with the emulator; those of realtime ones are rt-vcpu-shared-cpu's."""
    return {
        vcpu: affinity.cpus & cpus
        for vcpu, affinity in placement.pinned.items()
        if affinity.cpus is not None and affinity.cpus & cpus and vcpu not in placement.domain.realtime
    }


def _text(cpus: HostCpus) -> str:
    return cpus_text(cpus) if len(cpus) == 1 else f"CPUs {cpus_text(cpus)}"

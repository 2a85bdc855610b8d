"""A vCPU has one thread of a core, and the emulator or an IOThread has the other.

The two threads of a core share its execution units and its L1 and L2 caches: whenever the emulator works, the vCPU beside it
slows down, and no other. The pins look apart, since the numbers differ. OpenStack's policy `isolate` keeps the siblings of
dedicated CPUs free for this reason. It is a trade-off: for a guest of one vCPU SUSE recommends just this, the vCPU on one thread and its
I/O on the other, since the vCPU mostly waits while its I/O is served. Such a guest is left alone.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 1
      cores_per_node = 8
      threads_per_core = 2
      cpu_numbering = "threads-last"

Bad:

    <domain>
      <name>db6</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <vcpupin vcpu='2' cpuset='4'/>
                                  - vCPU 2 is on the other thread of the core, CPU 4
        <emulatorpin cpuset='1,9,12'/>
                                 ^^ CPU 12 is in the core of CPUs 4,12
      </cputune>
    </domain>

Good:

    <domain>
      <name>db6</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <vcpupin vcpu='2' cpuset='4'/>
        <emulatorpin cpuset='1,9'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>small1</name>
      <vcpu>1</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <iothreadpin iothread='1' cpuset='10'/>
      </cputune>
    </domain>

Fix: Give the emulator and the IOThreads whole cores that no vCPU has, or the vCPUs both threads of their cores.

When to ignore it: All cores are given away, and the emulator has little to do.

Sources:
- OpenStack nova, CPU topologies: the thread policy isolate
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: one thread for the vCPU, the other for its I/O
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    Pin,
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


@placement_rule(
    "core-split-between-roles",
    Severity.NOTE,
    Category.PINNING,
    needs=Fact.CORES,
    when=Trait.PINS | Trait.DEDICATED,
    uses=(Fact.NODES, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding]:
    host = placement.host
    if not placement.dedicated or len(placement.domain.online) == 1:
        return
    others = union(host.cores_of(placement.pinned_cpus)) - placement.pinned_cpus
    threads = (
        [(who, pin, _split(placement, pin.cpus & others, pin.cpus)) for who, pin in _threads(placement)]
        if others
        else []
    )
    split = [(who, pin, cpus) for who, pin, cpus in threads if cpus]
    if not split:
        return
    who, pin, cpus = split[0]
    core = host.cores_of(cpus)[0]
    beside = IdSet.of(vcpu for vcpu, its in placement.vcpu_cores.items() if its & cpus)
    more = f", and {count_text(len(split) - 1, 'other thread')} likewise" if len(split) > 1 else ""
    yield Finding(
        place=place_of_term(pin, lambda term: bool(term & cpus)),
        message=f"{who} may run on {ids_text('CPU', cpus)} of {host.name}, "
        f"in {'a core' if len(host.cores_of(cpus)) == 1 else 'cores'} with {ids_text('vCPU', beside)}{more}",
        label=f"CPU {min(cpus & core)} is in the core of {ids_text('CPU', core)}",
        related=(
            *(
                Related(
                    pin.place.at("cpuset"),
                    f"vCPU {vcpu} is on the other thread of the core, {ids_text('CPU', pin.cpus)}",
                )
                for vcpu, pin in placement.domain.vcpupins.items()
                if vcpu in beside
            ),
            *(
                Related(its.place.at("cpuset"), f"{name} may run on {ids_text('CPU', at)}")
                for name, its, at in split[1:]
            ),
        )[:MOST_RELATED],
        why="two threads of a core share its units and caches: the vCPU slows down whenever the other thread works",
        help=_help(placement),
        data={"cpus": str(cpus), "vcpus": str(beside)},
    )


def _threads(placement: Placement) -> Iterator[tuple[str, Pin]]:
    """The threads beside the vCPUs that have a pin of their own."""
    domain = placement.domain
    if domain.emulatorpin is not None:
        yield "the emulator", domain.emulatorpin
    for thread, pin in domain.iothreadpins.items():
        yield f"IOThread {thread}", pin


def _split(placement: Placement, cpus: HostCpus, pin: HostCpus) -> HostCpus:
    """Those of ``cpus`` in whose core the thread has no vCPU's CPU too, and no realtime vCPU is (rt-sibling-busy)."""
    taken = placement.pinned_cpus
    return union(
        cpus & core
        for core in placement.host.cores_of(cpus)
        if not core & taken & pin and not core & placement.realtime_cpus
    )


def _help(placement: Placement) -> str:
    spare = placement.spare_cpus
    whole = union(core for core in placement.host.cores_of(spare) if core <= spare)
    if not whole:
        return "give it whole cores that no vCPU has, or the vCPUs both threads of their cores"
    return f"give it whole cores that no vCPU has: no pin of this domain names {set_text(whole)}"

"""A realtime vCPU may run on several CPUs.

A vCPU with `<vcpusched scheduler='fifo'>` or `rr` preempts all ordinary work on the CPU that it is on. libvirt's guide for realtime guests
wants each pinned to one host CPU of its own. With several, it may be moved, it may meet another realtime vCPU, and then one of
the two waits as long as the other runs; isolated CPUs are not balanced at all, so that vCPUs with one set pile up on one of
them. Without a pin it may take any CPU of the host from the host. A set of both threads of one core is milder, a warning: it
stays on its core.

Host: none

Bad:

    <domain>
      <name>plc1</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5-6'/>
                                  ^^^ vCPU 1 is realtime and may run on CPUs 5-6
        <vcpupin vcpu='2' cpuset='5-6'/>
        <vcpusched vcpus='1-2' scheduler='fifo' priority='1'/>
                          --- fifo, priority 1
      </cputune>
    </domain>

Bad:

    <domain>
      <name>plc2</name>
      <vcpu>2</vcpu>
      <cputune>
        <emulatorpin cpuset='0-1'/>
        <vcpusched vcpus='1' scheduler='rr' priority='1'/>
                          ^ vCPU 1 is realtime and has no vcpupin
      </cputune>
    </domain>

Good:

    <domain>
      <name>plc1</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='6'/>
        <vcpusched vcpus='1-2' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Host: pack:1 numa:1 core:4 pu:2

Bad (warning):

    <domain>
      <name>plc3</name>
      <memory unit='MiB'>512</memory>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='4-5'/>
                                  ^^^ vCPU 1 is realtime and may run on CPUs 4-5
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Fix: `<vcpupin>` with one isolated CPU for each realtime vCPU.

When to ignore it: Never for a guest with deadlines. A guest that has none needs no vcpusched.

Sources:
- libvirt, KVM Real Time Guest Config: each guest CPU is pinned to a dedicated host core
- Red Hat Enterprise Linux for Real Time, Tuning Guide, real time throttling: a realtime thread runs until it sleeps
- Linux, kernel-parameters: isolcpus are left out of load balancing
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Affinity,
    Category,
    Fact,
    Finding,
    IdSet,
    Origin,
    Place,
    Placement,
    Related,
    Severity,
    Trait,
    Vcpu,
    ids_text,
    placement_rule,
)


@placement_rule(
    "rt-vcpu-unpinned",
    Severity.ERROR,
    Category.REALTIME,
    when=Trait.REALTIME,
    uses=(Fact.CORES, Fact.ISOLATED, Fact.HOUSEKEEPING),
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    loose = {vcpu: its for vcpu, its in placement.realtime.items() if its.cpus is None or len(its.cpus) > 1}
    on_core = {vcpu: its for vcpu, its in loose.items() if vcpu in placement.vcpu_cores}
    roaming = {vcpu: its for vcpu, its in loose.items() if vcpu not in on_core}
    if roaming:
        why = "it may be moved, or wait for another realtime vCPU as long as that runs: no latency can be promised"
        yield _finding(placement, roaming, None, why)
    if on_core:
        why = "it may be moved between the threads of its core, and the other thread shares the core's units"
        yield _finding(placement, on_core, Severity.WARNING, why)


def _finding(placement: Placement, loose: dict[Vcpu, Affinity], severity: Severity | None, why: str) -> Finding:
    vcpu, affinity = next(iter(loose.items()))
    scheduler = placement.domain.scheduler_of(vcpu)
    assert scheduler is not None, "it is the vcpusched that makes it realtime"
    told = Related(scheduler.place.at("vcpus"), f"{scheduler.policy}, priority {scheduler.priority}")
    rest = [(each, its) for each, its in loose.items() if each != vcpu and its.explicit]
    return Finding(
        place=_pin_place(affinity) if affinity.explicit else scheduler.place.at("vcpus"),
        message=_message(placement, loose),
        label=f"vCPU {vcpu} is realtime and {f'may run on {_cpus(affinity)}' if affinity.explicit else 'has no vcpupin'}",
        severity=severity,
        related=(
            *((told,) if affinity.explicit else ()),
            *(Related(_pin_place(its), f"vCPU {each} may run on {_cpus(its)}") for each, its in rest[:MOST_RELATED]),
        ),
        why=why,
        help=_help(placement, loose),
        data={"vcpus": str(IdSet.of(loose)), "cpus": str(affinity.cpus or "")},
    )


def _pin_place(affinity: Affinity) -> Place:
    assert affinity.pin is not None, "a thread with a pin of its own has one"
    return affinity.pin.place.at("cpuset")


def _cpus(affinity: Affinity) -> str:
    if affinity.cpus is not None:
        return ids_text("CPU", affinity.cpus)
    return "the CPUs that numad chooses" if affinity.origin is Origin.PLACEMENT_AUTO else "any CPU of the host"


def _message(placement: Placement, loose: dict[Vcpu, Affinity]) -> str:
    vcpu, affinity = next(iter(loose.items()))
    of = f" of {placement.host.name}" if placement.host.name and affinity.cpus is not None else ""
    who, where = f"realtime {ids_text('vCPU', IdSet.of(loose))}", f"{_cpus(affinity)}{of}"
    if not any(its.explicit for its in loose.values()):
        return f"{who} {'has' if len(loose) == 1 else 'have'} no vcpupin and may run on {where}"
    if len(loose) == 1:
        return f"{who} may run on {where}"
    return f"{who} may each run on several CPUs, vCPU {vcpu} on {where}"


def _help(placement: Placement, loose: dict[Vcpu, Affinity]) -> str:
    vcpu, affinity = next(iter(loose.items()))
    taken = placement.realtime_cpus | (placement.host.housekeeping or IdSet())
    isolated = (placement.host.isolated or IdSet()) - taken
    own = affinity.cpus - taken if affinity.cpus is not None and affinity.explicit else IdSet()
    free = own & isolated or isolated or own
    if not free:
        return "add a <vcpupin> with one isolated CPU for each realtime vCPU"
    kind = "an isolated CPU" if free & isolated else "one CPU"
    others = ", and one for each other realtime vCPU" if len(loose) > 1 else ""
    return f"write <vcpupin vcpu='{vcpu}' cpuset='{min(free)}'/>, {kind} of its own{others}"

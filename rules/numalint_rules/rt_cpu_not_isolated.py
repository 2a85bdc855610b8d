"""A realtime vCPU is pinned to a CPU that the host does not isolate.

Isolation (`isolcpus=`, or TuneD's profile realtime-virtual-host) keeps the host's own threads, timers and interrupts off a CPU. Without
it they are put there as on any other, and the vCPU's latency is theirs; and since a realtime vCPU does not give way, what was put
there waits behind it. OpenStack's design measured 14 us at worst for realtime vCPUs on CPUs of their own, against 150 us on a host
without realtime.

Host: format = 1
      name = "rt01"
      [topology]
      sockets = 1
      cores_per_node = 8
      threads_per_core = 1
      [cpus]
      isolated = "4-7"

Bad:

    <domain>
      <name>plc8</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
                                  ^ CPU 3 is not isolated
        <vcpupin vcpu='2' cpuset='4'/>
        <vcpusched vcpus='1-2' scheduler='fifo' priority='1'/>
                          --- fifo, priority 1
      </cputune>
    </domain>

Good:

    <domain>
      <name>plc8</name>
      <vcpu>3</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpupin vcpu='2' cpuset='4'/>
        <vcpusched vcpus='1-2' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Fix: Pin realtime vCPUs to isolated CPUs, or isolate those that they have when the host boots.

When to ignore it: The CPUs are isolated in a way that the host's input does not show, such as a cpuset partition made at run time. Then
declare them: `isolated` under `[cpus]`.

Sources:
- libvirt, KVM Real Time Guest Config: each guest CPU on a host core that is in the isolcpus set
- OpenStack nova-specs, mitaka/libvirt-real-time: the figures
- Linux, kernel-parameters: isolcpus
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    Placement,
    Related,
    Severity,
    Trait,
    Vcpu,
    ids_text,
    placement_rule,
    set_text,
)


@placement_rule(
    "rt-cpu-not-isolated",
    Severity.WARNING,
    Category.REALTIME,
    needs=Fact.ISOLATED,
    when=Trait.REALTIME,
    uses=Fact.HOUSEKEEPING,
)
def check(placement: Placement) -> Iterator[Finding]:
    host, domain = placement.host, placement.domain
    isolated: HostCpus = host.isolated or IdSet()
    open_cpus = placement.realtime_cpus - isolated
    # CPU 0 where nothing is declared, else the housekeeping CPUs, are rt-on-housekeeping
    open_cpus -= IdSet(1) if host.housekeeping is None else host.housekeeping
    if not open_cpus:
        return
    vcpus = [vcpu for vcpu, its in placement.realtime.items() if its.cpus is not None and its.cpus <= open_cpus]
    first, scheduler = vcpus[0], domain.scheduler_of(vcpus[0])
    pins = [(vcpu, pin) for vcpu in vcpus if (pin := placement.vcpus[vcpu].pin) is not None]
    told = (
        (Related(scheduler.place.at("vcpus"), f"{scheduler.policy}, priority {scheduler.priority}"),)
        if scheduler
        else ()
    )
    kept = f"it isolates {set_text(isolated)}" if isolated else "it isolates none"
    one = len(vcpus) == 1
    yield Finding(
        place=pins[0][1].place.at("cpuset") if pins else placement.vcpus_place,
        message=f"realtime {ids_text('vCPU', IdSet[Vcpu].of(vcpus))} {'is' if one else 'are'} on "
        f"{ids_text('CPU', open_cpus)} of {host.name}, not isolated: {kept}",
        label=f"CPU {placement.vcpus[first].cpus} is not isolated",
        related=(
            *told,
            *(Related(pin.place.at("cpuset"), f"CPU {pin.cpus} is not isolated") for _, pin in pins[1:MOST_RELATED]),
        ),
        why="the host's own threads, timers and interrupts run there too: the vCPU waits for them, and they for it",
        help=_help(isolated - placement.realtime_cpus, open_cpus),
        data={"vcpus": str(IdSet[Vcpu].of(vcpus)), "cpus": str(open_cpus), "isolated": str(isolated)},
    )


def _help(free: HostCpus, open_cpus: HostCpus) -> str:
    boot = f"boot the host with isolcpus={open_cpus} added"
    return f"pin to isolated CPUs, such as {set_text(free)}, or {boot}" if len(free) >= len(open_cpus) else boot

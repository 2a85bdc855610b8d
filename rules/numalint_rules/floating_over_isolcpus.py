"""A vCPU may float over isolated CPUs, where the kernel balances nothing.

CPUs that the kernel isolates (`isolcpus=`) are left out of its load balancing: a thread stays on the one on which it was put.
vCPUs whose sets hold several CPUs count on being moved, and on isolated CPUs they are not; some of them share one CPU for hours
while its neighbours idle. Canonical's support met it as a slow Ceph, VFIO users as all load on one core, and the cure was to
take the guests off the isolated CPUs. A vCPU that is pinned to one isolated CPU is what they are for.

A guest without any set runs on all CPUs of the host, the isolated ones among them, before libvirt 10.4; from then on, without
them.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 1
      cores_per_node = 8
      threads_per_core = 1
      cpu_numbering = "threads-last"
      [cpus]
      isolated = "4-7"

Bad:

    <domain>
      <name>osd1</name>
      <vcpu cpuset='2,4-7'>4</vcpu>
                      ^^^ isolated: 4-7
    </domain>

Bad:

    <domain>
      <name>osd1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4-5'/>
                                  ^^^ isolated: 4-5
        <vcpupin vcpu='1' cpuset='4-5'/>
                                  --- vCPU 1
      </cputune>
    </domain>

Good:

    <domain>
      <name>osd1</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>osd1</name>
      <vcpu cpuset='0-3'>4</vcpu>
    </domain>

Fix: Pin each vCPU to one isolated CPU, or let them float over CPUs that are not isolated.

When to ignore it: The CPUs are isolated by a cpuset partition that balances inside, not by isolcpus. Then leave them out of the
host file's `isolated`.

Sources:
- Linux, kernel-parameters: isolcpus are isolated from the general SMP balancing
- canonical/hotsos, issue 397: tasks that are not balanced, low Ceph performance
- ayufan/pve-helpers, issue 4: all load on one isolated core
- libvirt, news of 10.4.0: isolated CPUs are left out unless they are asked for
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Fact,
    Finding,
    HostCpus,
    IdSet,
    Origin,
    Pin,
    Place,
    Placement,
    Related,
    Release,
    Severity,
    Vcpu,
    Vcpus,
    cpus_text,
    ids_text,
    place_of_term,
    placement_rule,
    set_text,
)

FIRST_WITHOUT_ISOLATED = Release(10, 4)
"""From this libvirt on, threads without any set are kept off isolated CPUs."""


@placement_rule("floating-over-isolcpus", Severity.WARNING, Category.ISOLATION, needs=(Fact.NODES, Fact.ISOLATED))
def check(placement: Placement) -> Iterator[Finding]:
    isolated = placement.host.isolated
    if not isolated or not (placement.vcpu_cpus or IdSet()) & isolated:
        return
    floating = _floating(placement, isolated)
    if not floating:
        return
    vcpus: Vcpus = IdSet.of(floating)
    first = next(iter(floating))
    on = _isolated_of(placement, vcpus, isolated)
    anywhere = floating[first] is None
    yield Finding(
        place=_place(placement, floating[first], isolated),
        message=f"{ids_text('vCPU', vcpus)} may run on the isolated {_cpus(on)} of {placement.host.name}, "
        "which the kernel does not balance",
        label=f"{ids_text('vCPU', vcpus)} without a set" if anywhere else f"isolated: {set_text(on)}",
        related=_others(placement, floating, isolated),
        why="a thread stays on the isolated CPU on which it was put, so that several share one while others idle",
        help=_help(placement, on, isolated),
        data={"vcpus": str(vcpus), "isolated": str(on)},
    )


def _floating(placement: Placement, isolated: HostCpus) -> dict[Vcpu, Pin | None]:
    """The vCPUs whose sets hold an isolated CPU and others, each with its pin.

    Realtime vCPUs are rt-vcpu-unpinned's, and those without a pin beside pinned ones vcpupin-partial's.
    """
    found: dict[Vcpu, Pin | None] = {}
    for vcpu, affinity in placement.online.items():
        cpus = affinity.cpus
        if cpus is None or len(cpus) < 2 or not cpus & isolated or vcpu in placement.domain.realtime:
            continue
        if affinity.origin is Origin.DEFAULT and (
            placement.pinned or placement.domain.libvirt >= FIRST_WITHOUT_ISOLATED
        ):
            continue
        found[vcpu] = affinity.pin
    return found


def _isolated_of(placement: Placement, vcpus: Vcpus, isolated: HostCpus) -> HostCpus:
    return (placement.cpus_of(vcpus) or IdSet()) & isolated


def _cpus(cpus: HostCpus) -> str:
    return cpus_text(cpus) if len(cpus) == 1 else f"CPUs {cpus_text(cpus)}"


def _place(placement: Placement, pin: Pin | None, isolated: HostCpus) -> Place:
    return placement.vcpus_place if pin is None else place_of_term(pin, lambda cpus: bool(cpus & isolated))


def _others(placement: Placement, floating: dict[Vcpu, Pin | None], isolated: HostCpus) -> tuple[Related, ...]:
    own = [(vcpu, pin) for vcpu, pin in floating.items() if pin is not None and placement.vcpus[vcpu].explicit]
    return tuple(
        Related(_place(placement, pin, isolated), f"vCPU {vcpu} too") for vcpu, pin in own[1 : 1 + MOST_RELATED]
    )


def _help(placement: Placement, on: HostCpus, isolated: HostCpus) -> str:
    free = placement.host.guest_cpus - isolated
    pool = f"cpuset='{free}'" if placement.pinned else f"<vcpu cpuset='{free}'>"
    one = f"pin each vCPU to one CPU{' of ' + set_text(on) if len(on) > 1 else ''}"
    return f"{one}, or let them float where none is isolated: {pool}" if free else one

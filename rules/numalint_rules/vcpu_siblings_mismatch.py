"""vCPUs that are threads of one core in the guest are pinned to different cores of the host.

A guest with `<topology threads='2'>` takes vCPUs 0 and 1 for the two threads of one core, 2 and 3 for those of the next: QEMU counts
threads first. Its scheduler spreads work over cores before it uses second threads, and puts what shares data on siblings. If
the host's siblings are other CPUs, it does both wrongly: two busy vCPUs share a host core while another idles, and what
should share an L1 cache does not. Most hosts number siblings n and n + half; `lstopo` shows its own logical numbers (L#) beside
the operating system's (P#), and libvirt takes the latter.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 1
      cores_per_node = 4
      threads_per_core = 2
      cpu_numbering = "threads-last"

Bad:

    <domain>
      <name>win1</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
                                  - vCPU 0 is on CPU 2, whose core has CPUs 2,6
        <vcpupin vcpu='1' cpuset='3'/>
                                  ^ vCPU 1 is on CPU 3, in another core
        <vcpupin vcpu='2' cpuset='6'/>
        <vcpupin vcpu='3' cpuset='7'/>
      </cputune>
      <cpu>
        <topology sockets='1' cores='2' threads='2'/>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>win2</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
                                  ^ vCPU 1 is on CPU 1, in another core
        <vcpupin vcpu='2' cpuset='2'/>
        <vcpupin vcpu='3' cpuset='3'/>
                                  - vCPU 3 is on CPU 3, in another core
      </cputune>
      <cpu>
        <topology sockets='1' cores='2' threads='2'/>
      </cpu>
    </domain>

Good:

    <domain>
      <name>win1</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='6'/>
        <vcpupin vcpu='2' cpuset='3'/>
        <vcpupin vcpu='3' cpuset='7'/>
      </cputune>
      <cpu>
        <topology sockets='1' cores='2' threads='2'/>
      </cpu>
    </domain>

Good:

    <domain>
      <name>hana4</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2,6'/>
        <vcpupin vcpu='1' cpuset='2,6'/>
      </cputune>
      <cpu>
        <topology sockets='1' cores='1' threads='2'/>
      </cpu>
    </domain>

Fix: Pin vCPUs 2n and 2n + 1 to the two threads of one host core. With the same CPUs the guest does not notice.

When to ignore it: The CPUs of the host file are not those of the host: compare with `lscpu -e` there.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: adjacent vCPUs must be assigned to SMT siblings
- SUSE, SAP HANA on KVM: pairs of vCPUs on the pair of a core's threads
- kubevirt/kubevirt, issue 4687: hyperthreads are pinned incorrectly
- bryansteiner/gpu-passthrough-tutorial, issue 19: lstopo's logical numbers
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
    Vcpus,
    ids_text,
    placement_rule,
    set_text,
    union,
)

MOST_PINS = 16
"""More pins than these are no help that one reads."""


@placement_rule(
    "vcpu-siblings-mismatch",
    Severity.WARNING,
    Category.PINNING,
    needs=Fact.CORES,
    when=Trait.PINS | Trait.TOPOLOGY | Trait.DEDICATED,
)
def check(placement: Placement) -> Iterator[Finding]:
    domain, host = placement.domain, placement.host
    threads = 1 if domain.topology is None else domain.topology.threads
    # guest-threads-without-host-smt speaks where the host's cores have fewer threads
    if threads < 2 or not placement.dedicated or host.threads_per_core[1] < threads:
        return
    torn = [core & domain.online for core in domain.guest_cores if _torn(placement, core)]
    if not torn:
        return
    first, strays = min(torn[0]), [_stray(placement, core) for core in torn]
    pins = domain.vcpupins
    on = f"{ids_text('CPU', pins[first].cpus)}, whose core has {ids_text('CPU', placement.vcpu_cores[first])}"
    yield Finding(
        place=pins[strays[0]].place.at("cpuset"),
        message=_message(placement, torn),
        label=_elsewhere(placement, strays[0]),
        related=(
            Related(pins[first].place.at("cpuset"), f"vCPU {first} is on {on}"),
            *(Related(pins[each].place.at("cpuset"), _elsewhere(placement, each)) for each in strays[1:MOST_RELATED]),
        ),
        why="the guest's scheduler puts busy vCPUs on one host core while another idles, and takes far caches for near",
        help=_help(placement, threads),
        data={"vcpus": str(union(torn)), "guest_cores": len(torn), "threads": threads},
    )


def _torn(placement: Placement, core: Vcpus) -> bool:
    """Whether the threads of a guest core keep to several host cores, of which one at least has several threads."""
    homes = {placement.vcpu_cores.get(vcpu) for vcpu in core & placement.domain.online}
    return len(homes) > 1 and None not in homes and any(home is not None and len(home) > 1 for home in homes)


def _stray(placement: Placement, core: Vcpus) -> Vcpu:
    """The first vCPU of a guest core that is not in the host core of the first."""
    home = placement.vcpu_cores[min(core)]
    return next(vcpu for vcpu in core if placement.vcpu_cores[vcpu] != home)


def _elsewhere(placement: Placement, vcpu: Vcpu) -> str:
    return f"vCPU {vcpu} is on {ids_text('CPU', placement.domain.vcpupins[vcpu].cpus)}, in another core"


def _message(placement: Placement, torn: list[Vcpus]) -> str:
    cpus: HostCpus = union(placement.domain.vcpupins[vcpu].cpus for vcpu in torn[0])
    cores = len(placement.host.cores_of(cpus))
    total = sum(1 for core in placement.domain.guest_cores if core & placement.domain.online)
    so = f" ({len(torn)} of {total} guest cores are so)" if total > 1 else ""
    where = f"{ids_text('CPU', cpus)} of {placement.host.name}"
    return f"{ids_text('vCPU', torn[0])} are one core in the guest, but on {where}, {cores} cores{so}"


def _help(placement: Placement, threads: int) -> str:
    moved = _permuted(placement)
    if moved is None:
        own, all_cores = placement.pinned_cpus, placement.host.cores or ()
        near = sorted(placement.host.cores_of(own), key=lambda core: not core <= own)
        core = next(core for core in (*near, *all_cores) if len(core) >= threads)
        apart = f", or write {_unthreaded(placement)}" if len(near) == len(placement.pinned) else ""
        lines = [f"pin the vCPUs of each guest core to one host core, such as CPUs {core}{apart}"]
    else:
        changes = [vcpu for vcpu, cpus in moved.items() if cpus != placement.domain.vcpupins[vcpu].cpus]
        lines = ["the same CPUs, so that each guest core is one host core:"]
        lines += [f"<vcpupin vcpu='{vcpu}' cpuset='{moved[vcpu]}'/>" for vcpu in changes[:MOST_PINS]]
        lines += ["and so on"] if len(changes) > MOST_PINS else []
    if _in_a_row(placement):
        row = set_text(placement.pinned_cpus)
        lines.append(f"({row} are siblings two by two in lstopo's logical numbers, L#; libvirt takes its P# numbers)")
    return "\n".join(lines)


def _unthreaded(placement: Placement) -> str:
    """The guest's topology with a core for each thread, which is right where no two vCPUs share a host core."""
    topology = placement.domain.topology
    assert topology is not None, "without threads in the guest no core of it is torn"
    parts = {"sockets": topology.sockets, "dies": topology.dies, "clusters": topology.clusters}
    told = "".join(f" {part}='{count}'" for part, count in parts.items() if count > 1 or part == "sockets")
    return f"<topology{told} cores='{topology.cores * topology.threads}' threads='1'/>"


def _permuted(placement: Placement) -> dict[Vcpu, HostCpus] | None:
    """The pins in another order, core by core, those of a guest cell among themselves; None if that mends it not."""
    domain, core_of = placement.domain, placement.host.core_of
    moved: dict[Vcpu, HostCpus] = {}
    for part in [cell.cpus for cell in domain.cells] or [domain.online]:
        vcpus = [vcpu for vcpu in part if vcpu in placement.pinned]
        moved |= dict(zip(vcpus, _by_core(placement, vcpus), strict=True))
    homes = ({core_of.get(min(moved[vcpu])) for vcpu in core if vcpu in moved} for core in domain.guest_cores)
    return moved if all(len(home) <= 1 for home in homes) else None


def _by_core(placement: Placement, vcpus: list[Vcpu]) -> list[HostCpus]:
    """The sets of some vCPUs, core by core, the cores that most of them have first."""
    sets = [placement.domain.vcpupins[vcpu].cpus for vcpu in vcpus]
    homes = [placement.host.core_of.get(min(cpus), cpus) for cpus in sets]
    order = sorted(range(len(sets)), key=lambda at: (-homes.count(homes[at]), min(homes[at]), min(sets[at])))
    return [sets[at] for at in order]


def _in_a_row(placement: Placement) -> bool:
    """Whether the pins are single CPUs in a row, which the CPUs of the host's cores are not."""
    pins = [affinity.cpus or IdSet() for affinity in placement.pinned.values()]
    apart = {min(cpus) - vcpu for vcpu, cpus in zip(placement.pinned, pins, strict=True)}
    core = placement.host.core_of.get(min(placement.pinned_cpus), IdSet())
    return len(apart) == 1 and all(len(cpus) == 1 for cpus in pins) and len(core.runs()) > 1

"""vCPUs run on the two threads of one host core, and the guest takes them for two cores.

Without `<topology threads='2'>` every vCPU is a core to the guest. Its scheduler then puts two busy threads on one host core as
readily as on two, and its software starts as many workers as there are vCPUs. What it costs is small, so this is a note: on GPU hosts
the guest's knowledge of SMT gained 2 to 3 % throughput. The topology is part of what the guest sees: it may count for licences, and
it cannot be changed while the guest runs.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 1
      cores_per_node = 8
      threads_per_core = 2
      cpu_numbering = "threads-last"

Bad:

    <domain>
      <name>build2</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
                                  - vCPU 0 is on CPU 2
        <vcpupin vcpu='1' cpuset='10'/>
                                  ^^ vCPU 1 is on CPU 10, the same core
        <vcpupin vcpu='2' cpuset='3'/>
        <vcpupin vcpu='3' cpuset='11'/>
      </cputune>
      <cpu>
        <topology sockets='1' cores='4' threads='1'/>
      </cpu>
    </domain>

Good:

    <domain>
      <name>build2</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='10'/>
        <vcpupin vcpu='2' cpuset='3'/>
        <vcpupin vcpu='3' cpuset='11'/>
      </cputune>
      <cpu>
        <topology sockets='1' cores='2' threads='2'/>
      </cpu>
    </domain>

Good:

    <domain>
      <name>build3</name>
      <vcpu>4</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='2'/>
        <vcpupin vcpu='1' cpuset='3'/>
        <vcpupin vcpu='2' cpuset='4'/>
        <vcpupin vcpu='3' cpuset='5'/>
      </cputune>
    </domain>

Fix: `<topology threads='2'>`, and vCPUs 2n and 2n + 1 pinned to the two threads of one core. Or pin each vCPU to a core of its own.

When to ignore it: threads='1' is meant: for a licence, for software that does not know SMT, or to hide it for security.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: QEMU's siblings are vCPUs 2n and 2n + 1
- cloudrift.ai, GPU VM Performance: Do vCPU Pinning and NUMA Topology Really Matter: the figure
- ayufan/pve-helpers, issue 9
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Domain,
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
    union,
)


@placement_rule(
    "vcpu-siblings-hidden", Severity.NOTE, Category.PINNING, needs=Fact.CORES, when=Trait.PINS | Trait.DEDICATED
)
def check(placement: Placement) -> Iterator[Finding]:
    domain, host = placement.domain, placement.host
    if domain.topology is not None and domain.topology.threads > 1:
        return  # whether they are the right ones is vcpu-siblings-mismatch
    if not placement.dedicated or len(host.cores_of(placement.pinned_cpus)) == len(placement.pinned):
        return
    shared = {core: vcpus for core, vcpus in _by_core(placement).items() if _hidden(placement, core, vcpus)}
    if not shared:
        return
    core, (first, second, *_) = next(iter(shared.items()))
    pins = domain.vcpupins
    vcpus = IdSet[Vcpu].of(shared[core])
    so = f"; {len(shared)} cores are so" if len(shared) > 1 else ""
    yield Finding(
        place=pins[second].place.at("cpuset"),
        message=f"{ids_text('vCPU', vcpus)} run on one core of {host.name} ({ids_text('CPU', core)}), "
        f"but the guest takes them for {len(vcpus)} cores{so}",
        label=f"vCPU {second} is on {ids_text('CPU', pins[second].cpus)}, the same core",
        related=(
            Related(pins[first].place.at("cpuset"), f"vCPU {first} is on {ids_text('CPU', pins[first].cpus)}"),
            *(_further(placement, each) for each in list(shared.values())[1:MOST_RELATED]),
        ),
        why="it puts two busy threads on one core as readily as on two, and counts on more than the core can do",
        help=_help(domain, shared),
        data={"vcpus": str(union(IdSet.of(each) for each in shared.values())), "cores": len(shared)},
    )


def _by_core(placement: Placement) -> dict[HostCpus, list[Vcpu]]:
    """The vCPUs of each host core."""
    found: dict[HostCpus, list[Vcpu]] = {}
    for vcpu, core in placement.vcpu_cores.items():
        found.setdefault(core, []).append(vcpu)
    return found


def _hidden(placement: Placement, core: HostCpus, vcpus: list[Vcpu]) -> bool:
    """Whether several vCPUs are on the threads of a core, and each can have one: else vcpus-share-pcpu says more."""
    cpus = union(placement.domain.vcpupins[vcpu].cpus for vcpu in vcpus)
    return 1 < len(vcpus) <= min(len(core), len(cpus))


def _further(placement: Placement, vcpus: list[Vcpu]) -> Related:
    pin = placement.domain.vcpupins[vcpus[1]]
    return Related(pin.place.at("cpuset"), f"{ids_text('vCPU', IdSet.of(vcpus))} are on one core too")


def _help(domain: Domain, shared: dict[HostCpus, list[Vcpu]]) -> str:
    threads = max(map(len, shared.values()))
    sockets = max(1, len(domain.cells))
    cores = max(1, domain.maximum // sockets // threads)
    vcpus = sockets * cores * threads
    size = "" if vcpus == domain.maximum else f"give it {vcpus} vCPUs, "
    rows = all(len(cell.cpus) == vcpus // sockets and len(cell.cpus.runs()) == 1 for cell in domain.cells)
    cells = "" if rows else f"make guest cells of {vcpus // sockets} vCPUs in a row, "
    in_turn = rows and all(min(pair) % threads == 0 and max(pair) - min(pair) < threads for pair in shared.values())
    repin = "" if in_turn else f", and pin each {threads} vCPUs in turn to the threads of one core"
    return f"{size}{cells}write <topology sockets='{sockets}' cores='{cores}' threads='{threads}'/>{repin}"

"""The vCPUs have CPUs of their own, but the emulator threads may run anywhere.

A domain is more than its vCPUs. The emulator's threads answer device accesses, serve disks without an IOThread, and carry
vhost-net, whose kernel threads run where the emulator runs. Without `<emulatorpin>` they inherit `<vcpu cpuset>` or all CPUs of the
host, not the pins of the vCPUs. They then take time from the dedicated CPUs, or work from another node; and they are the
first to touch preallocated memory, so that without numatune they decide where it lies. Isolated CPUs are not balanced:
several threads on a set of these pile up on one of them.

Host: format = 1
      name = "kvm02"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      [cpus]
      isolated = "5-7"

Bad:

    <domain>
      <name>nfv2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='5'/>
         ^^^^^^^ first of 2 pins, all on node 1; no <emulatorpin>
        <vcpupin vcpu='1' cpuset='6'/>
      </cputune>
    </domain>

Bad:

    <domain>
      <name>nfv2</name>
      <vcpu cpuset='4-7'>2</vcpu>
                    ^^^ the emulator threads inherit this
      <cputune>
        <vcpupin vcpu='0' cpuset='5'/>
        <vcpupin vcpu='1' cpuset='6'/>
      </cputune>
    </domain>

Bad (note):

    <domain>
      <name>nfv2</name>
      <vcpu cpuset='0-1'>2</vcpu>
                    ^^^ the emulator threads inherit this
      <cputune>
        <vcpupin vcpu='0' cpuset='0'/>
        <vcpupin vcpu='1' cpuset='1'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>nfv2</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='5'/>
        <vcpupin vcpu='1' cpuset='6'/>
        <emulatorpin cpuset='4'/>
      </cputune>
    </domain>

Fix: `<emulatorpin>` with housekeeping CPUs of the guest's node; without such, with the CPUs of its own vCPUs.

When to ignore it: The guest does its I/O through passthrough devices and does not mind the rest. Pins of whole cores, two vCPUs on
the two threads of each, as SAP HANA wants them without an emulatorpin, make this a note.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: emulator, IOThreads and vhost float over all CPUs where only vCPUs are pinned
- Red Hat OpenStack Platform 13, OVS-DPDK End to End Troubleshooting Guide, chapter 13: packet loss, and isolcpus
- Linux, kernel-parameters: isolcpus are left out of load balancing (libvirt from 10.4.0 on leaves them out of the default)
- SUSE, SAP HANA on KVM
"""

from collections.abc import Iterator

from numalint import (
    Affinity,
    Category,
    Fact,
    Finding,
    HostCpus,
    HostNodes,
    IdSet,
    NotJudged,
    Origin,
    Placement,
    Related,
    Severity,
    Trait,
    count_text,
    cpus_text,
    emulatorpin_cpus,
    emulatorpin_text,
    ids_text,
    node_places,
    placement_rule,
    set_text,
)


@placement_rule(
    "emulatorpin-missing",
    Severity.WARNING,
    Category.THREADS,
    when=Trait.PINS | Trait.DEDICATED,
    uses=(Fact.NODES, Fact.CORES, Fact.ISOLATED, Fact.HOUSEKEEPING),
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    if placement.domain.emulatorpin is not None or not placement.pinned:
        return
    if placement.intent is None:
        yield NotJudged(Fact.CORES, "whether the pins are whole cores")
    elif placement.dedicated:
        yield from _judge(placement, placement.emulator)


def _judge(placement: Placement, emulator: Affinity) -> Iterator[Finding]:
    own = "1 vCPU has a CPU" if len(placement.pinned) == 1 else f"{len(placement.pinned)} vCPUs have CPUs"
    its = "its" if len(placement.pinned) == 1 else "their"
    cpus, host = emulator.cpus, placement.host
    if cpus is None:
        anywhere = "the nodes that numad chooses" if emulator.origin is Origin.PLACEMENT_AUTO else "any host CPU"
        message = f"{own} of {its} own, but the emulator threads may run on {anywhere}"
        yield _finding(placement, message, Severity.NOTE, "they may take time from the vCPUs, or work on another node")
        return
    strange = host.nodes_of(cpus) - _guest_nodes(placement)
    isolated = cpus & (host.isolated or IdSet())
    severity = Severity.NOTE if _whole_cores(placement) else None
    if strange:
        message = f"{own} on {_nodes_text(placement)}, but the emulator threads may run on {_extent(placement, cpus)}"
        why = "device emulation and vhost-net run there, and preallocated memory is first touched from there"
        yield _finding(placement, message, severity, why)
    elif len(isolated) > 1:
        message = f"{own} of {its} own, but the emulator threads may run on the isolated CPUs {cpus_text(isolated)}"
        yield _finding(
            placement, message, severity, "isolated CPUs are not balanced: the threads pile up on one of them"
        )
    elif cpus & placement.pinned_cpus:
        them = "it" if len(placement.pinned_cpus) == 1 else "them"
        message = f"{own} of {its} own, but the emulator threads may run on {them} too ({cpus_text(cpus)})"
        yield _finding(placement, message, Severity.NOTE, "device emulation and vhost-net take time from the vCPUs")


def _guest_nodes(placement: Placement) -> HostNodes:
    return placement.host.nodes_of(placement.pinned_cpus) | (placement.memory_nodes or IdSet())


def _nodes_text(placement: Placement) -> str:
    return f"{ids_text('node', placement.host.nodes_of(placement.pinned_cpus))} of {placement.host.name}"


def _extent(placement: Placement, cpus: HostCpus) -> str:
    return f"{ids_text('node', placement.host.nodes_of(cpus))} ({count_text(len(cpus), 'CPU')})"


def _whole_cores(placement: Placement) -> bool:
    """Whether each vCPU is pinned to a core of several threads."""
    return all(affinity.cpus is not None and len(affinity.cpus) > 1 for affinity in placement.pinned.values())


def _finding(placement: Placement, message: str, severity: Severity | None, why: str) -> Finding:
    first = placement.domain.vcpupins[next(iter(placement.pinned))].place
    nodes = placement.host.nodes_of(placement.pinned_cpus)
    several = len(placement.pinned) > 1
    on = f", {'all ' if several else ''}on {ids_text('node', nodes)}" if nodes else ""
    pins = f"{f'first of {len(placement.pinned)} pins' if several else 'the only pin'}{on}; no <emulatorpin>"
    inherited = placement.emulator.pin
    confined = inherited is not None
    related = (Related(first, pins),) if confined else ()
    return Finding(
        place=inherited.place.at("cpuset") if inherited is not None else first,
        message=message,
        label="the emulator threads inherit this" if confined else pins,
        severity=severity,
        related=(*related, *node_places(placement.host, nodes)),
        why=why,
        help=_help(placement, nodes),
        data={"emulator": str(placement.emulator.cpus or ""), "pinned": str(placement.pinned_cpus)},
    )


def _help(placement: Placement, nodes: HostNodes) -> str:
    host, beside = placement.host, emulatorpin_text(placement)
    own = placement.pinned_cpus - placement.realtime_cpus - (host.isolated or IdSet())
    theirs = f"with those of the vCPUs: {set_text(own)}"
    if beside:
        cpus = emulatorpin_cpus(placement)
        kept = bool(cpus) and cpus <= (host.housekeeping or IdSet())
        return f"add {beside}, or {theirs}" if own and not kept else f"add {beside}"
    full = f"its vCPUs have all CPUs of {ids_text('node', nodes)}: leave one to the emulator"
    if own and (placement.emulator.cpus is None or placement.emulator.cpus - own):
        return f"{full}, or add <emulatorpin> {theirs}"
    return f"{full}, and name it in <emulatorpin>"

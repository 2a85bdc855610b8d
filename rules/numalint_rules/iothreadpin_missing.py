"""The vCPUs have CPUs of their own, but an IOThread that serves a disk may run anywhere.

An IOThread inherits `<vcpu cpuset>` or all CPUs of the host: neither the pins of the vCPUs nor `<emulatorpin>`, as one might think. It
then takes time from the dedicated CPUs, or fetches the requests of the disk from another node than the guest's memory. OpenStack,
KubeVirt and oVirt all pin IOThreads where they pin the emulator. SAP HANA's guests, which have whole cores of the whole host, do
without, as SUSE says; there, and where only the pins of the vCPUs are not a CPU each, this is a note.

Host: format = 1
      name = "kvm01"
      [topology]
      sockets = 2
      cores_per_node = 4
      threads_per_core = 1
      cpu_numbering = "threads-last"
      distances = [[10, 21], [21, 10]]

Bad:

    <domain>
      <name>db7</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
                 ^ IOThread 1 has no <iothreadpin>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='6'/>
      </cputune>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
                                                   - disk vda is served by IOThread 1
          <source file='/srv/db7.img'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Bad (note):

    <domain>
      <name>db7</name>
      <vcpu cpuset='4-6'>2</vcpu>
                    ^^^ IOThread 1 inherits this
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='6'/>
      </cputune>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <source file='/srv/db7.img'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Good:

    <domain>
      <name>db7</name>
      <vcpu>2</vcpu>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='6'/>
        <iothreadpin iothread='1' cpuset='6'/>
      </cputune>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='raw' iothread='1'/>
          <source file='/srv/db7.img'/>
          <target dev='vda' bus='virtio'/>
        </disk>
      </devices>
    </domain>

Fix: `<iothreadpin>` with CPUs of the guest's node that no vCPU has, best those of the emulator.

When to ignore it: The disk is hardly used.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: IOThreads without a pin float over all CPUs; emulatorpin is not inherited
- OpenStack nova, KubeVirt, oVirt engine: IOThreads are pinned as the emulator is
- SUSE, SAP HANA on KVM: the guest's IOThreads need not be isolated
"""

from collections.abc import Iterator

from numalint import (
    Affinity,
    Category,
    Fact,
    Finding,
    HostNodes,
    IdSet,
    Intent,
    NotJudged,
    Origin,
    Placement,
    Related,
    Severity,
    Trait,
    count_text,
    cpus_text,
    ids_text,
    iothreadpin_text,
    node_places,
    placement_rule,
)

JUDGED = (Intent.DEDICATED, Intent.REALTIME, Intent.NODE_BOUND)


@placement_rule(
    "iothreadpin-missing",
    Severity.WARNING,
    Category.THREADS,
    when=Trait.IOTHREADS | Trait.PINS,
    uses=(Fact.NODES, Fact.CORES, Fact.SOCKETS, Fact.DISTANCES, Fact.HOUSEKEEPING, Fact.ISOLATED),
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    if placement.domain.iothreadpins.keys() >= set(placement.domain.iothreads):
        return
    loose = IdSet.of(thread for thread, affinity in placement.used_iothreads.items() if not affinity.explicit)
    if not loose or not placement.pinned_vcpus:
        return
    if placement.intent is None:
        yield NotJudged(Fact.CORES, "whether the pins are whole cores")
    elif placement.intent in JUDGED:
        yield from _judge(placement, loose, placement.inherited)


def _judge(placement: Placement, loose: IdSet[int], inherited: Affinity) -> Iterator[Finding]:
    cpus, host, threads = inherited.cpus, placement.host, ids_text("IOThread", loose)
    guest = placement.home_nodes or host.nodes_of(placement.pinned_cpus)
    nodes: HostNodes = IdSet() if cpus is None else host.nodes_of(cpus)
    if cpus is None and placement.dedicated:
        where = "the nodes that numad chooses" if inherited.origin is Origin.PLACEMENT_AUTO else "any host CPU"
        message = f"{_own(placement)}, but {threads} may run on {where}"
        yield _finding(placement, loose, message, Severity.NOTE, "it may take time from the vCPUs, or be remote")
    elif cpus is not None and not nodes <= guest and not host.one_node:
        near = host.near(nodes, guest)
        message = (
            f"{_own(placement)} on {ids_text('node', guest)} of {host.name}, "
            f"but {threads} may run on {ids_text('node', nodes)} ({count_text(len(cpus), 'CPU')})"
        )
        severe = near is False and placement.dedicated and not _whole_cores(placement)
        yield _finding(placement, loose, message, None if severe else Severity.NOTE, _why_remote(near))
    elif cpus is not None and placement.dedicated and cpus & placement.pinned_cpus:
        message = f"{_own(placement)}, but {threads} may run on them too: {cpus_text(cpus)}"
        yield _finding(placement, loose, message, Severity.NOTE, "serving the disk takes time from the vCPUs")


def _own(placement: Placement) -> str:
    if len(placement.pinned) == 1:
        return "its vCPU has a CPU of its own" if placement.dedicated else "its vCPU has a pin"
    has = "CPUs of their own" if placement.dedicated else "pins"
    return f"{len(placement.pinned)} vCPUs have {has}"


def _whole_cores(placement: Placement) -> bool:
    """Whether each vCPU is pinned to a core of several threads."""
    return all(affinity.cpus is not None and len(affinity.cpus) > 1 for affinity in placement.pinned.values())


def _why_remote(near: bool | None) -> str:
    if near:
        return "the disk may be served from a neighbouring node, or on the CPUs of the vCPUs"
    unknown = "" if near is False else "; how far that is is unknown, for no input states the distances"
    return f"the disk is then served from another node than the guest's memory{unknown}"


def _finding(placement: Placement, loose: IdSet[int], message: str, severity: Severity | None, why: str) -> Finding:
    inherited, threads, several = placement.inherited.pin, ids_text("IOThread", loose), len(loose) > 1
    use = next(use for use in placement.domain.guest.iothread_uses if use.thread in loose)
    if inherited is None:
        place, label = placement.domain.iothread_place(min(loose)), f"{'have' if several else 'has'} no <iothreadpin>"
    else:
        place, label = inherited.place.at("cpuset"), f"{'inherit' if several else 'inherits'} this"
    return Finding(
        place=place,
        message=message,
        label=f"{threads} {label}",
        severity=severity,
        related=(
            Related(use.place, f"{use.user} is served by IOThread {use.thread}"),
            *node_places(placement.host, placement.home_nodes),
        ),
        why=why,
        help=_help(placement, loose),
        data={"iothreads": str(loose), "cpus": str(placement.inherited.cpus or "")},
    )


def _help(placement: Placement, loose: IdSet[int]) -> str:
    pin = iothreadpin_text(placement, min(loose))
    if not pin:
        return (
            "add <iothreadpin> with the CPUs of the vCPUs, which have all of their node, or leave one to the IOThreads"
        )
    return f"add {pin}{'; and so on' if len(loose) > 1 else ''}"

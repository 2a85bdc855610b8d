"""The emulator threads have no CPU but those of realtime vCPUs.

The emulator's main loop answers the monitor, serves disks without an IOThread and all emulated devices, and vhost-net runs where it
runs. On a CPU that a fifo or rr vCPU holds it runs only while that vCPU sleeps, and a busy one does not sleep: the guest waits for a device
that never answers, `virsh` hangs. OpenStack refuses such guests: either one vCPU is not realtime, or the emulator has CPUs
elsewhere. An emulatorsched of fifo or rr helps the main thread alone, as measured, not the emulator's other threads: a warning then.

Host: none

Bad:

    <domain>
      <name>plc6</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
                                  - realtime vCPU 0 has CPU 4
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='4-5'/>
                             ^^^ the emulator threads have only these
        <vcpusched vcpus='0-1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Bad:

    <domain>
      <name>plc6</name>
      <vcpu cpuset='4-5'>2</vcpu>
                    ^^^ the emulator threads have only these
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <vcpusched vcpus='0-1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Bad (warning):

    <domain>
      <name>plc6</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='5'/>
                             ^ the emulator threads have only this
        <vcpusched vcpus='0-1' scheduler='fifo' priority='1'/>
        <emulatorsched scheduler='fifo' priority='2'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>plc6</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='0-1'/>
        <vcpusched vcpus='0-1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>plc7</name>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
        <emulatorpin cpuset='4'/>
        <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
      </cputune>
    </domain>

Fix: `<emulatorpin>` with housekeeping CPUs of the guest's node, or with the CPU of a vCPU that is not realtime.

When to ignore it: Never.

Sources:
- OpenStack nova-specs, pike/libvirt-emulator-threads-policy, and nova's RealtimeMaskNotFoundOrInvalid
- libvirt, KVM Real Time Guest Config: emulator threads on CPUs that are not isolated
- measured with libvirt 9.0.0 and 11.3.0: emulatorsched sets the main thread alone
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
    ids_text,
    placement_rule,
)


@placement_rule(
    "rt-emulator-starved",
    Severity.ERROR,
    Category.REALTIME,
    when=Trait.REALTIME,
    uses=(Fact.NODES, Fact.HOUSEKEEPING),
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    emulator, held = placement.emulator, placement.realtime_cpus
    if not emulator.cpus or not emulator.cpus <= held:
        return
    owners = {vcpu: its for vcpu, its in placement.realtime.items() if its.cpus and its.cpus <= emulator.cpus}
    pins = [(vcpu, its.pin) for vcpu, its in owners.items() if its.explicit and its.pin is not None]
    raised = any(each.thread == "emulator" and each.policy in ("fifo", "rr") for each in placement.domain.schedulers)
    of = f" of {placement.host.name}" if placement.host.name else ""
    verb = "has" if len(owners) == 1 else "have"
    yield Finding(
        place=placement.vcpus_place if emulator.pin is None else emulator.pin.place.at("cpuset"),
        message=f"the emulator threads have only {ids_text('CPU', emulator.cpus)}{of}, "
        f"which realtime {ids_text('vCPU', IdSet.of(owners))} {verb}",
        label=f"the emulator threads have only {'this' if len(emulator.cpus) == 1 else 'these'}",
        severity=Severity.WARNING if raised else None,
        related=tuple(
            Related(pin.place.at("cpuset"), f"realtime vCPU {vcpu} has CPU {pin.cpus}")
            for vcpu, pin in pins[:MOST_RELATED]
        ),
        why="emulatorsched raises the main thread alone: vhost and the emulator's workers wait as before"
        if raised
        else "while the realtime vCPUs are busy no device answers, and neither does the monitor",
        help=_help(placement),
        data={"emulator": str(emulator.cpus), "vcpus": str(IdSet.of(owners))},
    )


def _help(placement: Placement) -> str:
    host, domain = placement.host, placement.domain
    nodes = host.nodes_of(placement.realtime_cpus)
    kept: HostCpus = ((host.housekeeping or IdSet()) & host.cpus_of(nodes)) - placement.realtime_cpus
    if kept:
        return f"write <emulatorpin cpuset='{kept}'/>: the housekeeping CPUs of {ids_text('node', nodes)}"
    ordinary = placement.cpus_of(domain.online - domain.realtime)
    if ordinary and ordinary - placement.realtime_cpus:
        cpus = ordinary - placement.realtime_cpus
        return f"write <emulatorpin cpuset='{cpus}'/>: the CPUs of the vCPUs that are not realtime"
    return "write <emulatorpin> with CPUs of the same node that no realtime vCPU has"

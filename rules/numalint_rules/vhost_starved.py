"""The NICs have more vhost workers than the emulator has CPUs for them.

vhost-net serves each queue pair of a virtio NIC by a worker of its own, and these run where the emulator runs: libvirt has no pin for
them alone. An `<emulatorpin>` of one or two CPUs, right for the emulator itself, is then all that many workers have, and
the queues, meant to be served in parallel, wait for one another. KubeVirt's developers, who isolate the emulator's threads, wanted such
a pin and found none.

Host: none

Bad:

    <domain>
      <name>gw1</name>
      <vcpu>4</vcpu>
      <cputune>
        <emulatorpin cpuset='2'/>
                             ^ all vhost workers run here
      </cputune>
      <devices>
        <interface type='bridge'>
          <source bridge='br0'/>
          <model type='virtio'/>
          <driver name='vhost' queues='4'/>
        </interface>
      </devices>
    </domain>

Good:

    <domain>
      <name>gw1</name>
      <vcpu>4</vcpu>
      <cputune>
        <emulatorpin cpuset='2-5'/>
      </cputune>
      <devices>
        <interface type='bridge'>
          <source bridge='br0'/>
          <model type='virtio'/>
          <driver name='vhost' queues='4'/>
        </interface>
      </devices>
    </domain>

Fix: More CPUs of the same node in `<emulatorpin>`, or fewer queues.

When to ignore it: The NICs carry little. On some kernels of the 6.x line vhost workers did not keep to the emulator's CPUs.

Sources:
- Linux, drivers/vhost: workers join the cgroups of the thread that owns the device
- measured with libvirt 9.0.0 and 11.3.0: vhost workers follow emulatorpin, also when it is changed while the guest runs
- kubevirt/enhancements, issue 374: libvirt cannot pin vhost workers
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.6
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Finding,
    Interface,
    Placement,
    Related,
    Severity,
    Trait,
    count_text,
    cpus_text,
    placement_rule,
)

FEW = 2
"""The emulator has few CPUs where it has no more than these."""


@placement_rule("vhost-starved", Severity.NOTE, Category.THREADS, when=Trait.INTERFACES, precision="medium")
def check(placement: Placement) -> Iterator[Finding]:
    pin, domain = placement.emulator.pin, placement.domain
    if pin is None or len(pin.cpus) > FEW or domain.virtualisation == "qemu":  # whose NICs libvirt gives no vhost
        return
    nics = [nic for nic in domain.guest.interfaces if nic.vhost]
    queues = sum(nic.queues for nic in nics)
    if not _crowded(nics, queues, len(pin.cpus)):
        return
    of = f" of {placement.host.name}" if placement.host.name else ""
    where = cpus_text(pin.cpus) if len(pin.cpus) == 1 else f"CPUs {cpus_text(pin.cpus)}"
    yield Finding(
        place=pin.place.at("cpuset"),
        message=f"the {count_text(queues, 'queue')} of {count_text(len(nics), 'NIC')} have a vhost worker each, "
        f"all with the emulator on {where}{of}",
        label=f"all vhost workers run {'here' if len(pin.cpus) == 1 else 'on these'}",
        related=tuple(Related(nic.place, count_text(nic.queues, "queue pair")) for nic in nics[:MOST_RELATED]),
        why="the queues wait for one another: a vhost worker has no pin of its own, and runs where the emulator runs",
        help="give <emulatorpin> more CPUs of the same node, or the NICs fewer queues",
        data={"queues": queues, "cpus": str(pin.cpus)},
    )


def _crowded(nics: list[Interface], queues: int, cpus: int) -> bool:
    return queues > 2 * cpus or (cpus == 1 and any(nic.queues > 1 for nic in nics))

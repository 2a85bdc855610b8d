"""The guest has more vCPUs than the host has CPUs for guests.

It starts, and then its vCPUs wait for each other: where more of them want to run than there are CPUs, some are always stopped,
perhaps with a lock that the others need. The guest sees time go by in jumps. Several guests may share the CPUs of a host, but
no guest gains from vCPUs that cannot run beside each other; SUSE calls it a misconfiguration always, and OpenStack never lets a
guest overcommit against itself. CPUs that the host keeps for itself (housekeeping) do not count. vCPUs that are only there to
be plugged in later make this a note. Those that `<vcpus>` leaves off in the midst are none of them: such a gap lines the guest's
caches up with the host's where each of those has, say, three cores.

Host: pack:2 numa:1 core:4 pu:1

Bad:

    <domain>
      <name>render1</name>
      <memory unit='MiB'>512</memory>
      <vcpu>12</vcpu>
            ^^ 12 vCPUs at start
    </domain>

Bad (note):

    <domain>
      <name>render1</name>
      <memory unit='MiB'>512</memory>
      <vcpu current='8'>12</vcpu>
                        ^^ 12 vCPUs at most, 8 at start
    </domain>

Good:

    <domain>
      <name>render1</name>
      <memory unit='MiB'>512</memory>
      <vcpu>8</vcpu>
    </domain>

Good:

    <domain>
      <name>win11</name>
      <memory unit='MiB'>512</memory>
      <vcpu current='6'>9</vcpu>
      <vcpus>
        <vcpu id='0' enabled='yes' hotpluggable='no'/>
        <vcpu id='1' enabled='yes' hotpluggable='yes'/>
        <vcpu id='2' enabled='yes' hotpluggable='yes'/>
        <vcpu id='3' enabled='no' hotpluggable='yes'/>
        <vcpu id='4' enabled='yes' hotpluggable='yes'/>
        <vcpu id='5' enabled='yes' hotpluggable='yes'/>
        <vcpu id='6' enabled='yes' hotpluggable='yes'/>
        <vcpu id='7' enabled='no' hotpluggable='yes'/>
        <vcpu id='8' enabled='no' hotpluggable='yes'/>
      </vcpus>
    </domain>

Fix: Give the guest no more vCPUs than the host has CPUs for guests, better no more than one node has.

When to ignore it: The host only tests how software behaves on many CPUs, and speed does not matter.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: always considered a misconfiguration
- measured with libvirt 9.0.0 and 11.3.0: a guest with more vCPUs than the host has CPUs starts
- OpenStack nova, virt/hardware.py: an instance never overcommits against itself
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Domain,
    Fact,
    Finding,
    Placement,
    Severity,
    count_text,
    node_places,
    placement_rule,
)


@placement_rule(
    "vcpus-exceed-host",
    Severity.WARNING,
    Category.PLACEMENT,
    needs=Fact.NODES,
    uses=Fact.HOUSEKEEPING,
    precision="very-high",
)
def check(placement: Placement) -> Iterator[Finding]:
    domain, room = placement.domain, len(placement.host.guest_cpus)
    if len(domain.online) > room:
        vcpus = count_text(len(domain.online), "vCPU")
        why = "some of them always wait for a CPU, perhaps with a lock that the others need"
        yield _finding(placement, vcpus, f"{vcpus} at start", None, why)
    elif domain.maximum - _left_out(domain) > room:
        label = f"{count_text(domain.maximum, 'vCPU')} at most, {len(domain.online)} at start"
        yield _finding(
            placement, label, label, Severity.NOTE, "with all of them plugged in, some always wait for a CPU"
        )


def _left_out(domain: Domain) -> int:
    """How many vCPUs are off in the midst: such a gap lines the guest's caches up with the host's, and stays one."""
    return max(domain.online) + 1 - len(domain.online) if domain.online else 0


def _finding(placement: Placement, vcpus: str, label: str, severity: Severity | None, why: str) -> Finding:
    host, room = placement.host, len(placement.host.guest_cpus)
    kept = len(host.cpus or ()) - room
    has = f"{count_text(room, 'CPU')}{f' beside {kept} for housekeeping' if kept else ''}"
    most = f"give it at most {count_text(room, 'vCPU')}" if room else "free some CPUs for guests"
    narrow = host.most_usable_cpus
    return Finding(
        place=placement.vcpus_place,
        message=f"it has {vcpus}, but {host.name} has {has}",
        label=label,
        severity=severity,
        related=node_places(host, host.cpu_nodes),
        why=why,
        help=most if narrow in (0, room) else f"{most}; the largest node has {count_text(narrow, 'CPU')}",
        data={"vcpus": len(placement.domain.online), "maximum": placement.domain.maximum, "cpus": room},
    )

"""numad chooses the CPUs or the memory's nodes at each start.

With `placement='auto'` libvirt asks the daemon numad when the guest starts; without numad the start fails ("Failed to query
numad for the advisory nodeset"). Its answer is whole nodes, by what is free at that moment: it was nodes 0-1 at one start and
node 0 at the next of the same domain on the same host. It is given once and not again when the load has changed, and it knows
nothing of isolated CPUs and of what other guests are pinned to. So nothing else about this placement can be judged from the
file.

Host: none

Bad:

    <domain>
      <name>erp1</name>
      <vcpu placement='auto'>4</vcpu>
                       ^^^^ numad chooses nodes for vCPUs and memory
    </domain>

Bad:

    <domain>
      <name>erp1</name>
      <vcpu>4</vcpu>
      <numatune>
        <memory mode='strict' placement='auto'/>
                                         ^^^^ numad chooses nodes for vCPUs and memory
      </numatune>
    </domain>

Good:

    <domain>
      <name>erp1</name>
      <vcpu cpuset='0-7'>4</vcpu>
      <numatune>
        <memory mode='strict' nodeset='0'/>
      </numatune>
    </domain>

Fix: `<vcpu cpuset>` with the CPUs of a node, and `<memory nodeset>` with that node.

When to ignore it: numad runs on the hosts, their guests come and go, and it may place them as it sees fit at each start.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: the error without numad, and two answers for one domain
- libvirt, formatdomain: CPU Allocation and NUMA Node Tuning, placement
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3: configure guests through libvirt rather than numad
"""

from collections.abc import Iterator

from numalint import Category, Domain, Finding, Place, Severity, Trait, domain_rule


@domain_rule("placement-auto-needs-numad", Severity.NOTE, Category.PLACEMENT, when=Trait.AUTOMATIC)
def check(domain: Domain) -> Iterator[Finding]:
    memory = domain.memory is not None and domain.memory.nodes is None
    if domain.written_memnodes or not (
        domain.automatic or memory
    ):  # auto-placement-conflict: libvirt takes no memnodes
        return
    both = "vCPUs and memory" if domain.automatic and memory else "the vCPUs" if domain.automatic else "the memory"
    yield Finding(
        place=_place(domain),
        message=f"numad chooses the nodes for {both} at each start, by what is free then: they cannot be judged here",
        label=f"numad chooses nodes for {both}",
        why="without numad it does not start; with it, it may be placed otherwise each time, and numad ignores isolated CPUs"
        " and other guests' pins",
        help="name the CPUs of a node in <vcpu cpuset='...'>, and that node in <memory mode='strict' nodeset='...'/>",
    )


def _place(domain: Domain) -> Place:
    """Where ``placement`` is written: on ``<memory>`` or, where that says nothing of it, on ``<vcpu>``."""
    if domain.memory is not None and domain.memory.nodes is None:
        return domain.memory.place.at(
            "placement"
        )  # libvirt's own <memory>, for vCPUs by numad, stands where <vcpu> does
    return domain.place if domain.vcpu_place is None else domain.vcpu_place.at("placement")

"""numad chooses the nodes for the vCPUs or for the memory, and the other is fixed.

`placement='auto'` on `<vcpu>` alone, beside a `<memory>` with a nodeset, gives two answers that know nothing of each other:
numad picks the CPUs by what is free at the start, and the memory is where the file says. So it is with `<memory
placement='auto'/>` beside any pin or `<vcpu cpuset>`: then the vCPUs are not numad's. At some starts the two meet, at others
all memory is remote, and Red Hat puts NUMA misses at 10 % and more.

Host: none

Bad:

    <domain>
      <name>erp1</name>
      <vcpu placement='auto'>4</vcpu>
                       ---- the vCPUs are where numad puts them
      <numatune>
        <memory mode='strict' nodeset='0'/>
                                       ^ the memory is on node 0
      </numatune>
    </domain>

Bad:

    <domain>
      <name>erp1</name>
      <vcpu cpuset='0-7'>4</vcpu>
                    --- the vCPUs may run on these
      <numatune>
        <memory mode='strict' placement='auto'/>
                                         ^^^^ the memory is where numad puts it
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

Good:

    <domain>
      <name>erp1</name>
      <vcpu placement='auto'>4</vcpu>
    </domain>

Fix: Name both, the CPUs of a node and that node; or leave both to numad, without pins and without a nodeset.

When to ignore it: Never on a host of several nodes.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: pinned threads obey their pins, all others and the memory get numad's nodes
- libvirt, domain_conf.c: virDomainDefParseXML and virDomainNumatuneSet
- Red Hat Enterprise Linux 7, Virtualization Tuning and Optimization Guide, 9.3.2: pins and numatune belong together
"""

from collections.abc import Iterator

from numalint import (
    Category,
    Domain,
    Fact,
    Finding,
    Place,
    Placement,
    Related,
    Severity,
    Trait,
    count_text,
    ids_text,
    placement_rule,
)


@placement_rule("placement-auto-half", Severity.WARNING, Category.PLACEMENT, when=Trait.AUTOMATIC, uses=Fact.NODES)
def check(placement: Placement) -> Iterator[Finding]:
    domain = placement.domain
    if (
        placement.host.one_node or domain.written_memnodes or domain.memory is None
    ):  # auto-placement-conflict has memnodes
        return
    if domain.memory.nodes is not None:
        where = ids_text("node", domain.memory.nodes)
        yield _finding(
            f"numad chooses the CPUs at each start, but the memory is on {where}",
            (domain.memory.place.at("nodeset"), f"the memory is on {where}"),
            (_vcpu_place(domain), "the vCPUs are where numad puts them"),
        )
    elif not domain.automatic or placement.pinned:
        yield _finding(
            f"numad chooses the memory's nodes at each start, but {_held(placement)}",
            (domain.memory.place.at("placement"), "the memory is where numad puts it"),
            _hold(placement),
        )


def _finding(message: str, at: tuple[Place, str], other: tuple[Place, str]) -> Finding:
    return Finding(
        place=at[0],
        message=message,
        label=at[1],
        related=(Related(*other),),
        why="the two know nothing of each other: after some starts all memory is remote",
        help="name both: <vcpu cpuset='...'> with the CPUs of a node and <memory mode='strict' nodeset='...'/> with that node",
    )


def _vcpu_place(domain: Domain) -> Place:
    return domain.place if domain.vcpu_place is None else domain.vcpu_place.at("placement")


def _held(placement: Placement) -> str:
    if placement.pinned:
        vcpus = len(placement.pinned)
        return f"{count_text(vcpus, 'vCPU')} {'is' if vcpus == 1 else 'are'} pinned"
    return "the vCPUs are not its to place"


def _hold(placement: Placement) -> tuple[Place, str]:
    """The pin for which libvirt leaves the vCPUs to the file."""
    domain = placement.domain
    if placement.pinned:
        first = domain.vcpupins[next(iter(placement.pinned))]
        return first.place, f"first of {count_text(len(placement.pinned), 'pin')}"
    if domain.cpuset is not None:
        return domain.cpuset.place.at("cpuset"), "the vCPUs may run on these"
    pins = (domain.emulatorpin, *domain.iothreadpins.values(), *domain.vcpupins.values())
    other = next((pin for pin in pins if pin is not None), None)
    assert other is not None, "without any pin libvirt leaves the vCPUs to numad too"
    return other.place, "for this pin libvirt leaves the vCPUs anywhere"

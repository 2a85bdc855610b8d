"""Memory is preferred on several nodes.

`preferred` takes memory from a node as long as it has some, and then from elsewhere. Several nodes need Linux from 5.15 on, libnuma
from 2.0.15, libvirt from 9.0.0, and a QEMU that asks the kernel for it; else the first node alone counts. For `nodeset='0-1'` QEMU
7.2 under libvirt 9.0.0 and Linux 6.1 preferred node 0, and all memory came from there; QEMU 10.0 under libvirt 11.3.0 and Linux 6.12
preferred both, and all of it came from node 1. Neither spreads it. libvirt before 9.0.0 refuses to start the domain: "NUMA memory
tuning in 'preferred' mode only supports single node".

Host: none

Bad (note):

    <domain>
      <name>proxy1</name>
      <numatune>
        <memory mode='preferred' nodeset='0-1'/>
                                          ^^^ 2 nodes
      </numatune>
    </domain>

Good:

    <domain>
      <name>proxy1</name>
      <numatune>
        <memory mode='preferred' nodeset='0'/>
      </numatune>
    </domain>

Fix: Name the node that the vCPUs are on. Where memory is to come from several nodes evenly, `mode='interleave'`; where it must
not come from others, `mode='strict'`.

When to ignore it: Kernel, libnuma, QEMU and libvirt are new enough on all hosts, and any of these nodes is as good as another.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: the policy that the kernel was given, and where the memory came from
- libvirt, release notes of 9.0.0: preferred with several nodes, and what it needs
- oVirt engine, NumaValidator: one node in preferred mode
- autotest/tp-libvirt, numa memory binding tests
"""

from collections.abc import Iterator

from numalint import (
    MOST_RELATED,
    Category,
    Domain,
    Finding,
    MemoryBinding,
    Related,
    Severity,
    Trait,
    count_text,
    domain_rule,
    ids_text,
)

SEVERAL = (9, 0)
"""The release from which on several nodes may be preferred."""


@domain_rule("preferred-multi-node", Severity.NOTE, Category.CORRECTNESS, when=Trait.LOOSE_BINDING)
def check(domain: Domain) -> Iterator[Finding]:
    bindings = (domain.memory, *domain.written_memnodes)
    several = [each for each in bindings if each is not None and each.mode == "preferred" and len(each.nodes or ()) > 1]
    if several:
        yield _finding(domain, several)


def _finding(domain: Domain, several: list[MemoryBinding]) -> Finding:
    first, nodes = several[0], several[0].nodes or ()
    whose = "its memory" if first.cell is None else f"the memory of cell {first.cell}"
    refused = first.cell is None and domain.libvirt < SEVERAL  # what a memnode says goes to QEMU unseen
    counted = count_text(len(nodes), "node")
    return Finding(
        place=first.place.at("nodeset"),
        message=f"{whose} is preferred on {counted} at once: {first.nodes}",
        label=counted,
        severity=Severity.ERROR if refused else None,
        related=tuple(Related(each.place.at("nodeset"), "and here") for each in several[1 : 1 + MOST_RELATED]),
        why=f"libvirt {domain.libvirt} refuses to start it: in 'preferred' mode only a single node is supported"
        if refused
        else f"older kernels, libnuma and QEMU prefer node {next(iter(nodes))} alone, newer ones any of them; none spreads it",
        help="name the one node that its vCPUs are on; mode='interleave' spreads memory over "
        + (ids_text("node", first.nodes) if first.nodes is not None else "several"),
        data={"nodes": str(first.nodes), "libvirt": str(domain.libvirt)},
    )

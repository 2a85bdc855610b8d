"""The guest has many vCPUs and no `<topology>`, so each of them is a socket of its own.

Without a `<topology>` libvirt asks QEMU for as many sockets as vCPUs, each of one core with one thread. The guest then believes
that no two vCPUs share a cache, and its scheduler does not keep together what shares data. Windows uses as many sockets as its
edition allows, one or two on a desktop, and leaves the other vCPUs idle; what is licensed by the socket counts them all. The
rule speaks of guests with more than 8 vCPUs.

Bad:

    <domain>
      <name>build1</name>
      <vcpu>16</vcpu>
            ^^ 16 sockets of one core
    </domain>

Good:

    <domain>
      <name>build1</name>
      <vcpu>16</vcpu>
      <cpu>
        <topology sockets='1' cores='16' threads='1'/>
      </cpu>
    </domain>

Good:

    <domain>
      <name>build2</name>
      <vcpu>4</vcpu>
    </domain>

Fix: Add a `<topology>` to `<cpu>`: a socket for each NUMA cell, and as many cores as make up the rest. `threads='2'` only where
pairs of vCPUs are pinned to the two threads of a host core. The guest sees the change, at its next start.

When to ignore it: The guest moves between hosts that are unlike, and no cache is worth keeping.

Sources:
- measured with libvirt 9.0.0 and 11.3.0: `-smp 4,sockets=4,cores=1,threads=1`
- OpenStack nova, CPU topologies: its default is sockets alone, and what is said against it
"""

from collections.abc import Iterator
from math import gcd

from numalint import TEXT, Category, Domain, Finding, Related, Severity, count_text, domain_rule

FEW = 8
"""So many vCPUs may be sockets."""


@domain_rule("topology-absent", Severity.NOTE, Category.GUEST_TOPOLOGY)
def check(domain: Domain) -> Iterator[Finding]:
    if domain.topology is not None or domain.maximum <= FEW or not domain.on_qemu:
        return
    cells, vcpus = len(domain.cells), count_text(domain.maximum, "vCPU")
    place = domain.vcpu_place
    yield Finding(
        place=domain.place if place is None else place.at(TEXT),
        message=f"it has {vcpus} and no <topology>, so the guest sees {domain.maximum} sockets of one core",
        label=f"{domain.maximum} sockets of one core",
        related=(Related(domain.numa_place, count_text(cells, "guest cell")),) if domain.numa_place and cells else (),
        why="to the guest no two vCPUs share a cache; desktop Windows uses one socket or two, and licences count them all",
        help=_help(domain),
        data={"vcpus": domain.maximum},
    )


def _help(domain: Domain) -> str:
    """The fewest sockets of which no cell has a part; where these are many, other cells."""
    edges = [edge for cell in domain.cells for first, last in cell.stated.runs() for edge in (first, last + 1)]
    size = gcd(domain.maximum, *edges)
    sockets = domain.maximum // size
    if sockets > max(1, 2 * len(domain.cells)):
        return "give each cell vCPUs in a row, and add to <cpu> a <topology> with a socket for each cell"
    return f"add <topology sockets='{sockets}' cores='{size}' threads='1'/> to <cpu>"

"""A large guest with CPUs of its own has its memory in ordinary pages.

Every access of a guest goes through two page tables, its own and the host's, and each level of either that is not in the TLB is
a memory access of its own. A page of 2 MiB or 1 GiB covers as much as 512 or 262,144 of 4 KiB, so that far more of the guest's
memory stays in the TLB. Huge pages are set aside for guests, neither swapped nor merged, and on the node that numatune names or
not at all. SUSE prefers pages of 1 GiB for large guests, and demands them for SAP HANA; KubeVirt demands huge pages for NUMA
passthrough. Transparent huge pages do part of it, as long as memory is not fragmented.

The rule speaks of guests with dedicated CPUs and 16 GiB or more, and is off by default.

Host: none

Bad:

    <domain>
      <name>db16</name>
      <memory unit='GiB'>32</memory>
                         ^^ 32 GiB in ordinary pages
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
    </domain>

Good:

    <domain>
      <name>db16</name>
      <memory unit='GiB'>32</memory>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <vcpu>2</vcpu>
      <cputune>
        <vcpupin vcpu='0' cpuset='4'/>
        <vcpupin vcpu='1' cpuset='5'/>
      </cputune>
    </domain>

Fix: `<hugepages>` in `<memoryBacking>`, and as many pages reserved on the node, those of 1 GiB at boot.

When to ignore it: The memory is to be ballooned, merged or overcommitted, none of which huge pages can be.

Sources:
- SUSE Best Practices, Optimizing Linux for AMD EPYC 9005: pages of 1 GiB
- SUSE, SAP HANA on KVM: huge pages of 1 GiB are a must
- KubeVirt user guide, NUMA: huge pages are required for guestMappingPassthrough
- OpenStack nova, Huge pages
"""

from collections.abc import Iterator

from numalint import (
    TEXT,
    Category,
    Fact,
    Finding,
    Intent,
    NotJudged,
    Placement,
    Related,
    Severity,
    Trait,
    placement_rule,
    size_text,
)

LARGE = 16 << 30
"""From so many bytes on it is worth the trouble."""

GIB = 1 << 30


@placement_rule(
    "hugepages-recommended",
    Severity.NOTE,
    Category.HUGEPAGES,
    when=Trait.PINS | Trait.DEDICATED,
    uses=(Fact.CORES, Fact.HUGEPAGES),
    enabled=False,
)
def check(placement: Placement) -> Iterator[Finding | NotJudged]:
    domain = placement.domain
    # a <page> of 4 KiB is a choice; what lies in a file may be on a DAX device; rt-memory-unlocked has realtime guests
    if domain.hugepages or domain.backing.source == "file" or (domain.memory_bytes or 0) < LARGE:
        return
    if placement.intent is None:
        yield NotJudged(Fact.CORES, "whether the pins are whole cores")
    elif placement.intent is Intent.DEDICATED:
        yield _finding(placement)


def _finding(placement: Placement) -> Finding:
    domain, size = placement.domain, size_text(placement.domain.memory_bytes or 0)
    pins = next(iter(domain.vcpupins.values()))
    return Finding(
        place=domain.place if domain.memory_place is None else domain.memory_place.at(TEXT),
        message=f"it has CPUs of its own, but its {size} of memory are in ordinary pages",
        label=f"{size} in ordinary pages",
        related=(Related(pins.place, f"first of {len(placement.pinned)} pins"),),
        why="of ordinary pages few are in the TLB at a time, and each miss walks the page tables of guest and host",
        help=_help(placement),
        data={"memory_bytes": domain.memory_bytes or 0},
    )


def _help(placement: Placement) -> str:
    """Pages of 1 GiB where memory is a whole number of them, unless the host is known to have none."""
    domain = placement.domain
    sizes = [cell.memory_bytes for cell in domain.cells] or [domain.memory_bytes or 0]
    offered = {size for node in placement.host.nodes or () for size in node.hugepages or {}}
    gib = all(size % GIB == 0 for size in sizes) and (not offered or GIB in offered)
    page = "<page size='1' unit='GiB'/>" if gib else "<page size='2' unit='MiB'/>"
    return f"add <memoryBacking><hugepages>{page}</hugepages></memoryBacking>, and reserve the pages on its node"

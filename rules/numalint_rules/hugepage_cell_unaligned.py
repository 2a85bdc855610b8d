"""Memory in huge pages is not a whole number of them.

QEMU makes the memory of each guest cell, or of a guest without cells, and that of each memory device, of whole pages. QEMU 10
refuses to start a guest for which that does not come out even: "memory size must be multiple of 2 MiB". QEMU 7.2 rounded it up
in silence and took a page more than the guest sees. Less than one page is refused by both: "memory size 0x20000000 must be
equal to or larger than page size 0x40000000". It happens when memory is divided among cells, and with pages of 1 GiB.

What the release of QEMU is no input states. A libvirt of 11.0 or newer, as the configuration names it, stands for QEMU 10;
before that this is a warning. libvirt rounds all memory up to whole MiB first (on POWER 256 MiB), and so does this rule.

Bad:

    <domain>
      <name>vnf3</name>
      <vcpu>4</vcpu>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
                      - pages of 1 GiB
        </hugepages>
      </memoryBacking>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='4608' unit='MiB'/>
                                          ^^^^ 4608 MiB
          <cell id='1' cpus='2-3' memory='4608' unit='MiB'/>
                                          ---- 4608 MiB
        </numa>
      </cpu>
    </domain>

Bad:

    <domain>
      <name>vnf4</name>
      <memory unit='MiB'>512</memory>
                         ^^^ 512 MiB
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
    </domain>

Good:

    <domain>
      <name>vnf3</name>
      <vcpu>4</vcpu>
      <memoryBacking>
        <hugepages>
          <page size='1' unit='GiB'/>
        </hugepages>
      </memoryBacking>
      <cpu>
        <numa>
          <cell id='0' cpus='0-1' memory='5' unit='GiB'/>
          <cell id='1' cpus='2-3' memory='4' unit='GiB'/>
        </numa>
      </cpu>
    </domain>

Good:

    <domain>
      <name>vnf4</name>
      <memory unit='MiB'>512</memory>
      <memoryBacking>
        <hugepages>
          <page size='2' unit='MiB'/>
        </hugepages>
      </memoryBacking>
    </domain>

Fix: Give each cell a multiple of the page size, or use smaller pages.

When to ignore it: Never with QEMU 10. Before, where a page more is no matter.

Sources:
- measured with libvirt 9.0.0 on QEMU 7.2 and 11.3.0 on QEMU 10.0: what each refuses
- oVirt, engine: memory must be a multiple of the huge page size
- SUSE, SAP HANA on KVM: whole pages for each cell
- libvirt, qemuDomainAlignMemorySizes: the rounding
"""

from collections.abc import Iterator

import msgspec

from numalint import (
    MOST_RELATED,
    TEXT,
    Category,
    Domain,
    Finding,
    HugePages,
    Place,
    Related,
    Severity,
    Trait,
    domain_rule,
    size_text,
)

MIB = 1 << 20
POWER = 256 * MIB
"""What libvirt rounds memory up to."""

REFUSED = (11, 0)
"""The libvirt that stands for a QEMU which refuses it: the two come together in a distribution."""


class Memory(msgspec.Struct, frozen=True):
    """Memory that is made of huge pages: whose it is, how much, of pages of which size, and where that is written."""

    whose: str
    size: int
    page: int
    place: Place
    page_place: Place

    @property
    def text(self) -> str:
        """In MiB, of which there is always a whole number."""
        return f"{self.size // MIB} MiB"


@domain_rule("hugepage-cell-unaligned", Severity.ERROR, Category.HUGEPAGES, when=Trait.HUGEPAGES)
def check(domain: Domain) -> Iterator[Finding]:
    if domain.on_qemu:
        every = list(_in_huge_pages(domain))
        wrong = [memory for memory in every if memory.size % memory.page]
        if wrong:
            yield _finding(domain, wrong, len(every))


def _in_huge_pages(domain: Domain) -> Iterator[Memory]:
    for cell in domain.cells:
        yield from _memory(
            domain, f"guest cell {cell.id}", cell.memory_bytes, cell.place.at("memory"), domain.page_of(cell)
        )
    if not domain.cells and domain.memory_bytes is not None and domain.memory_place is not None:
        yield from _memory(domain, "it", domain.memory_bytes, domain.memory_place.at(TEXT), domain.page_of())
    cells = {cell.id: cell for cell in domain.cells}
    for device in domain.guest.memory:
        if device.model == "dimm" and device.page_bytes is None and device.cell in cells:
            yield from _memory(domain, "a DIMM", device.size_bytes, device.place, domain.page_of(cells[device.cell]))


def _memory(domain: Domain, whose: str, size: int, place: Place, page: HugePages | None) -> Iterator[Memory]:
    if page is not None and page.size_bytes and size:
        unit = POWER if (domain.arch or "").startswith("ppc64") else MIB
        yield Memory(whose, -(-size // unit) * unit, page.size_bytes, place, page.place.at("size"))


def _finding(domain: Domain, wrong: list[Memory], count: int) -> Finding:
    first, *others = wrong
    smaller = any(memory.size < memory.page for memory in wrong)
    refused = smaller or domain.libvirt >= REFUSED
    page = size_text(first.page)
    so = f" ({len(wrong)} of {count} are so)" if count > 1 else ""
    up, down = -(-first.size // first.page), first.size // first.page
    return Finding(
        place=first.place,
        message=f"{first.whose} has {first.text} of memory, which is no whole number of pages of {page}{so}",
        label=first.text,
        severity=None if refused else Severity.WARNING,
        related=(
            Related(first.page_place, f"pages of {page}"),
            *(Related(memory.place, memory.text) for memory in others[:MOST_RELATED]),
        ),
        why=_why(first, refused=refused),
        help=f"give it {size_text(up * first.page)}{f' or {size_text(down * first.page)}' if down else ''}",
        data={"memory_bytes": first.size, "page_bytes": first.page, "libvirt": str(domain.libvirt)},
    )


def _why(memory: Memory, *, refused: bool) -> str:
    if memory.size < memory.page:
        return "QEMU does not start: memory size must be equal to or larger than page size"
    if refused:
        return f"QEMU 10 does not start: memory size must be multiple of {size_text(memory.page)}"
    return f"QEMU takes {memory.page - memory.size % memory.page >> 20} MiB more than the guest sees, and from QEMU 10 on refuses"
